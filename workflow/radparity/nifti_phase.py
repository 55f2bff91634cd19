"""Phases that come as NIfTI: what the header of a file says, and one volume of it in RAS+ order."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from radparity.record import DataFault

FORMAT = "NIfTI"
"""What the intake record of an exam calls it under `format`; one of DICOM files has no such entry."""
AGREE_MM = 0.5
SHEAR = 1e-3  # cosine between two axes: what rounding leaves is far below
TO_MM = {"unknown": 1.0, "mm": 1.0}


@dataclass(frozen=True)
class NiftiHeader:
    """Of one file: `count` volumes of `shape` (sagittal section, anterior, superior), affine in RAS+ and mm.

    acquired: the axis of that order which the header calls the one across the sections; None where it does not.
    third: the axis of that order which is the third in the file.
    """

    shape: tuple[int, int, int]
    count: int
    affine: NDArray[np.float64]
    acquired: int | None
    third: int


def read_header(path: Path, name: str) -> NiftiHeader:
    """The header of a file; name: what messages call it.

    Raises DataFault `nifti_unreadable` where it is no NIfTI image of three or four axes and one value a voxel,
    `geometry_missing` where it says not where it lies, in mm, `nifti_places_disagree` where its two transforms differ,
    `sections_shifted` where its axes do not stand upright on one another.
    """
    with _readable(name):
        image = nibabel.load(path)
        if not isinstance(image, nibabel.Nifti1Image):  # Nifti2Image is one, too
            raise ImageFileError("another format")
        shape = _shape(image)
    if not 3 <= len(shape) <= 4 or image.get_data_dtype().kind not in "iuf":
        kind = image.get_data_dtype()
        raise DataFault(
            "nifti_unreadable",
            f"{name} has {len(shape)} axes of {kind}; a phase has three, all phases in one file four, and a voxel has"
            " one number. Export it again",
        )
    orientation = nibabel.io_orientation(_affine(image, name))
    affine = image.affine @ nibabel.orientations.inv_ornt_aff(orientation, shape[:3])
    turned = np.empty(3, int)
    turned[orientation[:, 0].astype(int)] = shape[:3]
    across = image.header.get_dim_info()[2]
    return NiftiHeader(
        (int(turned[0]), int(turned[1]), int(turned[2])),
        shape[3] if len(shape) == 4 else 1,
        affine,
        None if across is None else int(orientation[across, 0]),
        int(orientation[2, 0]),
    )


def read_volume(path: Path, name: str, volume: int | None) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """One volume (sagittal section, anterior, superior) in RAS+ and its affine; as whole numbers where the file holds
    them and scales nothing, else as float32.

    volume: its number along the fourth axis, from 0; None for a file of one. Raises DataFault `nifti_unreadable` where
    the file is cut off, `phase_not_finite` where a voxel has no number.
    """
    with _readable(name):
        image = nibabel.load(path)
        plain = image.dataobj.slope == 1 and image.dataobj.inter == 0
        kind = image.get_data_dtype()
        behind = (volume or 0,) * (image.ndim > 3) + (0,) * (image.ndim - 4)
        # Not an image of the slice: nibabel refuses those of 64-bit whole numbers.
        found = np.asanyarray(image.dataobj[(slice(None),) * 3 + behind])
    whole = plain and kind.kind in "iu" and kind.itemsize <= 4
    found = found.astype(kind.newbyteorder("=") if whole else np.float32)
    if not np.isfinite(found).all():
        count = int((~np.isfinite(found)).sum())
        raise DataFault(
            "phase_not_finite",
            f"{count} voxels of {name} hold no number (NaN or infinite). Export the phase again, without masking",
        )
    turned = nibabel.as_closest_canonical(nibabel.Nifti1Image(found, image.affine))
    return np.asarray(turned.dataobj), np.asarray(turned.affine, dtype=float)


def _shape(image: Any) -> tuple[int, ...]:
    """The shape without axes of one voxel after the third."""
    shape = tuple(int(n) for n in image.shape)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    return shape


def _affine(image: Any, name: str) -> NDArray[np.float64]:
    """The affine, where the header gives one that can be meant. Raises DataFault as `read_header` says."""
    header, affine = image.header, np.asarray(image.affine, dtype=float)
    unit = header.get_xyzt_units()[0]
    codes = int(header["sform_code"]), int(header["qform_code"])
    if not any(codes) or unit not in TO_MM or not np.isfinite(affine).all() or abs(np.linalg.det(affine)) < 1e-9:
        why = "in mm" if any(codes) and unit not in TO_MM else "and no program may guess it"
        raise DataFault(
            "geometry_missing", f"the header of {name} does not say where the volume lies, {why}. Export it again"
        )
    step = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    if np.abs(step.T @ step - np.eye(3)).max() > SHEAR:
        raise DataFault(
            "sections_shifted",
            f"the axes of {name} do not stand upright on one another: not one upright stack. Export it unsheared",
        )
    if all(codes):
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in image.shape[:3]])).reshape(3, -1)
        other = header.get_qform()
        apart = (affine - other)[:3, :3] @ corners + (affine - other)[:3, 3:]
        if float(np.linalg.norm(apart, axis=0).max()) > AGREE_MM:
            raise DataFault(
                "nifti_places_disagree",
                f"the two transforms in the header of {name} (sform, qform) put it at different places. Export it"
                " again, or correct the one that is wrong",
            )
    return affine


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Turns what nibabel raises of a broken file into the fault `nifti_unreadable`; a failing disk stays an error."""
    try:
        yield
    except (ImageFileError, HeaderDataError, EOFError, ValueError, zlib.error, struct.error, OSError) as error:
        # nibabel's own have no number, and its FileNotFoundError stands for any failure to look at the file.
        system = isinstance(error, FileNotFoundError) or isinstance(error, OSError) and error.errno is not None
        if system and not isinstance(error, gzip.BadGzipFile):
            raise
        raise DataFault(
            "nifti_unreadable",
            f"{name} cannot be read as NIfTI ({type(error).__name__}): not that format, or cut off. Export it again",
        ) from error
