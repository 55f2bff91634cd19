"""Outline: readers' masks of one case, placed by patient coordinates into the breast's grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from radparity.image import load
from radparity.record import DataFault

SAME_MM = 0.1


def read_outline(path: Path, shape: tuple[int, ...], affine: NDArray[np.float64]) -> NDArray[np.bool_]:
    """One rater's mask on the exam's native grid, axes (section, anterior, superior).

    Raises DataFault where the file is missing, unreadable, on another grid, or holds other values than 0 and 1.
    """
    if not path.is_file():
        raise DataFault("outline_missing", f"{path.name}: no such file. Correct `file` in the readings sheet")
    try:
        mask, own = load(path)
    except (ImageFileError, OSError, EOFError, ValueError) as error:
        raise DataFault(
            "outline_unreadable", f"{path.name} cannot be read as NIfTI ({type(error).__name__}). Export it again"
        ) from error
    if mask.shape != tuple(shape):
        raise DataFault(
            "outline_shape", f"{path.name} has shape {mask.shape}; the exam has {tuple(shape)}. Draw on the exam itself"
        )
    corners = np.array([[0, 0, 0, 1], [*(n - 1 for n in shape), 1]], dtype=float).T
    apart = np.abs((own - affine) @ corners).max()
    if apart > SAME_MM:
        raise DataFault(
            "outline_geometry", f"{path.name} lies {apart:.1f} mm off the exam's own position. Export it again"
        )
    values = np.unique(mask)
    if not np.isin(values, (0, 1)).all():
        raise DataFault(
            "outline_values", f"{path.name} holds the values {values[:5].tolist()}; an outline holds 0 and 1"
        )
    return mask > 0


def common_section(masks: dict[str, NDArray[np.bool_]]) -> int:
    """The section that all raters outlined. Raises DataFault where there is none or more than one."""
    found = {rater: np.flatnonzero(mask.any(axis=(1, 2))).tolist() for rater, mask in masks.items()}
    marked = {rater: sections for rater, sections in found.items() if sections}
    if not marked:
        raise DataFault("outline_empty", f"no rater marked anything ({', '.join(masks)})")
    several = {rater: sections for rater, sections in marked.items() if len(sections) > 1}
    if several:
        rater, sections = next(iter(several.items()))
        raise DataFault("outline_sections", f"{rater} outlined the sections {sections}; one common section is expected")
    if len({sections[0] for sections in marked.values()}) > 1:
        said = ", ".join(f"{rater} {sections[0]}" for rater, sections in marked.items())
        raise DataFault("outline_sections", f"raters outlined different sections: {said}")
    return int(next(iter(marked.values()))[0])


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
    """
    index = np.indices(shape[1:], dtype=np.float64)
    points = np.stack([np.full(shape[1:], float(section)), index[0], index[1], np.ones(shape[1:])])
    voxels = np.einsum("ij,jkl->ikl", np.linalg.inv(native) @ grid, points)[:3]
    nearest = np.rint(voxels).astype(int)
    inside = np.all([(n >= 0) & (n < size) for n, size in zip(nearest, mask.shape, strict=True)], axis=0)
    clipped = [np.clip(n, 0, size - 1) for n, size in zip(nearest, mask.shape, strict=True)]
    placed: NDArray[np.bool_] = mask[tuple(clipped)] & inside
    if not placed.any():
        drawn = np.argwhere(mask)
        homogeneous = np.concatenate([drawn, np.ones((len(drawn), 1))], axis=1)
        here = np.rint(homogeneous @ (np.linalg.inv(grid) @ native).T)[:, :3].astype(int)
        here = here[((here >= 0) & (here < shape)).all(axis=1) & (here[:, 0] == section)]
        placed[here[:, 1], here[:, 2]] = True
    return placed


def outline_case(
    files: dict[str, Path],
    native_shape: tuple[int, ...],
    native: NDArray[np.float64],
    grid_shape: tuple[int, ...],
    grid: NDArray[np.float64],
) -> tuple[NDArray[np.uint8], NDArray[np.float64], dict[str, Any]]:
    """All raters' outlines of a case on their common section of the breast's grid.

    Returns the masks (1, anterior, superior, rater) in the order of the facts' `raters`, the affine of that section,
    and the record's facts: raters, section (index on the breast's grid), area_mm2 per rater.
    Raises DataFault where an outline cannot be used or lies outside this breast.
    """
    masks = {rater: read_outline(path, native_shape, native) for rater, path in files.items()}
    section = common_section(masks)
    here = np.linalg.inv(grid) @ native @ np.array([section, 0, 0, 1.0])
    own = round(float(here[0]))
    if not 0 <= own < grid_shape[0]:
        raise DataFault(
            "outline_side", f"the outlined section lies outside this breast (section {own} of {grid_shape[0]})"
        )
    placed = {rater: place(mask, native, grid, grid_shape, own) for rater, mask in masks.items()}
    area = float(np.linalg.norm(grid[:3, 1]) * np.linalg.norm(grid[:3, 2]))
    shifted = grid.copy()
    shifted[:3, 3] = grid[:3, 3] + grid[:3, 0] * own
    facts = {
        "raters": list(placed),
        "section": own,
        "area_mm2": {rater: round(float(mask.sum()) * area, 2) for rater, mask in placed.items()},
    }
    return np.stack([m.astype(np.uint8) for m in placed.values()], axis=-1)[None], shifted, facts
