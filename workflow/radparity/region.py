"""Region: the box around the readers' outlines, where a method is told the location (reader_statistics, section 2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

MARGIN_MM = 5.0


def readers_box(
    outlines: Iterable[NDArray[np.bool_]],
    spacing_mm: Sequence[float] | NDArray[np.float64],
    margin_mm: float = MARGIN_MM,
) -> NDArray[np.bool_]:
    """The smallest box around all readers' outlines of one section, and `margin_mm` more on each side.

    `outlines` are masks (anterior, superior) on one grid, some of them may be empty; `spacing_mm` (anterior, superior)
    are its voxel sizes. A margin that is no whole number of voxels is rounded up; the image's border cuts it. The box
    is a mask (anterior, superior), and empty where nothing is outlined.
    Raises ValueError for no outline, or for outlines that differ in shape.
    """
    masks = list(outlines)
    if not masks or len({mask.shape for mask in masks}) > 1:
        raise ValueError(f"a box needs outlines on one grid, got shapes {[mask.shape for mask in masks]}")
    drawn = np.any(masks, axis=0)
    box = np.zeros(drawn.shape, dtype=bool)
    if not drawn.any():
        return box
    sides = []
    for axis, step in enumerate(spacing_mm):
        marked = np.flatnonzero(drawn.any(axis=1 - axis))
        # A hair less, so that rounding of the spacing cannot add a voxel to a margin that is a whole number of them.
        more = int(np.ceil(margin_mm / step - 1e-6))
        sides.append(slice(max(0, int(marked[0]) - more), int(marked[-1]) + more + 1))
    box[tuple(sides)] = True
    return box
