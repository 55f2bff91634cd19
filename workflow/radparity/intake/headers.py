"""Reading the headers of every DICOM file below a folder, without the pixels."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
from pydicom.errors import InvalidDicomError

from radparity.record import DataFault


@dataclass(frozen=True)
class Header:
    """What intake needs to know of one image. Positions in mm, patient coordinates (LPS); times in s of the day."""

    file: str
    series: str
    series_number: int
    description: str
    image_type: tuple[str, ...]
    modality: str
    orientation: tuple[float, ...]
    position: tuple[float, ...]
    spacing: tuple[float, float]
    rows: int
    columns: int
    instance: int
    acquisition_number: int | None
    acquisition_time: float | None
    content_time: float | None
    trigger_time: float | None
    temporal_position: int | None
    repetition_time: float | None
    b_value: float | None
    laterality: str
    patient: str
    scanner: tuple[str, str, float | None]


def seconds(value: Any) -> float | None:
    """A DICOM time (HHMMSS.ffffff) as seconds of the day, None where it is missing or not a time."""
    text = str(value or "").strip().replace(":", "")
    if len(text) < 6 or not text[:6].isdigit():
        return None
    try:
        return int(text[:2]) * 3600 + int(text[2:4]) * 60 + float(text[4:])
    except ValueError:
        return None


def _number(value: Any) -> float | None:
    try:
        return None if value in (None, "") else float(value)
    except (TypeError, ValueError):
        return None


def _tesla(value: Any) -> float | None:
    """Field strength; some scanners of the time wrote gauss."""
    found = _number(value)
    return None if found is None else round(found / 10_000 if found > 100 else found, 2)


def read_headers(folder: Path) -> tuple[list[Header], list[str]]:
    """Headers of all images below a folder, in order of path, and the files that are not DICOM images.

    Raises DataFault `no_dicom` where there is nothing to read and `truncated_file` where a file ends before its pixels.
    """
    paths = sorted(Path(top) / name for top, _, names in os.walk(folder) for name in names)
    images, others = [], []
    for path in paths:
        name = path.relative_to(folder).as_posix()
        try:
            with path.open("rb") as stream:
                data = pydicom.dcmread(stream, stop_before_pixels=True)
                left = path.stat().st_size - stream.tell()
        except (InvalidDicomError, EOFError):
            others.append(name)
            continue
        if "Rows" not in data or "ImagePositionPatient" not in data:
            if data.get("SOPClassUID", "").startswith("1.2.840.10008.5.1.4.1.1.4") and left <= 0:
                raise _truncated(name)
            others.append(name)
            continue
        if not data.file_meta.TransferSyntaxUID.is_compressed:
            samples = int(data.get("SamplesPerPixel", 1)) * int(data.get("NumberOfFrames", 1) or 1)
            if left < data.Rows * data.Columns * samples * (data.BitsAllocated // 8):
                raise _truncated(name)
        elif left <= 0:
            raise _truncated(name)
        images.append(_header(name, data))
    if not images:
        found = f"{len(others)} other files" if others else "no files"
        raise DataFault("no_dicom", f"{folder} holds no DICOM image ({found}). Correct `folder` in the exams sheet")
    return images, others


def _truncated(name: str) -> DataFault:
    return DataFault("truncated_file", f"{name} ends before its pixels do. Copy the exam again from the archive")


def _header(name: str, data: pydicom.Dataset) -> Header:
    number = _number(data.get("TemporalPositionIdentifier"))
    acquisition = _number(data.get("AcquisitionNumber"))
    return Header(
        file=name,
        series=str(data.get("SeriesInstanceUID", "")),
        series_number=int(_number(data.get("SeriesNumber")) or 0),
        description=str(data.get("SeriesDescription", "")),
        image_type=tuple(str(part).upper() for part in data.get("ImageType", ())),
        modality=str(data.get("Modality", "")),
        orientation=tuple(round(float(v), 4) for v in data.get("ImageOrientationPatient", ())),
        position=tuple(float(v) for v in data.ImagePositionPatient),
        spacing=(float(data.get("PixelSpacing", (0, 0))[0]), float(data.get("PixelSpacing", (0, 0))[1])),
        rows=int(data.Rows),
        columns=int(data.Columns),
        instance=int(_number(data.get("InstanceNumber")) or 0),
        acquisition_number=None if acquisition is None else int(acquisition),
        acquisition_time=seconds(data.get("AcquisitionTime")),
        content_time=seconds(data.get("ContentTime")),
        trigger_time=_number(data.get("TriggerTime")),
        temporal_position=None if number is None else int(number),
        repetition_time=_number(data.get("RepetitionTime")),
        b_value=_number(data.get("DiffusionBValue")),
        laterality=str(data.get("Laterality", "") or data.get("ImageLaterality", "")),
        patient=str(data.get("PatientID", "")),
        scanner=(
            str(data.get("Manufacturer", "")),
            str(data.get("ManufacturerModelName", "")),
            _tesla(data.get("MagneticFieldStrength")),
        ),
    )
