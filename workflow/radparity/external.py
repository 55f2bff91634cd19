"""External: masks or probability maps that were made elsewhere, as an arm of the study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from radparity.config import ConfigError
from radparity.record import DataFault
from radparity.sheets import Breast, Pseudonym, RawPath, Row

SAME_MM = 0.1


class External(Row):
    """A row of an external arm's sheet: the file of one breast. `trained_on` says whether its training saw it."""

    breast: Pseudonym
    file: RawPath
    trained_on: Literal["yes", "no"] = "no"


def check_external(arm: str, rows: Sequence[External], breasts: Sequence[Breast]) -> dict[str, External]:
    """Breast to row. Raises ConfigError with rows where a breast is unknown, stands twice, or a tuning or test case has
    no row."""
    where, known = f"sheet of the arm {arm}", {row.breast for row in breasts}
    faults: list[str] = []
    first: dict[str, int] = {}
    for number, row in enumerate(rows, start=2):
        if row.breast not in known:
            faults.append(f"{where} row {number}: breast {row.breast} is not in the breasts sheet. Take the row out")
        if first.setdefault(row.breast, number) != number:
            faults.append(f"{where} row {number}: {row.breast} stands already in row {first[row.breast]}. Keep one")
    for breast in breasts:
        if breast.partition in ("tuning", "test") and breast.breast not in first:
            faults.append(f"{where}: {breast.breast} ({breast.partition}) has no row. Add one: {breast.breast}\tFILE")
    if faults:
        raise ConfigError(f"the arm {arm} cannot be used:\n" + "\n".join(f"  {fault}" for fault in faults[:50]))
    return {row.breast: row for row in rows}


def read_map(path: Path, shape: tuple[int, ...], affine: NDArray[np.float64]) -> NDArray[np.float32]:
    """A mask (0 and 1) or probability map (0 to 1) on the exam's native grid, axes (section, anterior, superior).

    shape, affine (RAS+): of that grid. Raises DataFault where the file is missing, unreadable, on another grid, or
    holds other values.
    """
    from nibabel.filebasedimages import ImageFileError

    from radparity.image import load

    if not path.is_file():
        raise DataFault("external_missing", f"{path.name}: no such file. Correct `file` in the arm's sheet")
    try:
        values, own = load(path)
    except (ImageFileError, OSError, EOFError, ValueError) as error:
        raise DataFault(
            "external_unreadable", f"{path.name} cannot be read as NIfTI ({type(error).__name__}). Export it again"
        ) from error
    if values.shape != tuple(shape):
        raise DataFault(
            "external_geometry",
            f"{path.name} has shape {values.shape}; the exam has {tuple(shape)}. Export on the exam",
        )
    corners = np.array([[0, 0, 0, 1], [*(n - 1 for n in shape), 1]], dtype=float).T
    apart = float(np.abs((own - affine) @ corners).max())
    if apart > SAME_MM:
        raise DataFault("external_geometry", f"{path.name} lies {apart:.1f} mm off the exam. Export it again")
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
        raise DataFault("external_values", f"{path.name} holds values outside 0 to 1. Export probabilities, or 0 and 1")
    return values


def on_section(
    values: NDArray[Any], native: NDArray[np.float64], grid: NDArray[np.float64], shape: tuple[int, ...], section: int
) -> NDArray[np.float32]:
    """One section of the breast's grid, (anterior, superior): the nearest voxel by patient position, as outlines are
    placed; 0 outside the exam.

    native, grid: affines of the map and of the breast's grid; shape, section: of that grid.
    """
    index = np.indices(shape[1:], dtype=np.float64)
    points = np.stack([np.full(shape[1:], float(section)), index[0], index[1], np.ones(shape[1:])])
    nearest = np.rint(np.einsum("ij,jkl->ikl", np.linalg.inv(native) @ grid, points)[:3]).astype(int)
    inside = np.all([(n >= 0) & (n < size) for n, size in zip(nearest, values.shape, strict=True)], axis=0)
    clipped = [np.clip(n, 0, size - 1) for n, size in zip(nearest, values.shape, strict=True)]
    return np.where(inside, values[tuple(clipped)], 0).astype(np.float32)


def cut(section: NDArray[Any], absolute: float, component: float) -> NDArray[np.float32]:
    """A map's section (anterior, superior) cut at a fixed value, main components only, as 0 and 1: what follows finds
    nothing left to decide."""
    from radparity.segment import main_components

    return main_components(section, section >= absolute, component).astype(np.float32)
