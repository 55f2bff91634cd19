"""What one file of a raw folder is: an image with the few facts a draft needs, an archive, a DICOMDIR, or litter."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple, cast

import pydicom
from pydicom.datadict import tag_for_keyword
from pydicom.errors import InvalidDicomError

DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")
TEXTS = ("BodyPartExamined", "StudyDescription", "SeriesDescription", "ProtocolName", "RequestedProcedureDescription")
KEYWORDS = [
    *("PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "StudyInstanceUID", "SeriesInstanceUID"),
    *("SOPInstanceUID", "SOPClassUID", "Modality", "ImageType", "RepetitionTime", "Laterality", "ImageLaterality"),
    *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns", "NumberOfFrames"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "DirectoryRecordSequence"),
    *DATES,
    *TEXTS,
]
TAGS = {tag: keyword for keyword in KEYWORDS if (tag := tag_for_keyword(keyword))}
BREAST = re.compile(r"breast|mamm|brust|mama|seno\b|sein\b|borst|bröst|bryst|piers|prsu")
OTHER_PARTS = set(
    "HEAD BRAIN SKULL NECK CSPINE TSPINE LSPINE SPINE ABDOMEN PELVIS LIVER PROSTATE KNEE HIP SHOULDER ANKLE FOOT HAND"
    " WRIST ELBOW HEART KIDNEY UTERUS LEG ARM".split()
)
DERIVED = {"DERIVED", "SECONDARY", "LOCALIZER", "SUBTRACT", "SUB", "MIP", "PROJECTION IMAGE", "MPR", "SLOPE", "ADC"}
ZIP = b"PK\x03\x04"
PACKED = {b"\x1f\x8b": "gzip", b"7z\xbc\xaf": "7z", b"Rar!": "rar", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}
OFFICE = {".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".jar", ".epub", ".mrb"}


Values = dict[str, Any]


class Series(NamedTuple):
    """What the images of one series share; images that differ in any of it count as different series.

    body: `breast`, `other` or `unsure`. derived: 1 for maps, projections, localizers and screenshots. orientation:
    direction cosines of rows and columns, six numbers. spacing: mm, between rows and columns. repetition: ms, or None.
    """

    patient_id: str
    issuer: str
    name: str
    birth_date: str
    study: str
    date: str
    date_tag: str
    series: str
    modality: str
    body: str
    derived: int
    description: str
    orientation: str
    spacing: str
    rows: int
    columns: int
    repetition: float | None
    laterality: str


class Image(NamedTuple):
    """What one file adds: its UID, its number of frames, and where they lie.

    origins: ImagePositionPatient of the frames (mm, LPS), each place once, as `x y z; x y z`; empty where unknown.
    """

    sop: str
    frames: int
    origins: str


class Found(NamedTuple):
    """One file. kind: image, zip, packed, directory, broken, unreadable or other; note: more about the last five."""

    path: str
    kind: str
    note: str = ""
    series: Series | None = None
    image: Image | None = None


def read_files(raw: str, paths: list[str]) -> list[Found]:
    """What each file is; paths relative to `raw`. Headers only, never the pixels."""
    before = pydicom.config.settings.reading_validation_mode
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [read_file(raw, path) for path in paths]
    finally:
        pydicom.config.settings.reading_validation_mode = before


def read_file(raw: str, path: str) -> Found:
    """What one file is, by its content first and its name last."""
    whole = os.path.join(raw, path)
    try:
        with open(whole, "rb") as stream:
            start = stream.read(264)
    except OSError as error:
        return Found(path, "unreadable", error.strerror or "")
    # Scanners of the nineties wrote no preamble: then the file begins with its first element, of group 0008.
    bare = start[:4] in (b"\x08\x00\x00\x00", b"\x08\x00\x05\x00", b"\x08\x00\x08\x00", b"\x08\x00\x16\x00")
    if start[128:132] != b"DICM" and not bare:
        if start.startswith(ZIP) and Path(path).suffix.lower() not in OFFICE:
            return Found(path, "zip")
        packed = next((name for magic, name in PACKED.items() if start.startswith(magic)), "")
        packed = packed or ("tar" if start[257:262] == b"ustar" else "")
        return Found(path, "packed" if packed else "other", packed)
    try:
        data = pydicom.dcmread(whole, stop_before_pixels=True, specific_tags=list(TAGS), force=bare)
        values = _values(data)
        if "DirectoryRecordSequence" in values:
            return Found(path, "directory", str(_absent(values["DirectoryRecordSequence"], Path(whole).parent)))
        if not values.get("StudyInstanceUID") or not values.get("SOPInstanceUID"):
            return Found(path, "broken", "no StudyInstanceUID or SOPInstanceUID")
        return Found(path, "image", "", _series(values), _image(values))
    except (InvalidDicomError, EOFError, OSError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        return Found(path, "broken", type(error).__name__)


def _absent(records: Iterable[pydicom.Dataset], folder: Path) -> int:
    """How many of the files that a DICOMDIR names are not beside it, whatever the case of their names."""
    absent = 0
    there: dict[Path, dict[str, str]] = {}
    for record in records:
        named = record.get("ReferencedFileID")
        place: Path | None = folder if named else None
        for part in [named] if isinstance(named, str) else named or []:
            if place is not None:
                if place not in there:
                    there[place] = {n.lower(): n for n in os.listdir(place)} if place.is_dir() else {}
                found = there[place].get(str(part).lower())
                place = place / found if found else None
        absent += bool(named) and place is None
    return absent


def _values(data: pydicom.Dataset) -> Values:
    """The elements by keyword; one that cannot be decoded is as good as absent."""
    found = {}
    for tag in data.keys():
        try:
            found[TAGS[tag]] = data[tag].value
        except (ValueError, TypeError, NotImplementedError, KeyError):
            continue
    return found


def _text(data: Values, tag: str) -> str:
    return str(data.get(tag) or "").replace("\0", "").strip()


def _is_date(text: str) -> bool:
    try:
        return len(text) == 8 and text.isdigit() and bool(datetime.strptime(text, "%Y%m%d"))
    except ValueError:
        return False


def _series(data: Values) -> Series:
    date, date_tag = "", ""
    for tag in DATES:
        found = _text(data, tag).replace(".", "").replace("-", "")
        if _is_date(found):
            date, date_tag = found, tag
            break
    words = " ".join(_text(data, tag) for tag in TEXTS).casefold()
    part = _text(data, "BodyPartExamined").upper()
    body = "breast" if BREAST.search(words) else "other" if part in OTHER_PARTS else "unsure"
    kinds = {str(kind).upper() for kind in data.get("ImageType") or ()}
    spacing = _group(data, "PixelMeasuresSequence").get("PixelSpacing") or ()
    orientation = _group(data, "PlaneOrientationSequence").get("ImageOrientationPatient") or ()
    repetition = data.get("RepetitionTime")
    return Series(
        *(_text(data, "PatientID"), _text(data, "IssuerOfPatientID"), _text(data, "PatientName")),
        *(_text(data, "PatientBirthDate"), _text(data, "StudyInstanceUID"), date, date_tag),
        *(_text(data, "SeriesInstanceUID"), _text(data, "Modality").upper(), body),
        derived=int(bool(kinds & DERIVED)),
        description=_text(data, "SeriesDescription"),
        orientation=_numbers(orientation),
        spacing=_numbers(spacing),
        rows=int(data.get("Rows") or 0),
        columns=int(data.get("Columns") or 0),
        repetition=None if repetition in (None, "") else float(repetition),
        laterality=_text(data, "Laterality") or _text(data, "ImageLaterality"),
    )


def _numbers(values: Any) -> str:
    # Adding zero turns -0.0 into 0.0.
    return " ".join(f"{round(float(value), 4) + 0:g}" for value in values)


def _group(data: Values, name: str) -> Values | pydicom.Dataset:
    """A functional group of an enhanced image: the shared one, or else the first frame's; of others, the file."""
    for sequence in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for frame in list(data.get(sequence) or ())[:1]:
            if frame.get(name):
                return cast(pydicom.Dataset, frame.get(name)[0])
    return data


def _image(data: Values) -> Image:
    planes: list[Any] = [data.get("ImagePositionPatient")]
    if data.get("PerFrameFunctionalGroupsSequence"):
        groups = [frame.get("PlanePositionSequence") for frame in data["PerFrameFunctionalGroupsSequence"]]
        planes = [group[0].get("ImagePositionPatient") if group else None for group in groups]
    placed = all(plane and len(plane) == 3 and all(map(isfinite, map(float, plane))) for plane in planes)
    origins = dict.fromkeys(_numbers(plane) for plane in planes) if placed else {}
    return Image(_text(data, "SOPInstanceUID"), int(data.get("NumberOfFrames") or 1), "; ".join(origins))
