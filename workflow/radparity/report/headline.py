"""Headline: the numbers that the page's verdict and main tables stand on, as a small table to hold against others."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from radparity.ledger import digest_file
from radparity.release.fixed import path_of
from radparity.report.results import Results
from radparity.report.tables import missing

COLUMNS = ("name", "value", "source", "digest")
# Table to the columns that name its rows; the others are numbers, or words that follow from them.
TABLES = {"main": ("reference",), "equivalence": ("test",)}
FEW_TABLES = {"main": ("rater", "reference")}
"""The same of a study with one or two raters."""
WORDS = ("note", "claim", "detail", "estimand", "emptied_by", "role", "wilcoxon_method")


def headline(results: Results) -> str:
    """The headline numbers of all compared arms as tab-separated text, each with its file and that file's digest.

    The first row is the release that they belong to, with its digest; `none` without one, and of a pilot.
    """
    release = results.release if not results.pilot else None
    first = (
        ("release", release["name"], path_of(release["name"]), release["digest"]) if release else ("release", "none")
    )
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerows([COLUMNS, [*map(str, first), *[""] * (len(COLUMNS) - len(first))]])
    digests: dict[str, str] = {}
    for name, value, path in _numbers(results):
        if path not in digests:
            digests[path] = digest_file(Path(path))
        writer.writerow([name, value, path, digests[path]])
    return text.getvalue()


def _numbers(results: Results) -> Iterator[tuple[str, str, str]]:
    """Name, value and file of each number."""
    files = {(Path(path).parent.name, Path(path).stem): path for path in results.files.get("compare", [])}
    for path in results.files.get("fractions", []):
        arm = Path(path).parent.name
        yield f"{arm}, threshold, fraction", _said(results.fractions[arm]["fraction"]), path
    for arm in results.arms:
        for table, keys in (FEW_TABLES if results.few else TABLES).items():
            for row in results.table(table, arm).to_dict("records"):
                for column, value in row.items():
                    if column not in (*keys, *WORDS) and not missing(value):
                        named = " on ".join(str(row[key]) for key in keys)
                        yield f"{arm}, {table}, {named}, {column}", _said(value), files[arm, table]


def _said(value: object) -> str:
    """A whole number without its point, which a column with an empty cell gives it."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
