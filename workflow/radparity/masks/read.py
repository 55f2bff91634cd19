"""Masks of one case from their files, and all usable cases in one file for the comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radparity.compare.scores import Case, Mask
from radparity.masks.formats import read_file
from radparity.record import DataFault

SAME_MM = 0.1
COLUMNS = {
    "case": "case id",
    "patient": "patient id",
    "partition": "test: compared; tuning: not",
    "status": "ok, or excluded",
    "code": "of an excluded case: the fault (docs/faults.md)",
    "sentence": "of an excluded case: what is wrong, and what to do",
    "axes": "2: one section; 3: a volume",
    "spacing_mm": "voxel size along each axis, mm, separated by spaces; empty of PNG",
    "blank": "raters who marked nothing in it, separated by spaces",
}
"""The table of cases: column to meaning."""


def read_mask(path: Path, section: int | None) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
    """One mask as boolean array of three axes and its affine in mm, in RAS+ order; a PNG (row, column, 1) has none.

    section: the one to take, counted from 0 along the third axis of the file; none: all.
    Raises DataFault as `read_file` does, and where a file is without that section, or holds other values than 0 and 1.
    """
    import nibabel

    values, affine = read_file(path)
    found = values.shape
    values = values.reshape([*found[:3], *[1] * (3 - len(found))]) if max(found[3:], default=1) == 1 else values
    if values.ndim != 3 or not values.size:
        raise DataFault("mask_shape", f"{path.name} has shape {found}; a mask has two or three axes")
    if not np.isin(values, (0, 1)).all():
        raise DataFault(
            "mask_values", f"{path.name} holds {np.unique(values)[:5].tolist()}; write 1 inside and 0 outside"
        )
    if section is not None:
        if section >= values.shape[2]:
            raise DataFault(
                "mask_section", f"{path.name} has no section {section}: it has {values.shape[2]}, counted from 0"
            )
        values = values[:, :, section : section + 1]
        if affine is not None:
            affine[:3, 3] += affine[:3, 2] * section
    if affine is None:
        return values > 0, None
    canonical = nibabel.as_closest_canonical(nibabel.Nifti1Image(values.astype(np.uint8), affine))
    return np.asanyarray(canonical.dataobj) > 0, np.asarray(canonical.affine, dtype=float)


def read_case(files: Mapping[str, Path], section: int | None) -> tuple[dict[str, Mask], tuple[float, ...] | None]:
    """Every rater's mask of one case, and the voxel size in mm along each axis; none of PNGs.

    A mask of one section has two axes, of a volume three. Raises DataFault as `read_mask` does, and where the masks
    do not lie on one grid: a mask is never moved or resampled here.
    """
    found = {rater: read_mask(path, section) for rater, path in files.items()}
    (first, (mask, affine)), *others = found.items()
    corners = np.array([[0, 0, 0, 1], [*(n - 1 for n in mask.shape), 1]], dtype=float).T
    for rater, (own, theirs) in others:
        if own.shape != mask.shape:
            raise DataFault(
                "mask_shape",
                f"the mask of {rater} has shape {own.shape}, that of {first} {mask.shape}. Draw on one grid",
            )
        if affine is None and theirs is None:
            continue
        if affine is None or theirs is None:
            raise DataFault(
                "mask_geometry", f"of the masks of {rater} and {first} one is a picture without a place. Use one format"
            )
        steps, others_steps = _steps(affine), _steps(theirs)
        if not np.allclose(steps, others_steps, rtol=1e-3):
            raise DataFault(
                "mask_geometry",
                f"the voxels of {rater}'s mask are {_mm(others_steps)} mm, those of {first}'s {_mm(steps)}."
                " Export both from one image",
            )
        apart = float(np.abs((theirs - affine) @ corners).max())
        if apart > SAME_MM:
            raise DataFault(
                "mask_geometry", f"the mask of {rater} lies {apart:.1f} mm off that of {first}. Export both again"
            )
    kept = [axis for axis in range(3) if mask.shape[axis] > 1] if 1 in mask.shape else [0, 1, 2]
    while len(kept) < 2:  # a line of voxels is still a section
        kept = sorted([*kept, next(axis for axis in range(3) if axis not in kept)])
    dropped = tuple(axis for axis in range(3) if axis not in kept)
    spacing = None if affine is None else tuple(round(float(_steps(affine)[axis]), 6) for axis in kept)
    return {rater: own.squeeze(dropped) for rater, (own, _) in found.items()}, spacing


def _steps(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    steps: NDArray[np.float64] = np.linalg.norm(affine[:3, :3], axis=0)
    return steps


def _mm(steps: NDArray[np.float64]) -> str:
    return " × ".join(f"{step:.3g}" for step in steps)


def store(path: Path, cases: Mapping[str, Mapping[str, Mask]]) -> None:
    """Write the masks of all cases into one file: an array (rater, axes of the mask ...) a case. Same masks, same
    bytes."""
    with path.open("wb") as stream:
        np.savez_compressed(stream, **{name: np.stack(list(masks.values())) for name, masks in cases.items()})  # type: ignore[arg-type]


def stored(path: Path, table: pd.DataFrame, raters: Sequence[str], readers: Sequence[str], network: str) -> list[Case]:
    """The usable test cases in the order of the table of cases.

    raters: in the order of the stored arrays; readers, network: who takes part; without a network (`none`) its mask
    is blank, and nothing that is computed from it may be shown.
    """
    used = table[(table["status"] == "ok") & (table["partition"] == "test")]
    cases = []
    with np.load(path) as held:
        for row in used.to_dict("records"):
            masks = dict(zip(raters, held[row["case"]], strict=True))
            blank = np.zeros_like(masks[readers[0]])
            steps = row["spacing_mm"]
            spacing = None if pd.isna(steps) else tuple(float(step) for step in str(steps).split())
            own = {reader: masks[reader] for reader in readers}
            cases.append(Case(row["case"], row["patient"], masks.get(network, blank), own, spacing))
    return cases


def table_of(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The table of cases from its rows; with no row, its header."""
    return pd.DataFrame(rows, columns=list(COLUMNS))
