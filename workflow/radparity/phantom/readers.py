"""Four simulated radiologists and a fifth who outlines the development cancers.

R1 draws small and misses satellites, R2 is accurate, R3 draws generously, R4 is accurate with a less steady hand; R6
outlines the development cancers accurately. All draw on one section: the one with the largest true area.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radparity.phantom.smooth import Array, noise


@dataclass(frozen=True)
class Habit:
    """How a reader draws: mean offset of the border and how it varies between cases (mm, positive is larger), the
    wobble of the hand along the border (mm), the share of satellites overlooked."""

    offset: float
    varies: float
    wobble: float
    overlooks: float


HABITS = {
    "R1": Habit(-0.45, 0.30, 0.65, 0.8),
    "R2": Habit(0.05, 0.15, 0.40, 0.15),
    "R3": Habit(0.65, 0.35, 0.65, 0.05),
    "R4": Habit(0.10, 0.20, 0.55, 0.2),
    "R6": Habit(0.05, 0.15, 0.40, 0.1),
}
WOBBLE_LENGTH_MM = 4.0


def outline(
    rng: np.random.Generator,
    habit: Habit,
    main: Array,
    satellites: Array,
    anterior: NDArray[np.float64],
    superior: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """What a reader draws on one section: array (anterior, superior).

    main and satellites are the true distances inside the lesion in mm, positive inside. A reader who would draw nothing
    draws the middle of the lesion: these cancers are known to be there.
    """
    offset = habit.offset + habit.varies * rng.standard_normal()
    axes = [np.zeros(1), anterior, superior]
    wobble = habit.wobble * noise(rng, axes, (10.0, WOBBLE_LENGTH_MM, WOBBLE_LENGTH_MM))[0]
    seen = main if rng.random() < habit.overlooks else np.maximum(main, satellites)
    # Hands shake less around a small lesion: a border moves in by a third of the radius at most, out by half.
    shift = np.clip(offset + wobble, -main.max() / 3, main.max() / 2)
    return np.asarray(seen + shift > 0)


def largest_section(mask: NDArray[np.bool_]) -> int:
    """The sagittal section on which a mask (section, anterior, superior) has its largest area."""
    return int(mask.sum(axis=(1, 2)).argmax())
