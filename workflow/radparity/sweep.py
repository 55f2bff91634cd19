"""The sweep over the raw data: one content digest for each path that the sheets name.

Runs before the Snakefile is parsed. It looks at the size, mtime and ctime of every file and reads only those paths
where one of them changed, so content replaced under an older mtime is seen and a touched file costs one reading and
no rerun. The digest goes into the params of the rules that read the raw data. A path is a folder, a file, or a list
of files (`E0012.files`); of a list, the list itself and every file it names are looked at. A path that is still to be
downloaded has the digest of what is announced of it, and keeps that while it lies there as it came.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from radparity.config import ConfigError
from radparity.download.announced import Announced, as_arrived
from radparity.download.note import missing
from radparity.draft.identity import refuse_identifying_paths
from radparity.intake.source import below, is_list, listed
from radparity.ledger import digest_file
from radparity.masks.study import MasksStudy
from radparity.strata import STRATA, Stratum, known_strata, stratum, table, to_come
from radparity.study import Study
from radparity.swept import DIGESTS

STATS = Path(".radparity/stat.json")
SAVE_EVERY = 200  # readings: a sweep over terabytes that is interrupted goes on from there
MISSING = "missing"


class Seen(NamedTuple):
    """One path of the sheets: its digests, whether it was read, the names under it that are not there, its bytes, and
    of an exam its stratum."""

    path: str
    stat: str
    content: str
    was_read: bool
    gone: list[str]
    size: int
    stratum: Stratum | None = None


def fingerprint(root: Path, raw: Path | None = None) -> str:
    """Digest of names, sizes, mtimes and ctimes under a path; `missing` where there is nothing.

    raw: the folder that the lines of a list are relative to. Names are relative, so the digest moves with the data.
    """
    return _stats(root, raw)[0]


def _stats(root: Path, raw: Path | None) -> tuple[str, list[str], int]:
    """The fingerprint of a path, the names under it that are not there (of a list, links), its bytes."""
    whole, gone, empty, size = hashlib.sha256(), [], True, 0
    for name, path in _files(root, raw):
        found = _stat(path)
        whole.update(f"{name} {found}\n".encode(errors="surrogateescape"))
        empty = False
        if found == MISSING:
            gone.append(name)
        else:
            size += int(found.split()[0])
    if is_list(root):
        whole.update(f"list {_stat(root)}\n".encode())
    elif empty:
        return MISSING, gone, 0
    return whole.hexdigest(), gone, size


def content(root: Path, raw: Path | None = None) -> str:
    """Digest of names and bytes under a path; `missing` where there is nothing.

    The files of a list are named by their line, as in the records: a file that moved and whose line followed it is
    the same exam, two lines that changed places are not.
    """
    return _digest([(name, _bytes(path)) for name, path in _files(root, raw)])


def _digest(there: list[tuple[str, str]]) -> str:
    """Digest of files by name and SHA-256."""
    if not there:
        return MISSING
    lines = [f"{name} {sha256}" for name, sha256 in there]
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()


def glanced(raw: Path, path: str, announced: Announced) -> tuple[str, list[str], int]:
    """The fingerprint of a path of the sheets, the names under it that are not there, its bytes.

    Of a download: names that came and are not there any more, and the bytes that are announced, come or not.
    """
    seen, gone, size = _stats(raw / path, raw)
    if path not in announced:
        return seen, gone, size
    note, arrived = announced.note(raw, path), announced.arrived(raw, path) or {}
    seen = f"{seen}, note {_stat(note)}, announced {announced.digest(path)}"
    return seen, missing(raw / path, list(arrived)), announced.bytes(path)


def digest(raw: Path, path: str, announced: Announced) -> str:
    """The digest of a path of the sheets: of its content, or of what is announced as long as no other file is there."""
    if path not in announced:
        return content(raw / path, raw)
    arrived = announced.arrived(raw, path)
    if arrived is None:  # nothing there, or a download that is not finished
        return announced.digest(path)
    there = [(name, _bytes(file)) for name, file in _files(raw / path, raw)]
    return announced.digest(path) if as_arrived(dict(there), arrived) else _digest(there)


def _files(root: Path, raw: Path | None) -> Iterator[tuple[str, str | None]]:
    """Names and paths of the files under a path, in order; None for a line that leads out of the raw folder."""
    if is_list(root):
        raw = raw or root.parent
        for line, path in listed(raw, root.relative_to(raw).as_posix()).items():
            yield line, None if path is None else str(path)
    elif root.is_file():
        yield ".", str(root)
    else:
        for entry in below(root):
            yield os.path.relpath(entry.path, root), entry.path


def _stat(path: str | Path | None) -> str:
    try:
        found = os.stat(path) if path is not None else None
    except (FileNotFoundError, NotADirectoryError):
        found = None
    if found is None or not stat.S_ISREG(found.st_mode):
        return MISSING
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


def _bytes(path: str | None) -> str:
    try:
        return MISSING if path is None else digest_file(Path(path))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return MISSING


def _look(raw: Path, path: str, before: list[str] | None, announced: Announced) -> Seen:
    """One path: its fingerprint, and its content where the fingerprint is new."""
    try:
        stat, gone, size = glanced(raw, path, announced)
        if before and before[0] == stat:
            return Seen(path, stat, before[1], False, gone, size)
        found = digest(raw, path, announced)
        # A file written to while it was read: the digest may be of a mixture, so the next sweep reads it again.
        after, _, _ = glanced(raw, path, announced)
        return Seen(path, stat if after == stat else "changing", found, True, gone, size)
    except PermissionError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}. Give yourself the right to read it") from None


def sweep(
    study: Study | MasksStudy,
    workers: int,
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> dict[str, int]:
    """Bring the table of digests up to date.

    Returns how many paths were looked at, read, changed, missing, and incomplete (they name files that are not there:
    lines of a list, links; `tell` gets a sentence for each). Raises ConfigError, before it writes anything under
    results/, where a path of the sheets holds what identifies the patient.
    """
    raw = Path(study.config.raw)
    stats: dict[str, list[str]] = json.loads(STATS.read_text()) if STATS.is_file() else {}
    paths = study.raw_paths()
    exams, announced = set[str](), study.announced
    if isinstance(study, Study):  # masks have no header that could say whose they are, or how they were acquired
        refuse_identifying_paths(study, workers)
        exams = {row.folder for row in study.exams.values()}
    before, strata = known_strata(), {}

    def one(path: str) -> Seen:
        seen = _look(raw, path, stats.get(f"{study.config.raw}/{path}"), announced)
        if path not in exams:
            return seen
        if path in announced and isinstance(study, Study):
            return seen._replace(stratum=to_come(study, path))
        return seen._replace(stratum=stratum(raw, path) if seen.was_read or path not in before else before[path])

    counts = {"looked at": 0, "read": 0, "changed": 0, "missing": 0, "incomplete": 0}
    rows: list[tuple[str, str, int]] = []
    with ThreadPoolExecutor(workers) as pool:
        for seen in pool.map(one, paths):
            key = f"{study.config.raw}/{seen.path}"
            counts["looked at"] += 1
            counts["read"] += seen.was_read
            counts["changed"] += key in stats and stats[key][1] != seen.content
            counts["missing"] += seen.content == MISSING
            counts["incomplete"] += bool(seen.gone)
            if seen.gone and tell:
                lines = ", ".join(seen.gone[:3]) + (" ..." if len(seen.gone) > 3 else "")
                back = [f"radparity redo download {exam}" for exam in announced.owners(seen.path)]
                mend = f"Fetch them again: {back[0]}" if back else "Bring them back"
                tell(f"{seen.path}: {len(seen.gone)} files are not there ({lines}). {mend}")
            stats[key] = [seen.stat, seen.content]
            rows.append((seen.path, seen.content, seen.size))
            if seen.stratum is not None:
                strata[seen.path] = seen.stratum
            if seen.was_read and counts["read"] % SAVE_EVERY == 0:
                _write(STATS, json.dumps(stats, sort_keys=True, indent=0))
            if progress:
                progress(counts["looked at"], len(paths))
    _write(STATS, json.dumps(stats, sort_keys=True, indent=0))
    os.utime(STATS)  # `radparity why` says when the last sweep was, also where it found nothing new
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerows([("path", "digest", "bytes"), *rows])
    _write(DIGESTS, text.getvalue())
    if exams:
        _write(STRATA, table(strata))
    return counts


def _write(path: Path, text: str) -> None:
    """Write whole or not at all; leave the file alone where nothing changed."""
    if path.is_file() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(".writing-" + path.name)
    temporary.write_text(text)
    os.replace(temporary, path)
