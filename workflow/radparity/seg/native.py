"""From a breast's grid back to the voxels of the exam."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radparity.record import DataFault

SAME_MM = 0.1
# Affines are kept in single precision: a half is met within this share of a voxel.
HALF, SOMETHING = 0.499, 0.001


def to_native(
    mask: NDArray[np.bool_], grid: NDArray[np.float64], shape: tuple[int, ...], native: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """A mask on some or all sections of a breast's grid on the exam's own voxels, axes (section, anterior, superior).

    grid, native: affines, RAS+, with the same axes; shape: of the exam's volume. A native voxel is marked where at
    least half of its volume is, or any of it where nothing would remain. A mask on native voxels stays as it is.
    Raises DataFault `seg_source_geometry` where the two grids are turned against one another.
    """
    between = np.linalg.inv(grid) @ native
    scale, offset = np.diag(between)[:3], between[:3, 3]
    aslant = between[:3, :3] - np.diag(scale)
    drift = np.linalg.norm(grid[:3, :3] @ (np.abs(aslant) @ np.array(shape, float)))
    if (scale <= 0).any() or drift > SAME_MM:
        raise DataFault("seg_source_geometry", "the mask's grid is turned against the exam's images. Run intake again")
    covered = mask.astype(np.float32)
    for axis in range(3):
        covered = np.moveaxis(
            np.tensordot(_shares(shape[axis], mask.shape[axis], scale[axis], offset[axis]), covered, (1, axis)), 0, axis
        )
    marked: NDArray[np.bool_] = covered >= HALF
    return marked if marked.any() else covered > SOMETHING


def _shares(count: int, size: int, scale: float, offset: float) -> NDArray[np.float32]:
    """The share of each of `count` native voxels that lies in each of `size` voxels of the grid, along one axis."""
    middle = np.arange(count) * scale + offset
    voxel = np.arange(size)
    ends = np.minimum(middle[:, None] + scale / 2, voxel + 0.5) - np.maximum(middle[:, None] - scale / 2, voxel - 0.5)
    return np.asarray(np.maximum(ends, 0) / scale, np.float32)
