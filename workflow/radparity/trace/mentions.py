"""Which files name somebody, in their text; and sheets without somebody's rows."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from radparity.provenance import AT_ONCE, ahead

# What a result's text is written in. Other kinds of files (volumes, weights, pictures) are found by what they were made
# from, since they may name a case in ways that no search sees.
TEXT = (".json", ".tsv", ".csv", ".html", ".svg", ".txt", ".md", ".log", ".yaml", ".py")
LARGE = 64 * 2**20


def words(names: Iterable[str]) -> re.Pattern[bytes]:
    """What finds any of some ids or paths as a whole word: E1 is not in E12, nor in E1-B; it is in outlines/E1_R2."""
    found = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<![A-Za-z0-9-])(?:{found})(?![A-Za-z0-9-])".encode())


def naming(
    paths: Collection[Path], wanted: re.Pattern[bytes], show: Callable[[int, int], None] = lambda done, total: None
) -> Iterator[Path]:
    """Those of some files whose bytes hold what is wanted. show: progress."""

    def look(path: Path) -> bool:
        try:
            return path.stat().st_size <= LARGE and wanted.search(path.read_bytes()) is not None
        except OSError:
            return False

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number, (path, found) in enumerate(zip(paths, ahead(pool, look, paths), strict=True), start=1):
            show(number, len(paths))
            if found:
                yield path


def rows_without(path: Path, gone: Callable[[dict[str, str]], bool]) -> tuple[str, list[int]]:
    """A tab-separated sheet without some of its rows, every other byte as it was; and the numbers of those rows.

    gone: whether a row goes, by its cells. The header is row 1, as in the messages about sheets.
    """
    with path.open(newline="", encoding="utf-8") as stream:
        lines = list(stream)
    reader = csv.reader(iter(lines), delimiter="\t")
    columns = [name.removeprefix("\ufeff") for name in next(reader, [])]
    kept, removed, before = lines[: reader.line_num], [], reader.line_num
    for number, row in enumerate((row for row in reader), start=2):
        own, before = lines[before : reader.line_num], reader.line_num
        if row and gone(dict(zip(columns, row, strict=False))):
            removed.append(number)
        else:
            kept += own
    return "".join(kept), removed


def about(columns: Collection[str], names: Collection[str]) -> Callable[[dict[str, str]], bool]:
    """Whether a row has one of some names in one of some columns."""
    return lambda row: any(row.get(column, "") in names for column in columns)
