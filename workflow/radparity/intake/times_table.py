"""The table of times of NIfTI exams: which phase was acquired when, since their headers do not say."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from radparity.record import DataFault

COLUMNS = ("exam", "file", "phase", "seconds", "plane")
PLANES = ("sagittal", "coronal", "axial")
WANTED = "exam\tphase\tseconds"


@dataclass(frozen=True)
class TimeRow:
    """One phase of an exam: its number, its time in s from any origin, its file where the table names files, and the
    plane that the exam was acquired in where it says so."""

    phase: int
    seconds: float
    file: str | None = None
    plane: str | None = None


def read_times(path: Path, exam: str) -> list[TimeRow]:
    """The rows of one exam, in order of their phases. A row without an exam is for every exam that names the table.

    Raises DataFault `times_unusable` where the table or a row of it cannot be used, `times_missing` where no row is for
    this exam.
    """
    if not path.is_file():
        raise DataFault("times_unusable", f"{path.name}: no such table of times. Correct `times` in the exams sheet")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise _unusable(path, 1, "the table is not text in UTF-8. Save it as tab-separated text") from None
    reader = csv.DictReader(lines, delimiter="\t")
    columns = list(reader.fieldnames or [])
    missing = [name for name in ("phase", "seconds") if name not in columns]
    if not {"exam", "file"} & set(columns):
        missing.append("exam")
    strange = [name for name in columns if name not in COLUMNS]
    if missing or strange:
        said = ", ".join(
            [f"column '{c}' is missing" for c in missing] + [f"column '{c}' is not known" for c in strange]
        )
        raise _unusable(path, 1, f"{said}. Tabs separate columns; write the header:\n{WANTED}")
    rows = [_row(path, n, cells) for n, cells in enumerate(reader, start=2) if (cells.get("exam") or exam) == exam]
    if not rows:
        raise DataFault("times_missing", f"{path.name} has no row for exam {exam}. Add one for each of its phases")
    return sorted(rows, key=lambda row: row.phase)


def _row(path: Path, number: int, cells: dict[str, str | None]) -> TimeRow:
    phase, seconds, plane = (str(cells.get(key) or "").strip() for key in ("phase", "seconds", "plane"))
    if not phase.isdecimal():
        raise _unusable(path, number, f"'{phase}' is no number of a phase. Write 0, 1, 2 ...")
    try:
        time = float(seconds)
    except ValueError:
        time = math.nan
    if not math.isfinite(time):
        raise _unusable(path, number, f"'{seconds}' is no time. Write seconds, as 95.5")
    if plane and plane not in PLANES:
        raise _unusable(path, number, f"'{plane}' is no plane. Write sagittal, coronal or axial")
    return TimeRow(int(phase), time, (cells.get("file") or "").strip() or None, plane or None)


def _unusable(path: Path, row: int, why: str) -> DataFault:
    return DataFault("times_unusable", f"{path.name} row {row}: {why}")
