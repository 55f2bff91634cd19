"""What identifies a patient in the source: read from the raw headers, DICOM and NIfTI, kept in memory only, never
written.

Elements are chosen by their value representation (every person name, date, time and UID, private ones too) and, for
plain text, by keyword. DICOM PS3.15 annex E names the same elements in its basic confidentiality profile.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from radparity.intake.source import exam_files, is_nifti, listed
from radparity.record import DataFault

Sort = Literal["name", "id", "place", "date", "time", "uid"]
BY_REPRESENTATION: dict[str, Sort] = {"PN": "name", "DA": "date", "DT": "date", "TM": "time", "UI": "uid"}
IDS = frozenset(
    """PatientID OtherPatientIDs AccessionNumber StudyID AdmissionID IssuerOfPatientID MedicalRecordLocator
    RequestedProcedureID ScheduledProcedureStepID PerformedProcedureStepID PlacerOrderNumberImagingServiceRequest
    FillerOrderNumberImagingServiceRequest PatientTelephoneNumbers InsurancePlanIdentification DeviceSerialNumber
    ServiceEpisodeID StationName""".split()
)
PLACES = frozenset("InstitutionName InstitutionAddress PatientAddress ReferringPhysicianAddress".split())
# A series has seldom fewer images than this; one header of so many files of like names is read.
EVERY = 20


class Identifier(NamedTuple):
    """kind: the element's keyword, or its tag where it is private. value: as it stands in the header."""

    kind: str
    sort: Sort
    value: str


@dataclass
class Source:
    """What the headers of one exam hold. headers: how many were read, `nifti` of them of NIfTI images. makers: words of
    manufacturer and model, which records may name."""

    exam: str
    identifiers: set[Identifier] = field(default_factory=set)
    headers: int = 0
    nifti: int = 0
    burned_in: bool = False
    makers: set[str] = field(default_factory=set)


def elements(data: Any, inside: str = "") -> Iterator[tuple[str, str, str]]:
    """Every element of a data set, those of sequences too, as (name, value representation, text).

    name: the keyword, or the tag of a private element, after those of the sequences that it lies in. What pydicom
    cannot convert is given as its bytes in Latin-1. Pixels are left out.
    """
    for tag in list(data.keys()):
        if tag.group in (0x7FE0,) or tag == 0x56000020:
            continue
        try:
            element = data[tag]
            value, representation, keyword = element.value, str(element.VR), str(element.keyword)
        except Exception:  # a value that breaks the standard must still be searched
            element = data.get_item(tag)
            value, representation, keyword = element.value, str(element.VR), ""
        name = inside + (keyword or f"({tag.group:04X},{tag.element:04X})")
        if representation == "SQ":
            for item in value or []:
                yield from elements(item, name + ".")
        elif isinstance(value, bytes):
            yield name, representation, value.decode("latin-1")
        elif value is not None:
            several = value if isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue" else [value]
            for single in several:
                yield name, representation, str(single)


def identifiers(data: Any) -> Iterator[Identifier]:
    """What identifies the patient, the study, the hospital or its physicians in one header."""
    for name, representation, text in elements(data):
        keyword = name.rpartition(".")[2]
        sort: Sort | None = BY_REPRESENTATION.get(representation)
        if keyword in IDS:
            sort = "id"
        elif keyword in PLACES:
            sort = "place"
        if sort == "uid" and (keyword.endswith("ClassUID") or text.startswith("1.2.840.10008.")):
            continue
        if sort is not None and text.strip():
            yield Identifier(keyword, sort, text.strip())


def some(paths: list[Path]) -> list[Path]:
    """Of all files whose folder and name differ in digits only: the first, the last and every 20th."""
    alike: dict[tuple[Path, str], list[Path]] = {}
    for path in sorted(paths):
        alike.setdefault((path.parent, re.sub(r"\d+", "#", path.name)), []).append(path)
    chosen: list[Path] = []
    for group in alike.values():
        chosen += dict.fromkeys([*group[::EVERY], group[-1]])
    return chosen


def _exam_paths(raw: Path, source: str) -> list[Path]:
    """The files of a folder or list; of a list with broken lines those that are there."""
    try:
        return list(exam_files(raw, source).values())
    except DataFault:
        return [path for path in listed(raw, source).values() if path is not None]


def read_source(raw: Path, exam: str, sources: list[str]) -> Source:
    """The identifiers in the headers of one exam: its folder or list (the first source), and the further files that the
    sheet names. A NIfTI outline is read too, but is no header of the exam."""
    import pydicom
    from pydicom import config
    from pydicom.errors import InvalidDicomError

    from radparity.deidentify.nifti import of_nifti

    found = Source(exam)
    own = set(_exam_paths(raw, sources[0]))
    # The warnings of pydicom would print the very values into the log.
    with config.disable_value_validation(), warnings.catch_warnings(action="ignore"):
        for path in some([file for source in sources for file in _exam_paths(raw, source)]):
            try:
                data = pydicom.dcmread(path, stop_before_pixels=True)
            except (InvalidDicomError, EOFError, OSError):
                said = of_nifti(path) if is_nifti(path) else None
                if said is not None:
                    found.identifiers.update(said)
                    found.headers += path in own
                    found.nifti += path in own
                continue
            found.headers += 1
            found.identifiers.update(identifiers(data))
            found.burned_in |= str(data.get("BurnedInAnnotation", "")).upper() == "YES"
            found.makers |= {str(data.get(k, "")) for k in ("Manufacturer", "ManufacturerModelName")} - {""}
    return found
