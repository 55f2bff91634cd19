"""Paths of the sheets that give a patient away.

Whatever path a sheet names goes into results/ (the table of digests, the ledger, the log of the scheduler), and folders
of a hospital are often called by the record number. The sweep therefore compares each path with the first header of its
exam and refuses what it recognizes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from radparity.config import ConfigError
from radparity.intake.source import below, is_list, listed
from radparity.study import Study

IDENTIFYING = {
    "PatientID": "patient id",
    "OtherPatientIDs": "patient id",
    "PatientName": "patient name",
    "PatientBirthDate": "birth date",
    "AccessionNumber": "accession number",
    "StudyInstanceUID": "study UID",
    "SeriesInstanceUID": "series UID",
}
FOUND_INSIDE = 5  # characters: a shorter value must be a whole word of the path, else "12" would be found in "2012"
NO_NAMES = {"anon", "anonymous", "anonymized", "patient", "unknown", "phantom", "breast", "mri", "name", "none", "test"}
IS_DICOM = b"DICM"


def refuse_identifying_paths(study: Study, workers: int) -> None:
    """Raises ConfigError where a path of an exam's rows holds what its first header says about the patient.

    An id that the sheet itself uses as the pseudonym (public collections do) is no secret and passes.
    """
    raw = Path(study.config.raw)
    paths = {
        name: [p for p in (e.folder, e.times, e.truth, *study.maps(name).values()) if p]
        for name, e in study.exams.items()
    }
    for reading in study.readings:
        paths[study.exam_of(reading.breast)].append(reading.file)
    for rows in study.externals.values():
        for breast, external in rows.items():
            paths[study.exam_of(breast)].append(external.file)

    def one(exam: str) -> list[str]:
        row = study.exams[exam]
        known = {"".join(_words(name)) for name in (row.exam, row.patient)}
        values = [(what, v) for what, v in identifying(raw, row.folder) if "".join(_words(v)) not in known]
        return [f"exam {exam}: {what} in a path of its rows" for what in _told(paths[exam], values)]

    with ThreadPoolExecutor(workers) as pool:
        found = [line for lines in pool.map(one, study.exams) for line in lines]
    if found:
        raise ConfigError(
            "paths of the sheets identify patients, and every path of the sheets stands in results/:\n"
            + "\n".join(f"  {line}" for line in found[:50])
            + f"\nRename the folder or file; or list the exam's files, for each exam (E0012 stands for its pseudonym):"
            f"\n  (cd {raw} && mkdir -p radparity && find <folder> -type f | sort > radparity/E0012.files)"
            "\nand write radparity/E0012.files in the column `folder`. `radparity draft` makes such lists"
        )


def _told(paths: list[str], values: list[tuple[str, str]]) -> list[str]:
    return sorted({what for path in paths for what, value in values if gives_away(path, what, value)})


def gives_away(path: str, what: str, value: str) -> bool:
    """Whether a path holds an identifying value, whatever its case and punctuation.

    Names are compared part by part; values shorter than five characters must be a whole word of the path.
    """
    words = _words(path)
    joined = "".join(words)
    parts = _words(value) if what == "patient name" else ["".join(_words(value))]
    for part in parts:
        if what == "patient name" and (len(part) < 3 or part in NO_NAMES or part.isdigit()):
            continue
        if (part in joined) if len(part) >= FOUND_INSIDE else (part in words):
            return True
    return False


def identifying(raw: Path, source: str) -> list[tuple[str, str]]:
    """What the first readable header of an exam says about its patient: (what, value), empty values left out."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    for path in _paths(raw, source):
        try:
            with path.open("rb") as stream:
                if stream.read(132)[128:] != IS_DICOM:
                    continue
            data = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(IDENTIFYING))
        except (OSError, InvalidDicomError, EOFError, ValueError):
            continue
        if "StudyInstanceUID" in data:  # a DICOMDIR has none of its own
            values = [(what, str(data.get(tag) or "")) for tag, what in IDENTIFYING.items()]
            return [(what, value) for what, value in values if any(_words(value))]
    return []


def _paths(raw: Path, source: str) -> Iterator[Path]:
    root = raw / source
    if is_list(root):
        yield from (path for path in listed(raw, source).values() if path is not None)
    elif root.is_file():
        yield root
    else:
        yield from (Path(entry.path) for entry in below(root))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())
