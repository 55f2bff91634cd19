"""From the exam's native grid to the breast's."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from radparity.grid import resample
from radparity.record import DataFault


def place(
    mask: NDArray[np.bool_],
    native: NDArray[np.float64],
    grid: NDArray[np.float64],
    shape: tuple[int, ...],
    section: int,
) -> NDArray[np.bool_]:
    """One native section of a mask on the breast's grid, (anterior, superior): nearest neighbour by patient position.

    native, grid: affines; shape: of the breast's grid; section: on the breast's grid.
    A mask that nearest neighbour would lose on a coarser grid marks the voxels that it lies in (spec section 6).
    Raises ValueError for a mask on several sections: which of them is meant is not decided here.
    """
    drawn = np.argwhere(mask)
    if not len(drawn):
        return np.zeros(shape[1:], bool)
    if np.ptp(drawn[:, 0]):
        raise ValueError("the mask lies on several sections: keep the one that is meant")
    index = np.indices(shape[1:], dtype=np.float64)
    points = np.stack([np.full(shape[1:], float(section)), index[0], index[1], np.ones(shape[1:])])
    voxels = np.einsum("ij,jkl->ikl", np.linalg.inv(native) @ grid, points)[:3]
    # The judged section is that nearest to the outlined one: its middle may lie nearer to a neighbour of that.
    voxels[0] = drawn[0, 0]
    nearest = np.rint(voxels).astype(int)
    inside = np.all([(n >= 0) & (n < size) for n, size in zip(nearest, mask.shape, strict=True)], axis=0)
    clipped = [np.clip(n, 0, size - 1) for n, size in zip(nearest, mask.shape, strict=True)]
    placed: NDArray[np.bool_] = mask[tuple(clipped)] & inside
    if not placed.any():
        homogeneous = np.concatenate([drawn, np.ones((len(drawn), 1))], axis=1)
        here = np.rint(homogeneous @ (np.linalg.inv(grid) @ native).T)[:, :3].astype(int)
        here = here[((here >= 0) & (here < shape)).all(axis=1) & (here[:, 0] == section)]
        placed[here[:, 1], here[:, 2]] = True
    return placed


def place_volume(
    masks: Mapping[str, NDArray[np.bool_]],
    native: NDArray[np.float64],
    grid: NDArray[np.float64],
    shape: tuple[int, ...],
) -> tuple[int, dict[str, NDArray[np.bool_]], list[int]]:
    """Outlined volumes on the breast's grid: the judged section, each rater's part of it, all sections with an outline.

    Judged is the section on which the raters' union is largest, the first of equals. Axes of the parts (anterior,
    superior). Raises DataFault `outline_side` where nothing lies in this breast.
    """
    placed = {rater: on_breast(mask, native, grid, shape) for rater, mask in masks.items()}
    union = np.any(list(placed.values()), axis=0).sum(axis=(1, 2))
    if not union.any():
        raise DataFault("outline_side", "the outlines lie outside this breast")
    section = int(union.argmax())
    return section, {rater: mask[section] for rater, mask in placed.items()}, np.flatnonzero(union).tolist()


def on_breast(
    mask: NDArray[np.bool_], native: NDArray[np.float64], grid: NDArray[np.float64], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """A mask of the native grid (section, anterior, superior) on the breast's, as masks of the breast are put there."""
    between = np.linalg.inv(native) @ grid
    ratio = np.diag(between)[:3]
    first = np.rint(between[:3, 3] - (0.5 * ratio - 0.5)).astype(int)
    size = np.rint(np.array(shape) * ratio).astype(int)
    part = mask[tuple(slice(start, start + count) for start, count in zip(first, size, strict=True))]
    return resample(part.astype(np.uint8), shape, order=0) > 0 if part.any() else np.zeros(shape, bool)
