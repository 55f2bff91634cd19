"""The DICOM images that a mask belongs to: one phase of an exam, single files or frames of one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import nibabel
import numpy as np
from numpy.typing import NDArray

from radparity.intake.source import is_nifti
from radparity.record import DataFault

if TYPE_CHECKING:
    import pydicom

SAME_MM = 0.1
LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])
NEEDED = "SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID Rows Columns".split()
PLACE = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")


class SourceImage(NamedTuple):
    """One image. frame: its number in its file, from 1; None of a file that holds a single image. instance: number of
    the file in its series, None where the header has none.

    position, orientation and spacing (between rows, between columns) as in its header, mm, LPS.
    """

    sop_class: str
    identifier: str
    frame: int | None
    position: tuple[Any, ...]
    orientation: tuple[Any, ...]
    spacing: tuple[Any, ...]
    thickness: Any
    instance: int | None = None

    def affine(self, step: NDArray[np.float64]) -> NDArray[np.float64]:
        """From (row, column, section) to mm, RAS+; step: from this section to the next, mm, LPS."""
        turn = np.array(self.orientation, float).reshape(2, 3)
        found = np.eye(4)
        columns = (turn[1] * float(self.spacing[0]), turn[0] * float(self.spacing[1]), step)
        found[:3, :3] = np.stack(columns, axis=1) * LPS_TO_RAS[:, None]
        found[:3, 3] = np.array(self.position, float) * LPS_TO_RAS
        return found


@dataclass(frozen=True)
class SourceImages:
    """The images of one phase in order of position, and the header of the first one's file.

    shape, affine: of their volume, axes (sagittal section, anterior, superior), RAS+, as convert makes it.
    """

    images: Sequence[SourceImage]
    header: pydicom.Dataset
    rows: int
    columns: int
    shape: tuple[int, ...]
    affine: NDArray[np.float64]


def read_source(files: Mapping[str, Path], names: Sequence[str]) -> SourceImages:
    """The images that an intake record names (`phases`, `files`), from their headers; pixels are not read.

    files: the exam's files by those names (radparity.intake.source.exam_files); a name may end in `#frame`, from 0.
    Raises DataFault `seg_no_dicom` of an exam that came as NIfTI, `seg_source_missing`, `seg_source_header` or
    `seg_source_geometry`.
    """

    @cache
    def opened(name: str) -> tuple[pydicom.Dataset, list[dict[str, Any]]]:
        return _header(files, name)

    found, first = [], None
    for name in names:
        stem, mark, frame = name.rpartition("#")
        own = bool(mark) and frame.isdigit() and stem in files
        header, values = opened(stem if own else name)
        first = header if first is None else first
        found.append(_image(header, values[int(frame)] if own else values[0], int(frame) + 1 if own else None, name))
    if first is None:
        raise ValueError("the intake record names no images")
    rows, columns = int(first.Rows), int(first.Columns)
    affine = _stack(found)
    stack = (rows, columns, len(found))
    turn = nibabel.io_orientation(affine)
    shape = tuple(int(n) for n in np.array(stack)[np.argsort(turn[:, 0])])
    canonical = affine @ nibabel.orientations.inv_ornt_aff(turn, stack)
    return SourceImages(found, first, rows, columns, shape, canonical)


def _header(files: Mapping[str, Path], name: str) -> tuple[pydicom.Dataset, list[dict[str, Any]]]:
    """A file's header, and the values of each of its images by keyword."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    from radparity.intake.multiframe import frames

    if name not in files or not files[name].is_file():
        raise DataFault("seg_source_missing", f"{name} has gone since intake read it. Run `radparity sweep` again")
    if is_nifti(files[name]):
        raise DataFault("seg_no_dicom", "the exam came as NIfTI, and a segmentation object refers to DICOM images")
    try:
        header = pydicom.dcmread(files[name], stop_before_pixels=True)
    except InvalidDicomError as error:
        raise DataFault("seg_source_header", f"{name} is no DICOM file any more. Fetch the series again") from error
    missing = [keyword for keyword in NEEDED if not header.get(keyword)]
    if missing:
        raise DataFault("seg_source_header", f"{name} has no {', '.join(missing)}, which a segmentation refers to")
    if "PerFrameFunctionalGroupsSequence" in header:
        return header, list(frames(header))
    return header, [{keyword: header.get(keyword) for keyword in (*PLACE, "SliceThickness")}]


def _image(header: pydicom.Dataset, values: Mapping[str, Any], frame: int | None, name: str) -> SourceImage:
    if any(values.get(keyword) is None for keyword in PLACE):
        raise DataFault("seg_source_header", f"{name} does not say where it lies. Fetch the series again")
    position, orientation, spacing = (tuple(values[keyword]) for keyword in PLACE)
    thickness = values.get("SliceThickness")
    return SourceImage(
        str(header.SOPClassUID),
        str(header.SOPInstanceUID),
        frame,
        position,
        orientation,
        spacing,
        thickness,
        _instance(header),
    )


def _instance(header: pydicom.Dataset) -> int | None:
    try:
        return int(header.InstanceNumber)
    except (AttributeError, TypeError, ValueError):  # absent, empty, no number
        return None


def _stack(images: Sequence[SourceImage]) -> NDArray[np.float64]:
    """From (row, column, section) to mm, RAS+. Raises DataFault `seg_source_geometry` where they form no even stack."""
    positions = np.array([image.position for image in images], float)
    turn = np.array(images[0].orientation, float).reshape(2, 3)
    if len(images) > 1:
        step = (positions[-1] - positions[0]) / (len(images) - 1)
    else:
        step = np.cross(turn[0], turn[1]) * float(images[0].thickness or 1)
    even = positions[0] + np.arange(len(images))[:, None] * step
    apart = float(np.linalg.norm(positions - even, axis=1).max())
    alike = all(np.allclose(np.array(i.orientation, float).reshape(2, 3), turn, atol=1e-4) for i in images)
    if apart > SAME_MM or not alike or not step.any():
        raise DataFault(
            "seg_source_geometry", f"the images form no even stack ({apart:.2f} mm apart). Run intake again"
        )
    return images[0].affine(step)
