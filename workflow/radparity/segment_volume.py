"""Segment a whole breast: the rule where nobody has chosen a section.

`segment` judges one section. Here the maximum is that of the volume inside the breast, and one lesion is answered, or
none: a relative threshold alone would return a lesion of every breast, so there is an absolute floor.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

NEIGHBOURS = np.ones((3, 3, 3), dtype=bool)


class VolumeLesion(NamedTuple):
    """mask: (section, anterior, superior), empty where no lesion was found. maximum: largest probability inside the
    breast, 0 to 1. peak: its voxel; None where the map holds no signal."""

    mask: NDArray[np.bool_]
    maximum: float
    peak: tuple[int, int, int] | None

    @property
    def found(self) -> bool:
        """Whether the answer is a lesion."""
        return bool(self.mask.any())


def segment_volume(probability: NDArray[Any], breast: NDArray[np.bool_], fraction: float, floor: float) -> VolumeLesion:
    """The lesion of a probability map (section, anterior, superior): inside the breast, at least `fraction` of the
    largest probability there, connected with that voxel through faces, edges or corners (26 neighbours).

    Nothing is found where the largest probability is below `floor`. Of several largest voxels the first counts.
    Raises ValueError for an empty breast or one of another shape.
    """
    if breast.shape != probability.shape or not breast.any():
        raise ValueError(f"a breast of shape {breast.shape} for a map of {probability.shape}, or an empty one")
    inside = np.where(breast, probability, 0)
    maximum = float(inside.max())
    nothing = np.zeros(breast.shape, dtype=bool)
    if not maximum > 0:
        return VolumeLesion(nothing, 0.0, None)
    at = np.unravel_index(int(inside.argmax()), inside.shape)
    peak = (int(at[0]), int(at[1]), int(at[2]))
    if maximum < floor:
        return VolumeLesion(nothing, maximum, peak)
    labels, _ = ndimage.label(breast & (inside >= fraction * maximum), structure=NEIGHBOURS)
    return VolumeLesion(labels == labels[peak], maximum, peak)
