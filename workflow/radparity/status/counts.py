"""How many cases of each stage are done: from the records, of which only what is needed is read."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from radparity.status.stages import Part

TAIL = 16384  # bytes: a record's status stands near its end, below the long lists
OK, EXCLUDED = b'\n "status": "ok"', b'\n "status": "excluded"'
AT_ONCE = 256
READERS = 16  # a network file system answers many at a time


@dataclass(frozen=True)
class Count:
    """A part's cases (or study-wide results): done, excluded (here: at this very stage), waiting, failed."""

    part: Part
    done: int
    excluded: int
    here: int
    waiting: int
    failed: int


def count(found: Iterable[Part], failed: Mapping[tuple[str, str], Collection[str]]) -> list[Count]:
    """The counts of every part.

    failed: stage and harmonization or arm (empty where the stage has none) to the cases, or results, whose job failed.
    A case whose record is there does not count as failed.
    """
    with ThreadPoolExecutor(READERS) as pool:
        return [_count(part, failed.get((part.stage, part.of), ()), pool) for part in found]


def _count(part: Part, failed: Collection[str], pool: ThreadPoolExecutor) -> Count:
    if part.files:
        there = {path.as_posix() for path in part.files if path.is_file()}
        bad = len({path.as_posix() for path in part.files} & set(failed) - there)
        return Count(part, len(there), 0, 0, len(part.files) - len(there) - bad, bad)
    begun = _names(part.folder)
    cases = [case for case in part.cases if case in begun]
    folder, name = part.folder.as_posix(), f"{part.stage}.json"
    blocks = [cases[first : first + AT_ONCE] for first in range(0, len(cases), AT_ONCE)]
    found = pool.map(lambda block: [status(f"{folder}/{case}/{name}") for case in block], blocks)
    said = dict(zip(cases, chain.from_iterable(found), strict=True))
    counts = Counter(said.values())
    excluded = sum(n for text, n in counts.items() if text not in ("ok", ""))
    bad = sum(1 for case in set(failed) & set(part.cases) if not said.get(case))
    waiting = len(part.cases) - counts["ok"] - excluded - bad
    return Count(part, counts["ok"], excluded, counts[part.stage], waiting, bad)


def _names(folder: Path) -> set[str]:
    try:
        with os.scandir(folder) as found:
            return {entry.name for entry in found}
    except (FileNotFoundError, NotADirectoryError):
        return set()


def status(record: str | Path) -> str:
    """`ok`, or the stage that excluded the case; empty where there is no whole record."""
    try:
        # A file object would take as long as the reading.
        descriptor = os.open(record, os.O_RDONLY)
        try:
            size = os.fstat(descriptor).st_size
            text = os.pread(descriptor, TAIL, max(0, size - TAIL))
            if OK in text:
                return "ok"
            if size > TAIL or EXCLUDED in text:
                text = os.pread(descriptor, size, 0)
        finally:
            os.close(descriptor)
        if OK in text:
            return "ok"
        return str(json.loads(text)["stage"]) if EXCLUDED in text else ""
    except (OSError, ValueError, KeyError):
        return ""
