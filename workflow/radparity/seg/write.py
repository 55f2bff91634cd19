"""A mask on an exam's voxels as a DICOM segmentation of that exam's images."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radparity.record import DataFault
from radparity.seg.identifiers import unique_identifier
from radparity.seg.patient import REQUIRED, Identity, describe, moment
from radparity.seg.references import refer
from radparity.seg.source import SAME_MM, SourceImages

if TYPE_CHECKING:
    import pydicom
    from highdicom.seg import SegmentDescription

MAKER = "radparity"
# Added to the number of the source's series, so that a viewer lists the two apart.
SERIES_ABOVE = 1000
# A mask of images that were compressed with a loss says so too.
LOSSY = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"


class Algorithm(NamedTuple):
    """What made a mask. parameters: what else identifies it, as the digest of its weights."""

    name: str
    version: str
    parameters: str


class Finding(NamedTuple):
    """One segment. side: `left` or `right`; mask: (section, anterior, superior) on the exam's volume."""

    label: str
    side: str
    mask: NDArray[np.bool_]


def write_seg(
    path: Path,
    findings: Sequence[Finding],
    affine: NDArray[np.float64],
    source: SourceImages,
    algorithm: Algorithm,
    identity: Identity = "pseudonymous",
    pseudonym: str = "",
) -> dict[str, Any]:
    """Write findings as one DICOM SEG on the source's images, a segment each; returns facts for a record.

    affine: of the masks' volume, RAS+. Frames without a mark are left out. identity: `original` copies patient and
    study from the source, `pseudonymous` writes `pseudonym` instead. The same inputs give the same bytes.
    Raises DataFault `seg_source_geometry` where the images do not lie on the masks' voxels, ValueError for a finding
    without a mark: DICOM has no segment of nothing.
    """
    frames = np.stack([on_images(finding.mask, affine, source) for finding in findings], axis=-1)
    if not frames.any(axis=(0, 1, 2)).all():
        raise ValueError("a finding marks nothing: write no segmentation")
    data = _segmentation(frames, findings, source, algorithm, identity, pseudonym)
    data.save_as(path)
    step = abs(float(np.linalg.det(affine[:3, :3])))
    return {
        "findings": [
            {
                "label": finding.label,
                "side": finding.side,
                "sections": int(frames[..., number].any(axis=(1, 2)).sum()),
                "voxels": int(finding.mask.sum()),
                "volume_mm3": round(float(finding.mask.sum()) * step, 3),
            }
            for number, finding in enumerate(findings)
        ]
    }


def on_images(mask: NDArray[np.bool_], affine: NDArray[np.float64], source: SourceImages) -> NDArray[np.bool_]:
    """A mask as (image, row, column) of the source. Raises DataFault `seg_source_geometry`; see `write_seg`."""
    rows, columns = np.indices((source.rows, source.columns))
    corners = np.array([[0, 0], [0, columns.max()], [rows.max(), 0], [rows.max(), columns.max()]])
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    out = np.empty((len(source.images), source.rows, source.columns), bool)
    for number, image in enumerate(source.images):
        between = np.linalg.inv(affine) @ image.affine(np.zeros(3))
        turn, shift = np.rint(between[:3, :2]).astype(int), np.rint(between[:3, 3]).astype(int)
        off = corners @ (between[:3, :2] - turn).T + between[:3, 3] - shift
        voxels = [turn[axis, 0] * rows + turn[axis, 1] * columns + shift[axis] for axis in range(3)]
        inside = all(0 <= v.min() and v.max() < size for v, size in zip(voxels, mask.shape, strict=True))
        if (np.abs(off) * steps).max() > SAME_MM or not inside:
            raise DataFault("seg_source_geometry", "the exam's images do not lie on the mask's voxels. Convert again")
        out[number] = mask[tuple(voxels)]
    if out.sum() != mask.sum():
        raise DataFault("seg_source_geometry", "the mask reaches beyond the images that it is of. Convert again")
    return out


def _segmentation(
    frames: NDArray[np.bool_],
    findings: Sequence[Finding],
    source: SourceImages,
    algorithm: Algorithm,
    identity: Identity,
    pseudonym: str,
) -> pydicom.Dataset:
    """frames: (image, row, column, finding)."""
    import highdicom

    series = str(source.header.SeriesInstanceUID)
    drawn = [hashlib.sha256(np.packbits(frames[..., n]).tobytes()).hexdigest() for n in range(len(findings))]
    named = [f"{finding.label}, {finding.side}" for finding in findings]
    images = [f"{image.identifier} {image.frame}" for image in source.images]
    key = [series, *images, *algorithm, identity, pseudonym, *named, *drawn]
    day, time = moment(source.header, identity)
    data = highdicom.seg.Segmentation(
        _stand_ins(source),
        frames.astype(np.uint8),
        "BINARY",
        [_described(n, f, algorithm, unique_identifier("tracking", str(n), *key)) for n, f in enumerate(findings, 1)],
        series_instance_uid=unique_identifier("series", *key),
        series_number=int(source.header.get("SeriesNumber") or 0) % 10_000 + SERIES_ABOVE,
        sop_instance_uid=unique_identifier("instance", *key),
        instance_number=1,
        manufacturer=MAKER,
        manufacturer_model_name=algorithm.name,
        software_versions=algorithm.version,
        # There is no device: what made the mask is told apart by its weights.
        device_serial_number=hashlib.sha256("\0".join(algorithm).encode()).hexdigest()[:16],
        content_label="LESIONS",
        content_description="Lesions by an automatic segmentation",
        content_creator_name="",
        series_description=f"Segmentation {algorithm.name}"[:64],
        content_date=day,
        content_time=time,
    )
    del data.InstanceCreationDate, data.InstanceCreationTime
    refer(data, source, unique_identifier("dimensions", *key))
    data.BodyPartExamined = "BREAST"
    describe(data, source.header, identity, pseudonym)
    return data


def _stand_ins(source: SourceImages) -> list[pydicom.Dataset]:
    """The source's images as headers of single images of nobody, those of one file too; identifiers are their numbers.

    `describe` says afterwards whose they are, `refer` which images: highdicom would copy names into warnings, and
    would take all phases of a file for the source.
    """
    from pydicom.dataset import Dataset

    area = float(source.images[0].spacing[0]) * float(source.images[0].spacing[1])
    thickness = f"{abs(np.linalg.det(source.affine[:3, :3])) / area:.6g}"
    made = []
    for number, image in enumerate(source.images, start=1):
        one = Dataset()
        for keyword in REQUIRED:
            setattr(one, keyword, None)
        one.SOPClassUID, one.SOPInstanceUID, one.Modality = MR_IMAGE, str(number), "MR"
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "Rows", "Columns"):
            setattr(one, keyword, source.header[keyword].value)
        one.ImagePositionPatient = list(image.position)
        # Of the first one: headers of one series can differ in their last digits.
        one.ImageOrientationPatient = list(source.images[0].orientation)
        one.PixelSpacing = list(source.images[0].spacing)
        one.SliceThickness = source.images[0].thickness or thickness
        for keyword in LOSSY:
            if keyword in source.header:
                one[keyword] = source.header[keyword]
        made.append(one)
    return made


def _described(number: int, finding: Finding, algorithm: Algorithm, tracked: str) -> SegmentDescription:
    import highdicom
    from pydicom.sr.codedict import codes

    found = highdicom.seg.SegmentDescription(
        number,
        f"{finding.label}, {finding.side} breast",
        codes.SCT.MorphologicallyAbnormalStructure,
        codes.SCT.Lesion,
        "AUTOMATIC",
        highdicom.AlgorithmIdentificationSequence(
            algorithm.name,
            codes.DCM.ArtificialIntelligence,
            algorithm.version,
            MAKER,
            {"identified by": algorithm.parameters} if algorithm.parameters else None,
        ),
        tracking_uid=tracked,
        tracking_id=f"{MAKER} {number}",
        anatomic_regions=[codes.SCT.Breast],
        display_color=highdicom.color.CIELabColor(62.0, 40.0, 64.0),
    )
    side = codes.SCT.Left if finding.side == "left" else codes.SCT.Right
    found.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = [highdicom.sr.CodedConcept.from_code(side)]
    return found
