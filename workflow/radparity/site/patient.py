"""Whose exam it is, for the summary that goes back into her record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

WANTED = {
    "PatientName": "name",
    "PatientID": "patient id",
    "PatientBirthDate": "born",
    "StudyDate": "exam of",
    "AccessionNumber": "accession number",
}


def patient(files: Mapping[str, Path], name: str) -> dict[str, str]:
    """What the header of one of the exam's images says of the patient; only what it states.

    name: of the image, as the intake record has it.
    """
    import pydicom

    stem = name.rpartition("#")[0]
    header = pydicom.dcmread(files[stem if stem in files else name], stop_before_pixels=True)
    return {said: str(header.get(keyword)) for keyword, said in WANTED.items() if header.get(keyword)}
