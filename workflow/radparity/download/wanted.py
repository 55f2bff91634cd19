"""What is to be fetched: the rows of the series sheet as the jobs and the sweep need them."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

MEGABYTE = 1_000_000
ROUNDED = 10_000
"""Bytes by which a size in MB with two decimals may differ from the sum of the objects."""


class Wanted(NamedTuple):
    """One series: its exam and role, where it lands (relative to the raw folder), where it lies in the store.

    files: its number of objects. size: their bytes together. exact: whether that is to the byte, or of MB with two
    decimals. series: its SeriesInstanceUID, which no result may hold.
    """

    exam: str
    role: str
    path: str
    address: str
    files: int
    size: int
    exact: bool
    series: str

    @property
    def folder(self) -> str:
        """Where it lands within the folder of its exam."""
        return self.path.partition("/")[2]

    def fits(self, size: int) -> bool:
        """Whether so many bytes can be what is announced."""
        return abs(size - self.size) <= (0 if self.exact else ROUNDED)

    @property
    def bucket(self) -> str:
        """The part of the store that it lies in."""
        return self.address.removeprefix("s3://").partition("/")[0]

    @property
    def prefix(self) -> str:
        """What the names of its objects begin with, there."""
        return self.address.removeprefix("s3://").partition("/")[2]


def wanted(cells: Mapping[str, str]) -> Wanted:
    """A row of the sheet, by column name, empty cells left out or empty."""
    exact = bool(cells.get("bytes"))
    size = int(cells["bytes"]) if exact else round(float(cells["megabytes"]) * MEGABYTE)
    own = {name: cells[name] for name in ("exam", "role", "path", "address", "series")}
    return Wanted(**own, files=int(cells["files"]), size=size, exact=exact)


def of_exam(sheet: Path, exam: str) -> list[Wanted]:
    """The rows of one exam, in order of path. The sheet was checked when the study was read."""
    with sheet.open(newline="", encoding="utf-8-sig") as stream:
        rows = [row for row in csv.DictReader(stream, delimiter="\t") if row["exam"] == exam]
    return sorted(map(wanted, rows), key=lambda row: row.path)


def digest(rows: Iterable[Wanted]) -> str:
    """SHA-256 of what is announced: the address, number and size of each series, and its place within the exam."""
    lines = sorted(f"{row.folder} {row.address} {row.files} {row.size}" for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
