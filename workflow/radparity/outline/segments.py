"""Which of a file's segments is meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from radparity.record import DataFault

NOTHING = "Draw closed contours; of a reader who marked nothing, give an empty NIfTI mask"


def number_of(value: Any, name: str) -> int:
    """The number of a segment or structure of a DICOM object. Raises DataFault `outline_unreadable` without one."""
    if value is None:
        raise DataFault("outline_unreadable", f"{name} does not number what it holds. Export it again")
    return int(value)


class Segment(NamedTuple):
    """A segment of a file: its number and its label as the tool shows them, and whether something is drawn in it."""

    number: int
    label: str
    drawn: bool = True


def choose(segments: Sequence[Segment], wanted: str | None, name: str) -> list[Segment]:
    """The segments that the readings sheet's `segment` names, by number or else by label; the only drawn one without.

    None, where a file without `segment` has nothing drawn. Labels are the site's own words, so no sentence holds them.
    Raises DataFault `outline_segment` where none or several could be meant.
    """
    numbers = ", ".join(str(segment.number) for segment in segments) or "none"
    if wanted is not None:
        found = [s for s in segments if str(s.number) == wanted] or [s for s in segments if s.label == wanted]
        if not found:
            raise DataFault(
                "outline_segment",
                f"{name} has no segment of the number or label that the readings sheet names; it has {numbers}",
            )
        return found
    drawn = [segment for segment in segments if segment.drawn]
    if len(drawn) > 1:
        raise DataFault(
            "outline_segment",
            f"{name} holds {len(drawn)} segments ({numbers}). Write the number or label of the cancer into the column"
            " `segment` of the readings sheet",
        )
    return drawn
