"""Numbers: the headline numbers of a release, kept beside it, since results/ holds those of one study at a time."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import NamedTuple

from radparity import ledger
from radparity.record import read
from radparity.release.fixed import RELEASES, path_of

HEADLINE = Path("results/report/headline.tsv")


class Number(NamedTuple):
    """A headline number: its value as the table has it, the file it is from, and that file's digest."""

    value: str
    source: str
    digest: str


def numbers_of(release: str) -> dict[str, Number] | None:
    """Name to number, in the order of the page; None where no report of this release was kept."""
    path = RELEASES / f"{release}.numbers.tsv"
    return read_numbers(path) if path.is_file() else None


def read_numbers(path: Path) -> dict[str, Number]:
    """A table of headline numbers; its first row is the release."""
    with path.open(newline="", encoding="utf-8") as stream:
        rows = csv.DictReader(stream, delimiter="\t")
        return {row["name"]: Number(row["value"], row["source"], row["digest"]) for row in rows}


def keep_numbers() -> Path | None:
    """Copy the numbers of the report that stands under results/ beside the release that it was made of.

    Returns where they are; None where there is no report, it is of no release (or of another that had the same name),
    or it is not what its ledger entry says.
    """
    if not HEADLINE.is_file():
        return None
    first = read_numbers(HEADLINE).get("release")
    if first is None or first.value == "none" or not _is_of(first):
        return None
    try:
        whole = read(ledger.sidecar(HEADLINE))["sha256"] == ledger.digest_file(HEADLINE)
    except (OSError, ValueError, KeyError):
        return None
    if not whole:
        return None
    path = RELEASES / f"{first.value}.numbers.tsv"
    temporary = path.with_name(".writing-" + path.name)
    temporary.write_bytes(HEADLINE.read_bytes())
    os.replace(temporary, path)
    return path


def _is_of(first: Number) -> bool:
    path = path_of(first.value)
    return path.is_file() and f" {first.digest}\n" in path.open(encoding="utf-8").readline()
