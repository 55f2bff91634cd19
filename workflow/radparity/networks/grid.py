"""Where a network looks: sections around one section, reflection beyond the border, coordinates of voxels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SECTIONS = 19
"""Sections that the network needs to see for one section of output."""


def reflected(start: int, length: int, size: int) -> NDArray[np.intp]:
    """Indices `start` to `start + length - 1` of an axis of `size` voxels, reflected at both ends as often as needed.

    The edge voxel is not repeated (numpy's mode "reflect"); an axis of one voxel repeats it.
    """
    if size < 1:
        raise ValueError("an axis without voxels cannot be reflected")
    period = max(2 * (size - 1), 1)
    index = np.arange(start, start + length) % period
    return np.where(index < size, index, period - index)


def slab_of(volume: NDArray[Any], section: int, sections: int = SECTIONS) -> NDArray[Any]:
    """The `sections` around `section` of a volume (..., section, anterior, superior), reflected at its ends."""
    size = volume.shape[-3]
    return np.take(volume, reflected(section - sections // 2, sections, size), axis=-3)


def coordinate_map(
    section: NDArray[np.intp],
    anterior: NDArray[np.intp],
    superior: NDArray[np.intp],
    volume_shape: tuple[int, int, int],
) -> NDArray[np.float32]:
    """Coordinates (3, section, anterior, superior) of the voxels at these indices: index / shape of the volume."""
    grid = np.meshgrid(section, anterior, superior, indexing="ij")
    scaled = [index / extent for index, extent in zip(grid, volume_shape, strict=True)]
    return np.stack(scaled).astype(np.float32)
