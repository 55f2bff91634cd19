"""An outline as NIfTI (ITK-SNAP, 3D Slicer, MITK): a mask with a grid of its own."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from radparity.record import DataFault


def read_nifti(path: Path, segment: str | None) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """The mask (three axes in the file's order) and its affine, RAS+.

    segment: the label's value, where a file holds several. Raises DataFault `outline_unreadable`, `outline_unplaced`,
    `outline_shape` or `outline_values`.
    """
    try:
        image = nibabel.load(path)
        values = np.asarray(image.dataobj)
    except (ImageFileError, OSError, EOFError, ValueError, zlib.error) as error:
        raise DataFault(
            "outline_unreadable", f"{path.name} cannot be read as NIfTI ({type(error).__name__}). Export it again"
        ) from error
    header = image.header
    if isinstance(image, nibabel.Nifti1Image) and not (header["sform_code"] > 0 or header["qform_code"] > 0):
        raise DataFault(
            "outline_unplaced", f"{path.name} carries no patient position (no sform, no qform). Export it from the exam"
        )
    return binary(_three(values, path.name), segment, path.name), np.asarray(image.affine, float)


def _three(values: NDArray[Any], name: str) -> NDArray[Any]:
    while values.ndim > 3 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim != 3:
        raise DataFault("outline_shape", f"{name} has shape {values.shape}; an outline is one volume. Export a mask")
    return values


def binary(values: NDArray[Any], segment: str | None, name: str) -> NDArray[np.bool_]:
    """Voxels of a label map that are the outline: those of 1, or of the value that the readings sheet names.

    Raises DataFault `outline_values` where there are others and none is named, `outline_segment` where it is no number.
    """
    if segment is not None:
        if not segment.isdigit() or segment == "0":
            raise DataFault("outline_segment", f"{name} has values for segments: write a number into `segment`")
        return np.asarray(values == int(segment))
    found = np.unique(values)
    if not np.isin(found, (0, 1)).all():
        raise DataFault(
            "outline_values",
            f"{name} holds the values {found[:5].tolist()}; an outline holds 0 and 1. Export a binary mask, or write"
            " the value of the cancer into the column `segment` of the readings sheet",
        )
    return np.asarray(values > 0)
