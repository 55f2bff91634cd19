"""Counts that may be published: small cells are hidden, and so is what would give them away."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

SMALLEST = 5
HIDDEN, LARGER, NONE_SHOWN = f"<{SMALLEST}", f"{SMALLEST} or more", "not shown"
Name = TypeVar("Name", bound=Hashable)


def shown(counts: Mapping[Name, int]) -> dict[Name, str]:
    """Counts as text, those of 1 to 4 as `<5`; who reads them may know their total.

    As long as the total tells one of these, the next smallest count becomes `5 or more`. Where nothing is left to hide,
    no count but 0 is shown.
    """
    rising = sorted((name for name, count in counts.items() if count), key=lambda name: counts[name])
    values = [counts[name] for name in rising]
    small = sum(value < SMALLEST for value in values)
    hidden = next((n for n in range(small, len(values) + 1) if not _told(values, n)), None)
    found = {name: str(count) for name, count in counts.items()}
    if hidden is None:
        return found | dict.fromkeys(rising, NONE_SHOWN)
    return found | dict.fromkeys(rising[small:hidden], LARGER) | dict.fromkeys(rising[:small], HIDDEN)


def _told(rising: Sequence[int], hidden: int) -> bool:
    """Whether the total tells a count below 5 where the first `hidden` counts are given as `<5` and `5 or more`."""
    small = sum(value < SMALLEST for value in rising)
    if not small:
        return False
    rest, larger = sum(rising[:hidden]), hidden - small
    # A total below 5 is hidden itself.
    least, most = (rest, rest) if sum(rising) >= SMALLEST else (1, SMALLEST - 1)
    low = 1 if larger else max(1, least - (SMALLEST - 1) * (small - 1))
    high = min(SMALLEST - 1, most - (small - 1) - SMALLEST * larger)
    return low == high


def one(count: int) -> str:
    """A single count as text."""
    return HIDDEN if 0 < count < SMALLEST else str(count)
