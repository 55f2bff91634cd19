"""What the last audit saw of each file, so that the next one reads only those that changed.

A file whose size, mtime, ctime and inode are those of then has the digest of then. The kernel sets ctime, so a file
changed under its old mtime is read again. Nothing here is a verdict: what is remembered is what the bytes were, and a
digest that does not fit the ledger is taken again from the bytes before anybody is told.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from threading import BoundedSemaphore
from typing import NamedTuple

from radparity.ledger import digest_file

FOLDER = Path(".radparity/audit")
# A file may change twice within one tick of the file system's clock; so what is this young is read again next time.
YOUNG_S = 2.0


class Line(NamedTuple):
    """One remembered file: size, mtime, ctime and inode; digest of its bytes; digest of its entry."""

    stat: str
    digest: str
    entry: str


class Stats:
    """The memory of one stage, a file of lines sealed with their digest; a broken seal is no memory at all."""

    def __init__(self, place: Path, hashing: BoundedSemaphore, full: bool = False) -> None:
        self.place, self.hashing, self.full = place, hashing, full
        self.read: list[str] = []
        self._before = _load(place)
        self._now: dict[str, Line] = {}

    def check(self, path: str, recorded: str, entry: str) -> tuple[bool, bool]:
        """Whether a file has its recorded digest, and whether its entry was changed without it being made again.

        entry: digest of the entry. A job gives each file that it makes a new inode, also where the bytes are the same.
        Raises OSError where the file cannot be read.
        """
        stat, young = _stat(path)
        before = self._before.get(path)
        known = before is not None and before.stat == stat
        digest = before.digest if before and known and not self.full else ""
        if digest != recorded:
            with self.hashing:
                digest = digest_file(Path(path))
            self.read.append(path)
        edited = bool(before and known and before.entry != entry)
        if not young and _stat(path)[0] == stat and path.isprintable():
            # The entry of then stays remembered: an edit is found by every audit after it.
            self._now[path] = Line(stat, digest, before.entry if before and edited else entry)
        return digest == recorded, edited

    def save(self) -> None:
        """Write what is remembered."""
        _save(self.place, self._now)


def forget(place: Path, paths: Collection[str]) -> None:
    """Remember nothing of some files: of a faulty one it is not known whether file or entry is what it was."""
    lines = _load(place)
    if not lines.keys().isdisjoint(paths):
        _save(place, {path: line for path, line in lines.items() if path not in paths})


def _save(place: Path, lines: Mapping[str, Line]) -> None:
    """Write lines with their seal, whole or not at all."""
    text = "".join(f"{path}\t{line.stat}\t{line.digest}\t{line.entry}\n" for path, line in sorted(lines.items()))
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_name(f".writing-{place.name}")
    temporary.write_text(text + _seal(text), encoding="utf-8")
    os.replace(temporary, place)


def _stat(path: str) -> tuple[str, bool]:
    found = os.stat(path)
    young = time.time() - found.st_ctime < YOUNG_S
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}", young


def _seal(lines: str) -> str:
    return hashlib.sha256(lines.encode()).hexdigest() + "\n"


def _load(place: Path) -> dict[str, Line]:
    try:
        text = place.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return {}
    cut = text.rstrip("\n").rfind("\n") + 1
    if _seal(text[:cut]) != text[cut:]:
        return {}
    rows = (line.split("\t") for line in text[:cut].splitlines())
    return {path: Line(*fields) for path, *fields in rows}
