"""Formats: one mask's file, its format told by its content, as voxels and their place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.outline.nrrd import read_nrrd
from radparity.record import DataFault

EXPORT = "Export the mask as NIfTI or NRRD, or a single section as PNG"
# What is the matter with a NRRD file, by the code that the stage outline has for it.
OF_NRRD = {
    "outline_unreadable": ("mask_unreadable", "cannot be read as NRRD. Export it again"),
    "outline_unplaced": ("mask_geometry", "carries no patient position. Export it from the image"),
    "outline_shape": ("mask_shape", "does not hold one volume. Export one mask"),
    "outline_values": ("mask_values", "holds other values than 0 and 1. Export a binary mask"),
    "outline_segment": ("mask_values", "holds several segments. Export the one that is compared"),
}


def read_file(path: Path) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
    """A mask's values (axes in the file's order, not checked) and its affine, RAS+, mm; none of a PNG, which has no
    place and no voxel size.

    Raises DataFault `mask_missing`, `mask_unreadable`, and of NRRD and PNG also `mask_values`, `mask_shape` and
    `mask_geometry`.
    """
    if not path.is_file():
        raise DataFault("mask_missing", f"{path.name}: no such file. Correct `file` in the masks sheet")
    with path.open("rb") as stream:
        start = stream.read(132)
    if start.startswith(b"\x89PNG"):
        return _png(path), None
    if start.startswith(b"NRRD"):
        return _nrrd(path)
    if start[128:] == b"DICM":
        raise DataFault("mask_unreadable", f"{path.name} is DICOM, which needs its exam to be placed. {EXPORT}")
    return _nifti(path)


def _nifti(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    import nibabel
    from nibabel.filebasedimages import ImageFileError

    try:
        image = nibabel.load(path)
        return np.asanyarray(image.dataobj), np.asarray(image.affine, dtype=float)
    except (ImageFileError, OSError, EOFError, ValueError) as error:
        raise DataFault(
            "mask_unreadable", f"{path.name} cannot be read as NIfTI ({type(error).__name__}). {EXPORT}"
        ) from error


def _nrrd(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    if not path.name.lower().endswith(".nrrd"):
        raise DataFault("mask_unreadable", f"{path.name} is a header whose voxels lie in another file. {EXPORT}")
    try:
        return read_nrrd(path, None)
    except DataFault as fault:
        code, sentence = OF_NRRD[fault.code]
        raise DataFault(code, f"{path.name} {sentence}") from fault


def _png(path: Path) -> NDArray[np.bool_]:
    """Black is outside, and one other value inside."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            pixels = np.asarray(picture)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataFault(
            "mask_unreadable", f"{path.name} cannot be read as PNG ({type(error).__name__}). Export it again"
        ) from error
    if pixels.ndim != 2:
        raise DataFault("mask_values", f"{path.name} is a colour picture. Export black and white")
    values = np.unique(pixels)
    if len(values) > 2 or (len(values) == 2 and values[0] != 0):
        raise DataFault("mask_values", f"{path.name} holds {len(values)} grey values. Export black and one other")
    return np.asarray(pixels > 0)
