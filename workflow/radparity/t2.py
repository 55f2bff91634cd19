"""The T2-weighted volume on a breast's grid, by patient coordinates.

The paper's registration of T2 is not public and none is made here: what moved between T2 and the dynamic series stays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radparity.grid import BreastGrid, resample, same_view
from radparity.record import DataFault

MOST_UNCOVERED = 0.02
"""Share of the breast's tissue that may lie outside the T2 volume."""
MOST_SAMPLES = 4
"""Samples along an axis of one voxel of the grid, where the T2 voxels are smaller than it."""


def place_t2(
    volume: NDArray[Any], affine: NDArray[np.float64], grid: BreastGrid, tissue: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """A T2 volume (section, anterior, superior) on the breast's grid: linear interpolation, 0 outside the volume.

    tissue: where the first post-contrast phase shows tissue, on the grid. Where the T2 voxels are smaller than the
    grid's, the mean over each voxel of the grid is taken, as for the other channels. The half voxel beyond the
    outermost centres belongs to the volume and has their value.
    Raises DataFault `t2_incomplete` where over MOST_UNCOVERED of the tissue lies outside, or it holds no signal.
    """
    inverse = np.linalg.inv(affine)
    outside = ~_inside(inverse @ grid.affine, grid.shape, volume.shape)
    lost = float(np.mean(outside[tissue])) if tissue.any() else 1.0
    if lost > MOST_UNCOVERED:
        raise DataFault("t2_incomplete", f"T2 leaves out {lost:.0%} of the breast's tissue; at most 2% may be missing")
    steps = np.linalg.norm((inverse @ grid.affine)[:3, :3], axis=0)
    samples = np.clip((steps + 1e-6).astype(int), 1, MOST_SAMPLES)
    finer = tuple(int(n) for n in np.array(grid.shape) * samples)
    at = inverse @ same_view(grid.affine, grid.shape, finer)
    found = ndimage.affine_transform(
        volume.astype(np.float32, copy=False),
        at[:3, :3],
        at[:3, 3],
        output_shape=finer,
        order=1,
        mode="nearest",
        prefilter=False,
    )
    placed: NDArray[np.float32] = resample(found, grid.shape).astype(np.float32, copy=False)
    placed[outside] = 0
    if not np.isfinite(placed).all() or not placed.any():
        raise DataFault("t2_incomplete", "T2 holds no usable signal in this breast")
    return placed


def _inside(at: NDArray[np.float64], shape: tuple[int, int, int], volume: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which voxels of a grid have their centre in a volume's voxels; at: from the grid's indices to the volume's."""
    inside = np.ones(shape, bool)
    first, second, third = np.ogrid[: shape[0], : shape[1], : shape[2]]
    for axis in range(3):
        index = (at[axis, 0] * first + at[axis, 1] * second) + (at[axis, 2] * third + at[axis, 3])
        # A grid over the same field of view ends exactly where the volume does, but for rounding.
        inside &= (index >= -0.5 - 1e-4) & (index <= volume[axis] - 0.5 + 1e-4)
    return inside
