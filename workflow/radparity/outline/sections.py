"""The one section that a case is judged on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from radparity.record import DataFault

PLANES = ("sagittal", "coronal", "axial")


def marked_sections(mask: NDArray[np.bool_], axis: int) -> list[int]:
    """Sections of the native grid along an axis that hold something of a mask."""
    found: list[int] = np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis}))).tolist()
    return found


def common_section(masks: Mapping[str, NDArray[np.bool_]], section_axis: int = 0) -> int | None:
    """The sagittal section of the native grid that all raters outlined; a rater may have marked nothing.

    None where the exam was not acquired sagittally and the outlines fill a volume, and where the only rater of a
    sagittal one outlined three or more neighbouring sections: then `place_volume` says which
    section is judged. Raises DataFault `outline_empty`, `outline_sections` (sagittal exam, no common section) and
    `outline_flat` (all on one section of an exam that was not acquired sagittally).
    """
    found = {rater: marked_sections(mask, 0) for rater, mask in masks.items()}
    marked = {rater: sections for rater, sections in found.items() if sections}
    if not marked:
        raise DataFault("outline_empty", f"no rater marked anything ({', '.join(masks)})")
    if len({tuple(sections) for sections in marked.values()}) == 1 and all(len(s) == 1 for s in marked.values()):
        return int(next(iter(marked.values()))[0])
    if section_axis:
        flat = [rater for rater in marked if len(marked_sections(masks[rater], section_axis)) == 1]
        if flat:
            plane = PLANES[section_axis]
            raise DataFault(
                "outline_flat",
                f"{flat[0]} outlined a single {plane} section. A sagittal section is judged, on which that is a line:"
                f" outline the cancer on all its {plane} sections, or on one sagittal section of the exam's volume",
            )
        return None
    if len(marked) == 1 and _fills(next(iter(marked.values()))):
        return None
    several = {rater: sections for rater, sections in marked.items() if len(sections) > 1}
    if several:
        rater, sections = next(iter(several.items()))
        raise DataFault("outline_sections", f"{rater} outlined the sections {sections}; one common section is expected")
    said = ", ".join(f"{rater} {sections[0]}" for rater, sections in marked.items())
    raise DataFault("outline_sections", f"raters outlined different sections: {said}")


def _fills(sections: list[int]) -> bool:
    """Whether three neighbouring sections are among these."""
    return any({first, first + 1, first + 2} <= set(sections) for first in sections)
