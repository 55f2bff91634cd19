"""The index of a raw folder: one row a file, on disk, so that neither headers nor paths have to fit in memory.

It is a SQLite file beside the crosswalk (it holds patient ids, so its mode is 600). A later draft reads only the files
whose size, mtime or ctime changed, an interrupted one goes on where it was. It can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from radparity.config import ConfigError
from radparity.draft.find import Found, Image, Series, read_files
from radparity.draft.private import folder, guard
from radparity.intake.source import LIST_SUFFIX, below

OURS = "radparity"  # the folder below raw that holds the lists and what was unpacked
VERSION = 1  # of the tables and of what `find` reads; another one begins the index anew
TOGETHER = 100  # files a task: long enough to be worth sending, short enough for steady progress
AHEAD = 8  # tasks under way for each worker
Item = TypeVar("Item")

TABLES = f"""
CREATE TABLE walked(path BLOB PRIMARY KEY, size INT, mtime INT, ctime INT) WITHOUT ROWID;
CREATE TABLE file(path BLOB PRIMARY KEY, size INT, mtime INT, ctime INT, kind TEXT, note TEXT, key BLOB,
                  {", ".join(Image._fields)}) WITHOUT ROWID;
CREATE TABLE series(key BLOB PRIMARY KEY, {", ".join(Series._fields)}) WITHOUT ROWID;
CREATE TABLE raw(folder TEXT);
CREATE INDEX file_key ON file(key);
CREATE INDEX file_sop ON file(sop);
CREATE INDEX file_kind ON file(kind) WHERE kind <> 'image';
CREATE INDEX series_patient ON series(patient_id, issuer, date);
CREATE INDEX series_study ON series(study);
"""


class Index:
    """The index of one raw folder. Use as a context manager: one draft at a time."""

    def __init__(self, path: Path, raw: Path) -> None:
        guard(path)
        folder(path.parent)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self.raw = raw
        self.base = sqlite3.connect(path, isolation_level=None, timeout=2)
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            self.base.close()
            raise ConfigError(
                f"{path} cannot be used ({error}). If no other draft is running, delete it: it is made again"
            ) from None

    def _open(self) -> None:
        """Lock the index for this draft, and begin it anew where it is another folder's or an older version's."""
        self.base.execute("PRAGMA locking_mode=EXCLUSIVE")
        self.base.execute("PRAGMA synchronous=OFF")  # lost in a power cut, it is made again
        self.base.execute("BEGIN IMMEDIATE")
        known = self.base.execute("PRAGMA user_version").fetchone()[0] == VERSION
        if not known or self.ask("SELECT folder FROM raw")[:1] != [(str(self.raw.resolve()),)]:
            for (name,) in self.ask("SELECT name FROM sqlite_master WHERE type='table'"):
                self.base.execute(f"DROP TABLE {name}")
            for statement in TABLES.split(";"):
                self.base.execute(statement)
            self.base.execute("INSERT INTO raw VALUES (?)", (str(self.raw.resolve()),))
            self.base.execute(f"PRAGMA user_version={VERSION}")
        self.base.execute("COMMIT")

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.base.close()

    def ask(self, question: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query; for those whose answer is small."""
        return self.base.execute(question, tuple(values)).fetchall()

    def each(self, question: str, values: Iterable[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a query one by one."""
        yield from self.base.cursor().execute(question, tuple(values))

    def update(self, workers: int, progress: Callable[[int, int], None] | None = None) -> int:
        """Walk the raw folder and read what is new or changed. Returns how many files were read."""
        self.base.execute("BEGIN")
        self.base.execute("DELETE FROM walked")
        for rows in _groups(self._walk(), 10_000):
            self.base.executemany("INSERT INTO walked VALUES (?,?,?,?)", rows)
        self.base.execute("DELETE FROM file WHERE NOT EXISTS (SELECT 1 FROM walked w WHERE w.path=file.path)")
        self.base.execute("COMMIT")
        fresh = (
            "FROM walked w LEFT JOIN file f ON f.path=w.path AND f.size=w.size AND f.mtime=w.mtime AND f.ctime=w.ctime"
            " WHERE f.path IS NULL"
        )
        total = self.ask(f"SELECT COUNT(*) {fresh}")[0][0]
        done = 0
        # A page of paths at a time: what is read is written before the next page is asked for.
        while page := [os.fsdecode(p) for (p,) in self.ask(f"SELECT w.path {fresh} ORDER BY w.path LIMIT 100000")]:
            for found in _parallel(str(self.raw), page, workers):
                self._store(found)
                done += len(found)
                if progress:
                    progress(done, total)
        self.base.execute("DELETE FROM series WHERE NOT EXISTS (SELECT 1 FROM file f WHERE f.key=series.key)")
        return done

    def zips(self) -> dict[str, str]:
        """The zip archives: path to the digest of its bytes, empty where it is not known yet."""
        return {
            os.fsdecode(p): note for p, note in self.ask("SELECT path, note FROM file WHERE kind='zip' ORDER BY path")
        }

    def keep_digests(self, digests: dict[str, str]) -> None:
        """Remember digests of archives until their bytes change."""
        rows = [(digest, os.fsencode(path)) for path, digest in digests.items()]
        self.base.executemany("UPDATE file SET note=? WHERE path=?", rows)

    def _walk(self) -> Iterator[tuple[bytes, int, int, int]]:
        """Path, size, mtime and ctime of every file, our own lists left out."""
        for entry in below(self.raw):
            path = os.path.relpath(entry.path, self.raw)
            parts = Path(path).parts
            if parts[0] == OURS and (parts[1] != "unpacked" or parts[2].startswith(".writing")):
                continue
            if path.endswith(LIST_SUFFIX):
                continue
            try:
                stat = entry.stat()
            except FileNotFoundError:  # a link to nowhere: reading it will say so
                yield os.fsencode(path), -1, 0, 0
                continue
            yield os.fsencode(path), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns

    def _store(self, found: list[Found]) -> None:
        self.base.execute("BEGIN")
        for one in found:
            key = None
            if one.series is not None:
                key = hashlib.blake2b(repr(one.series).encode(errors="surrogateescape"), digest_size=16).digest()
                self._put("INSERT OR IGNORE INTO series", (key, *one.series))
            path = os.fsencode(one.path)
            stat = self.ask("SELECT size, mtime, ctime FROM walked WHERE path=?", (path,))[0]
            image = one.image or (None,) * len(Image._fields)
            self._put("INSERT OR REPLACE INTO file", (path, *stat, one.kind, one.note, key, *image))
        self.base.execute("COMMIT")

    def _put(self, statement: str, values: tuple[Any, ...]) -> None:
        self.base.execute(f"{statement} VALUES ({','.join('?' * len(values))})", values)


def _groups(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    source = iter(items)
    while group := list(islice(source, size)):
        yield group


def _parallel(raw: str, paths: list[str], workers: int) -> Iterator[list[Found]]:
    """What each file is, in groups, in order; reading is the processor's work, so processes and not threads."""
    groups = _groups(paths, TOGETHER)
    if workers <= 1 or len(paths) <= TOGETHER:
        yield from (read_files(raw, group) for group in groups)
        return
    # Spawned, not forked: a fork would carry the open index into the workers.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        under_way: deque[Future[list[Found]]] = deque()
        for group in groups:
            under_way.append(pool.submit(read_files, raw, group))
            if len(under_way) >= AHEAD * workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
