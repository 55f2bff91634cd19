"""The exam that an outline is drawn on: its native grid, and its images by identifier and by file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radparity.record import DataFault

if TYPE_CHECKING:
    from radparity.intake.headers import Header

# Of RAS+ volumes: the axis that the sections of a plane are counted along.
AXES = {"sagittal": 0, "coronal": 1, "axial": 2}
LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Images:
    """The headers of an exam's images, to look up what an outline refers to.

    of: images by SOPInstanceUID (several where a file holds several frames). named: images by what the readings sheet
    may call them: SOPInstanceUID, or file relative to the exam's folder, with `#frame` (from 0) of a multi-frame file.
    frames: the exam's FrameOfReferenceUIDs.
    """

    of: Mapping[str, list[Header]]
    named: Mapping[str, Header]
    frames: frozenset[str]

    def check_frame(self, frame: str, name: str) -> None:
        """Raises DataFault `outline_frame` where a file's frame of reference is not one of the exam's."""
        if frame and self.frames and frame not in self.frames:
            raise DataFault(
                "outline_frame",
                f"{name} names another frame of reference than the exam: its coordinates mean other places. Draw on"
                " this exam itself, not on a copy that was registered or sent through another system",
            )

    def check_images(self, identifiers: Iterable[str], name: str) -> None:
        """Raises DataFault `outline_other_exam` where a file refers to images that are not the exam's."""
        identifiers = list(identifiers)
        foreign = sum(identifier not in self.of for identifier in identifiers)
        if foreign:
            raise DataFault(
                "outline_other_exam",
                f"{name} refers to {foreign} images (of {len(identifiers)}) that this exam does not hold. Correct"
                " `file` or `breast` in the readings sheet, or draw on this exam",
            )

    def check_linked(self, frame: str, identifiers: Iterable[str], name: str) -> None:
        """Both checks. Raises DataFault `outline_other_exam` too where a file names nothing that could be checked."""
        identifiers = list(identifiers)
        self.check_frame(frame, name)
        self.check_images(identifiers, name)
        if not identifiers and not (frame and self.frames):
            raise DataFault(
                "outline_other_exam",
                f"nothing in {name} says which exam it was drawn on. Export it with its references",
            )


class Phases(NamedTuple):
    """The phases that a rule makes an outline from.

    values: raw, (sagittal section, anterior, superior, phase), an array or what is sliced like one, on the exam's
    native grid; times: of each, in s from the first, None where it is not known.
    """

    values: Any
    times: Sequence[float | None]


@dataclass(frozen=True)
class Target:
    """Where outlines are put: the exam's native grid, axes (sagittal section, anterior, superior), RAS+.

    section_axis: the axis that the exam's sections were acquired along. images: None where no header was read, which
    is enough for files that carry a grid of their own (NIfTI, NRRD). phases: only a rule needs them.
    """

    shape: tuple[int, ...]
    affine: NDArray[np.float64]
    section_axis: int = 0
    images: Images | None = None
    phases: Phases | None = None
    spacing: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "spacing", np.linalg.norm(self.affine[:3, :3], axis=0))

    def empty(self) -> NDArray[np.bool_]:
        """A mask with nothing on it."""
        return np.zeros(self.shape, bool)

    def voxels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (point, 3) in DICOM's patient coordinates (LPS), mm, as voxel coordinates of the native grid."""
        inverse = np.linalg.inv(self.affine)
        found: NDArray[np.float64] = (points * LPS_TO_RAS) @ inverse[:3, :3].T + inverse[:3, 3]
        return found


def section_affine(
    position: Iterable[float], orientation: Iterable[float], spacing: Iterable[float], target: Target
) -> NDArray[np.float64]:
    """The affine (RAS+) of one DICOM image as a volume with axes (row, column, section of one).

    position, orientation (LPS), spacing (between rows, between columns) in mm as in the header. Along its normal the
    image is as thick as the exam's voxels.
    """
    cosines = np.array([*orientation], float).reshape(2, 3) * LPS_TO_RAS
    rows, columns = (float(v) for v in spacing)
    normal = np.cross(cosines[0], cosines[1])
    axis = int(np.argmax(np.abs(normal @ (target.affine[:3, :3] / target.spacing))))
    affine = np.eye(4)
    affine[:3, 0] = cosines[1] * rows
    affine[:3, 1] = cosines[0] * columns
    affine[:3, 2] = normal * target.spacing[axis]
    affine[:3, 3] = np.array([*position], float) * LPS_TO_RAS
    return affine


def read_images(files: Mapping[str, Path], raw: Path) -> Images:
    """The images of an exam from its files (radparity.intake.source.exam_files); raw: the study's raw folder.

    Of files that a list names, the name is their path relative to `raw`. Raises DataFault `no_dicom`.
    """
    from radparity.intake.headers import read_headers

    headers = [header for header in read_headers(files)[0] if header.placed]
    of: dict[str, list[Header]] = {}
    named: dict[str, Header] = {}
    for header in headers:
        of.setdefault(header.image, []).append(header)
        stem, mark, frame = header.file.rpartition("#")
        known = stem if mark and stem in files else header.file
        tail = header.file.removeprefix(known)
        named[header.file] = header
        named[f"{header.image}{tail}"] = header
        if files[known].is_relative_to(raw):
            named.setdefault(files[known].relative_to(raw).as_posix() + tail, header)
    return Images(of, named, frozenset(h.frame_of_reference for h in headers if h.frame_of_reference))
