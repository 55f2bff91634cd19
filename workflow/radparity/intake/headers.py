"""What intake needs to know of every image, read from the headers without the pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from math import isfinite
from pathlib import Path
from typing import Any

from pydicom.datadict import tag_for_keyword

from radparity.intake.multiframe import MULTIFRAME_CLASSES, frames
from radparity.intake.onefile import ReadFile, read_file
from radparity.intake.source import is_nifti
from radparity.record import DataFault

# The elements that are decoded; pydicom skips over all others, which is most of the reading time.
KEYWORDS = """SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID PatientID StudyDate
    SeriesNumber SeriesDescription ProtocolName SequenceName Modality ImageType ImageOrientationPatient
    ImagePositionPatient PixelSpacing Rows Columns BitsAllocated SamplesPerPixel NumberOfFrames InstanceNumber
    AcquisitionNumber AcquisitionDate AcquisitionTime AcquisitionDateTime ContentDate ContentTime SeriesDate SeriesTime
    TriggerTime TemporalPositionIdentifier RepetitionTime EchoTime DiffusionBValue Laterality ImageLaterality
    ScanningSequence ScanOptions EchoTrainLength FlipAngle NumberOfTemporalPositions ContrastBolusAgent
    Manufacturer ManufacturerModelName MagneticFieldStrength ReceiveCoilName LossyImageCompression
    SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence DimensionIndexSequence""".split()
GE_ACQUISITION, GE_DURATION = 0x00190010, 0x0019105A
TAGS: list[int] = [tag for keyword in KEYWORDS if (tag := tag_for_keyword(keyword))] + [GE_ACQUISITION, GE_DURATION]
GAUSS_A_TESLA = 10_000
MR_CLASSES = {"1.2.840.10008.5.1.4.1.1.4"} | MULTIFRAME_CLASSES


@dataclass(frozen=True)
class Header:
    """One image, or one frame of a multi-frame file (its file is then `name#frame`, counted from 0).

    Positions in mm, patient coordinates (LPS). Times of the day in s from the study day's midnight, so that they may
    pass 86,400; trigger_time in ms; time_offset and duration in s. What a header lacks is None or empty.
    """

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
    coil: str = ""
    echo_time: float | None = None
    acquisition_moment: float | None = None
    series_time: float | None = None
    time_offset: float | None = None
    duration: float | None = None
    image: str = ""
    study: str = ""
    study_date: str = ""
    frame_of_reference: str = ""
    syntax: str = ""
    compressed: bool = False
    lossy: bool = False
    truncated: bool = False
    sop_class: str = ""
    scanning_sequence: tuple[str, ...] = ()
    sequence_name: str = ""
    scan_options: tuple[str, ...] = ()
    echo_train: float | None = None
    flip_angle: float | None = None
    temporal_positions: float | None = None
    contrast_agent: str = ""

    @property
    def placed(self) -> bool:
        """Whether the header says where the image lies and how large its pixels are."""
        return (
            len(self.position) == 3 and len(self.orientation) == 6 and any(self.orientation) and min(self.spacing) > 0
        )


def read_headers(files: Mapping[str, Path]) -> tuple[list[Header], list[str]]:
    """Headers of all images, in order of name, and the names of the files that are no images.

    files: the exam's files by the name that records and messages use (radparity.intake.source).
    MR images without a position are kept (`placed` is false), and so are truncated ones (`truncated`).
    Raises DataFault `no_dicom` where there is nothing to read.
    """
    images: list[Header] = []
    others: list[str] = []
    for name in sorted(files):
        found = read_file(files[name], TAGS)
        made = [] if found is None else _headers(name, found)
        images += made
        if not made:
            others.append(name)
    if not images:
        held = f"{len(others)} other files" if others else "no files"
        nifti = "; of NIfTI files, name the table of `times`" if any(map(is_nifti, files.values())) else ""
        raise DataFault(
            "no_dicom", f"the exam holds no DICOM image ({held}). Correct `folder` in the exams sheet{nifti}"
        )
    return images, others


def seconds(value: Any) -> float | None:
    """A DICOM time (HHMMSS.ffffff) as seconds of the day, None where it is missing or not a time."""
    text = str(value or "").strip().replace(":", "")
    if len(text) < 6 or not text[:6].isdigit():
        return None
    try:
        return int(text[:2]) * 3600 + int(text[2:4]) * 60 + float(text[4:])
    except ValueError:
        return None


@lru_cache
def _day(value: str) -> int | None:
    try:
        return date(int(value[:4]), int(value[4:6]), int(value[6:8])).toordinal()
    except ValueError:
        return None


def _moment(day: Any, time: Any, study_day: str) -> float | None:
    """Seconds from the study day's midnight. A date far from the study's (de-identification) counts as none."""
    found, own, first = seconds(time), _day(str(day or "").strip()), _day(study_day)
    if found is None or own is None or first is None or abs(own - first) > 1:
        return found
    return found + 86_400 * (own - first)


def _number(value: Any) -> float | None:
    try:
        return None if value in (None, "") else float(value)
    except (TypeError, ValueError):
        return None


def _whole(value: Any) -> int | None:
    found = _number(value)
    return None if found is None else int(found)


def _numbers(value: Any, count: int) -> tuple[float, ...]:
    """A multi-valued number, empty where it has not `count` values."""
    try:
        found = tuple(float(v) for v in value or ())
    except (TypeError, ValueError):
        return ()
    return found if len(found) == count and all(map(isfinite, found)) else ()


def _words(value: Any) -> tuple[str, ...]:
    """A code string of one or several values, in capitals."""
    if value is None or value == "":
        return ()
    parts = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return tuple(str(part).strip().upper() for part in parts)


def _tesla(value: Any) -> float | None:
    """Field strength; some scanners of the time wrote gauss."""
    found = _number(value)
    return None if found is None else round(found / GAUSS_A_TESLA if found > 100 else found, 2)


def _headers(name: str, found: ReadFile) -> list[Header]:
    """The images of one file: none where it is no image, else one, or one a frame."""
    data, get = found.data, found.values.get
    kind = found.sop_class
    if get("Rows") is None or kind not in MR_CLASSES and get("ImagePositionPatient") is None:
        # A file cut inside its header has lost its Rows; that it was an MR image is known from its first bytes.
        return [_header(name, found, get)] if found.truncated and kind in MR_CLASSES else []
    if kind in MULTIFRAME_CLASSES and data.get("PerFrameFunctionalGroupsSequence"):
        return [
            _header(f"{name}#{number}", found, partial(_of_frame, own, get)) for number, own in enumerate(frames(data))
        ]
    return [_header(name, found, get)]


def _of_frame(own: dict[str, Any], get: Callable[[str], Any], keyword: str) -> Any:
    return own[keyword] if keyword in own else get(keyword)


def _header(name: str, found: ReadFile, get: Callable[[str], Any]) -> Header:
    """One image's header; `get` gives an element's value by keyword, from the frame or the file."""
    text = {word: str(get(word) or "").strip() for word in ("StudyDate", "Laterality", "ImageLaterality")}
    spacing = _numbers(get("PixelSpacing"), 2) or (0.0, 0.0)
    day = text["StudyDate"]
    moment = str(get("AcquisitionDateTime") or "").strip()
    duration = _number(found.private(GE_ACQUISITION, "GEMS_ACQU_01", GE_DURATION))
    return Header(
        file=name,
        series=str(get("SeriesInstanceUID") or ""),
        series_number=_whole(get("SeriesNumber")) or 0,
        description=str(get("SeriesDescription") or ""),
        image_type=_words(get("ImageType")),
        modality=str(get("Modality") or ""),
        orientation=tuple(round(v, 4) for v in _numbers(get("ImageOrientationPatient"), 6)),
        position=_numbers(get("ImagePositionPatient"), 3),
        spacing=(spacing[0], spacing[1]),
        rows=_whole(get("Rows")) or 0,
        columns=_whole(get("Columns")) or 0,
        instance=_whole(get("InstanceNumber")) or 0,
        acquisition_number=_whole(get("AcquisitionNumber")),
        acquisition_time=_moment(get("AcquisitionDate"), get("AcquisitionTime"), day),
        content_time=_moment(get("ContentDate"), get("ContentTime"), day),
        trigger_time=_number(get("TriggerTime")),
        temporal_position=_whole(get("TemporalPositionIdentifier")),
        repetition_time=_number(get("RepetitionTime")),
        b_value=_number(get("DiffusionBValue")),
        laterality=text["Laterality"] or text["ImageLaterality"],
        patient=str(get("PatientID") or ""),
        scanner=(
            str(get("Manufacturer") or ""),
            str(get("ManufacturerModelName") or ""),
            _tesla(get("MagneticFieldStrength")),
        ),
        coil=str(get("ReceiveCoilName") or ""),
        echo_time=_number(get("EchoTime")),
        acquisition_moment=_moment(moment[:8], moment[8:].split("+")[0].split("-")[0], day),
        series_time=_moment(get("SeriesDate"), get("SeriesTime"), day),
        time_offset=_number(get("TemporalPositionTimeOffset")),
        duration=None if duration is None else duration / 1e6,
        image=str(get("SOPInstanceUID") or ""),
        study=str(get("StudyInstanceUID") or ""),
        study_date=day,
        frame_of_reference=str(get("FrameOfReferenceUID") or ""),
        syntax=found.syntax,
        compressed=found.compressed,
        lossy=str(get("LossyImageCompression") or "") == "01",
        truncated=found.truncated,
        sop_class=found.sop_class,
        scanning_sequence=_words(get("ScanningSequence")),
        sequence_name=str(get("SequenceName") or ""),
        scan_options=_words(get("ScanOptions")),
        echo_train=_number(get("EchoTrainLength")),
        flip_angle=_number(get("FlipAngle")),
        temporal_positions=_number(get("NumberOfTemporalPositions")),
        contrast_agent=str(get("ContrastBolusAgent") or "").strip(),
    )
