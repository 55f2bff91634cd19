"""What tells exams apart before anything is made of them: scanner, year and number of acquisitions.

The sweep, which reads every new file anyway, notes it from a few headers; a pilot draws from every kind.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from radparity.config import ConfigError
from radparity.intake.source import exam_files, is_nifti
from radparity.record import DataFault

if TYPE_CHECKING:
    from radparity.intake.headers import Header
    from radparity.study import Study

STRATA = Path("results/raw/strata.tsv")
HEADERS = 32  # spread over an exam's files: enough to meet every phase
UNREADABLE = "not readable"
TO_COME = "to be downloaded"
NOT_STATED = "not stated"


class Stratum(NamedTuple):
    """Of one exam: the scanner in words, the year, and the number of acquisitions in all its series, as text: a cheap
    stand-in for the number of phases."""

    scanner: str
    year: str
    acquisitions: str


def stratum(raw: Path, source: str) -> Stratum:
    """The stratum of an exam from some HEADERS of its headers; of one of NIfTI files, which state little, the number of
    its volumes."""
    from radparity.intake.headers import read_headers
    from radparity.scaling import scanner_name

    try:
        files = exam_files(raw, source)
        nifti = [path for path in files.values() if is_nifti(path)]
        if nifti and len(nifti) == len(files):
            return Stratum(NOT_STATED, NOT_STATED, str(sum(map(_volumes, nifti))))
        names = sorted(files)
        images, _ = read_headers({name: files[name] for name in names[:: max(1, len(names) // HEADERS)]})
    except (DataFault, OSError):
        return Stratum(UNREADABLE, UNREADABLE, UNREADABLE)
    maker, model, tesla = images[0].scanner
    series: dict[str, list[Header]] = {}
    for image in images:
        series.setdefault(image.series, []).append(image)
    year = next((image.study_date[:4] for image in images if image.study_date), UNREADABLE)
    scanner = scanner_name({"scanner": {"manufacturer": maker, "model": model, "tesla": tesla}})
    return Stratum(scanner, year, str(sum(map(_parts, series.values()))))


def to_come(study: Study, source: str) -> Stratum:
    """The stratum of an exam that is to be downloaded, from the sheets alone: it is the same before and after, and so
    is a pilot."""
    row = next(row for row in study.exams.values() if row.folder == source)
    scanner = getattr(row, "scanner", None) or TO_COME
    return Stratum(scanner, TO_COME, str(sum(one.role == "dynamic" for one in study.announced.rows(source))))


def _volumes(path: Path) -> int:
    from radparity.nifti_phase import read_header

    return read_header(path, path.name).count


def _parts(images: list[Header]) -> int:
    """Into how many acquisitions a series falls by what some of its headers say.

    An attribute that differs from image to image, as a time of every section, divides nothing.
    """
    found = [1]
    for attribute in ("temporal_position", "acquisition_number", "trigger_time", "acquisition_time", "content_time"):
        values = {getattr(image, attribute) for image in images}
        if 2 * len(values) <= len(images):
            found.append(len(values))
    return max(found)


def read_strata(paths: list[str]) -> dict[str, Stratum]:
    """The strata that the sweep noted, by path of the sheet.

    Raises ConfigError where it has not noted one of these paths.
    """
    found = known_strata()
    unknown = [path for path in paths if path not in found]
    if unknown:
        raise ConfigError(
            f"{STRATA} does not know {unknown[0]} ({len(unknown)} such paths), so nobody can say which exams are"
            " alike. Run `radparity sweep`, then call Snakemake again"
        )
    return found


def known_strata() -> dict[str, Stratum]:
    """The strata that the sweep has noted so far, by path of the sheet."""
    if not STRATA.is_file():
        return {}
    with STRATA.open(newline="", encoding="utf-8") as stream:
        rows = csv.DictReader(stream, delimiter="\t")
        return {row["path"]: Stratum(row["scanner"], row["year"], row["acquisitions"]) for row in rows}


def table(strata: dict[str, Stratum]) -> str:
    """The strata as tab-separated text."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(("path", *Stratum._fields))
    writer.writerows((path, *each) for path, each in strata.items())
    return text.getvalue()
