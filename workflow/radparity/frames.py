"""Frames: one file an image for the converter, also where the archive keeps many frames in one file.

dcm2niix merges all phases of an enhanced multi-frame file, so its frames are written out as single images first.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from radparity.record import DataFault

KEPT = (
    "Modality Manufacturer ManufacturerModelName PatientPosition SeriesInstanceUID StudyInstanceUID "
    "FrameOfReferenceUID SeriesNumber SamplesPerPixel PhotometricInterpretation Rows Columns BitsAllocated BitsStored "
    "HighBit PixelRepresentation"
).split()


class Image(NamedTuple):
    """An image: its file, and its frame (from 0) where the file holds several."""

    file: Path
    frame: int | None


def single_frames(images: Sequence[Image], folder: Path) -> list[Path]:
    """The images as single-frame files in a folder, in their order: links to what is single already, frames written.

    Raises DataFault `conversion_failed` where the pixels of a multi-frame file cannot be decoded.
    """
    made = []
    for number, image in enumerate(images):
        target = folder / f"{number:05d}.dcm"
        if image.frame is None:
            target.symlink_to(image.file.resolve())
        else:
            _write_frame(_decoded(image.file), image.frame, number + 1, target)
        made.append(target)
    _decoded.cache_clear()
    return made


@lru_cache(maxsize=1)
def _decoded(path: Path) -> FileDataset:
    """A multi-frame file with its pixels decoded, kept while its frames are written."""
    data = pydicom.dcmread(path)
    try:
        data.pixel_array  # noqa: B018 - decodes once; kept by the dataset
    except Exception as error:  # what a decoder raises depends on the decoder
        syntax = data.file_meta.TransferSyntaxUID.name
        raise DataFault("conversion_failed", f"the frames ({syntax}) cannot be decoded: {error}") from error
    return data


def _write_frame(data: FileDataset, frame: int, instance: int, target: Path) -> None:
    """One frame as a classic MR image with the geometry and the rescaling of its functional groups."""
    shared = data.SharedFunctionalGroupsSequence[0]
    own = data.PerFrameFunctionalGroupsSequence[frame]

    def group(name: str) -> pydicom.Dataset | None:
        for place in (own, shared):
            if name in place:
                found: pydicom.Dataset = place[name].value[0]
                return found
        return None

    position, orientation, measures = map(
        group, ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")
    )
    if position is None or orientation is None or measures is None:
        raise DataFault("conversion_failed", f"frame {frame} has no position, orientation or pixel spacing")
    out = FileDataset(str(target), {}, preamble=b"\0" * 128, file_meta=FileMetaDataset())
    for name in KEPT:
        if name in data:
            setattr(out, name, copy.deepcopy(data[name].value))
    out.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out.file_meta.MediaStorageSOPClassUID = out.SOPClassUID = MRImageStorage
    out.file_meta.MediaStorageSOPInstanceUID = out.SOPInstanceUID = generate_uid(entropy_srcs=[str(instance)])
    out.ImageType = ["ORIGINAL", "PRIMARY", "M"]
    out.ImagePositionPatient = position.ImagePositionPatient
    out.ImageOrientationPatient = orientation.ImageOrientationPatient
    out.PixelSpacing = measures.PixelSpacing
    if "SliceThickness" in measures:
        out.SliceThickness = measures.SliceThickness
    if "SpacingBetweenSlices" in measures:
        out.SpacingBetweenSlices = measures.SpacingBetweenSlices
    rescale = group("PixelValueTransformationSequence")
    if rescale is not None:
        out.RescaleSlope, out.RescaleIntercept = rescale.RescaleSlope, rescale.RescaleIntercept
    out.InstanceNumber, out.AcquisitionNumber = instance, 1
    pixels = data.pixel_array
    out.PixelData = (pixels[frame] if pixels.ndim == 3 else pixels).tobytes()
    out.save_as(target, enforce_file_format=True)
