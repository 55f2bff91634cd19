"""Which format an outline is in, told by its content, and its mask on the exam's native grid."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radparity.outline.dicom_file import MAGIC, MAGIC_AT, one_file, read_dicom
from radparity.outline.exam import Images, Target
from radparity.outline.lattice import on_lattice
from radparity.outline.nifti import read_nifti
from radparity.outline.nrrd import read_nrrd
from radparity.outline.osirix import read_osirix
from radparity.outline.png import read_png
from radparity.record import DataFault
from radparity.sheets import OWN_GRID

ENOUGH = 4096
EXPORT = "Export the mask as NIfTI, NRRD or DICOM SEG, or the contours as RTSTRUCT"
# What a tool may have written instead: the first bytes, and what to call it.
OTHERS = {
    b"\xff\xd8\xff": "a JPEG picture, which changes the pixels of a mask",
    b"GIF8": "a GIF picture",
    b"BM": "a BMP picture",
    b"II*\0": "a TIFF picture",
    b"MM\0*": "a TIFF picture",
    b"%PDF": "a PDF",
    b"PK\3\4": "an archive (zip, MRML scene)",
    b"ObjectType": "a MetaImage header",
    b"# vtk": "a VTK surface",
    b"solid": "an STL surface",
    b"MATLAB": "a MATLAB file",
    b"{": "a JSON file",
    b"bplist": "a ROI file of OsiriX's own (not its XML export)",
}


class Source(NamedTuple):
    """An outline's file (or the folder that holds one DICOM file), and the readings sheet's `image`, `segment` and
    `rule` for it."""

    file: Path
    image: str | None = None
    segment: str | None = None
    rule: str | None = None


def read_outline(source: Source, target: Target) -> tuple[NDArray[np.bool_], list[dict[str, str]]]:
    """One rater's mask on the exam's native grid, axes (sagittal section, anterior, superior), and its flags.

    Raises DataFault with the code and the mend where the file is missing, unreadable, of no format that is read,
    without a place, another exam's, or not drawn on the exam's voxels; see docs/outlines.md.
    """
    path, segment = source.file, source.segment
    if not path.exists():
        raise DataFault("outline_missing", f"{path.name}: no such file. Correct `file` in the readings sheet")
    if path.name.lower().endswith(OWN_GRID):
        mask, affine = read_nrrd(path, segment) if path.name.lower().endswith(".nrrd") else read_nifti(path, segment)
        return on_lattice(mask, affine, target, path.name)
    name, path = path.name, one_file(path)
    with path.open("rb") as stream:
        start = stream.read(ENOUGH)
    if target.images is None:
        raise DataFault(
            "outline_unsupported",
            f"{name} refers to DICOM images, and those of this exam are not at hand. Export NIfTI or NRRD",
        )
    header = None
    if source.image is not None:
        header = target.images.named.get(source.image)
        if header is None:
            raise DataFault(
                "outline_other_exam",
                f"the exam holds no image of the name that the readings sheet gives for {name} in `image`. Write"
                " the SOPInstanceUID of the image it was drawn on, or its file relative to the exam's folder",
            )
    if start.startswith(b"\x89PNG"):
        return read_png(path, target, header), []
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if (b"NumOfPoints" in text and b"RoiName" in text) or (
        text.startswith((b"<?xml", b"<plist")) and b"plist" in text or text.startswith(b"bplist") and b"Images" in text
    ):
        return read_osirix(path, target, target.images, header, segment), []
    if start[MAGIC_AT : MAGIC_AT + len(MAGIC)] == MAGIC:
        return _of_dicom(path, target, target.images, segment, name)
    said = next((words for magic, words in OTHERS.items() if text.startswith(magic)), "no format that is known")
    raise DataFault("outline_unsupported", f"{name} is {said}. {EXPORT}")


def _of_dicom(
    path: Path, target: Target, images: Images, segment: str | None, name: str
) -> tuple[NDArray[np.bool_], list[dict[str, str]]]:
    from radparity.outline import rtstruct, segmentation

    data = read_dicom(path, name)
    kind = data.get("SOPClassUID")
    if kind in segmentation.CLASSES:
        return segmentation.read_segmentation(data, target, images, segment, name)
    if kind == rtstruct.CLASS:
        return rtstruct.read_rtstruct(data, target, images, segment, name), []
    said = kind.name if kind else "without a class"
    raise DataFault("outline_unsupported", f"{name} is a DICOM object of another kind ({said}). {EXPORT}")
