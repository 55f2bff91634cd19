"""Download of one exam: listing, comparison with the sheet, objects several at once, and the note at the end."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from radparity.download.fetch import fetch, standing
from radparity.download.note import WRITING, Arrived, Note, read_note, sync, write_note
from radparity.download.options import Options
from radparity.download.store import Gone, Listed, Store
from radparity.download.wanted import MEGABYTE, Wanted
from radparity.intake.source import below
from radparity.ledger import digest_file
from radparity.record import DataFault

OBJECT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
NEWER = "Make the sheet of series from a newer index"
# A fetch that would leave less than this on the disk is not begun: logs and records need room too.
LEFT_FREE = 10 * MEGABYTE
Job = tuple[Wanted, Listed]


def download_exam(
    raw: Path, rows: Sequence[Wanted], options: Options, tell: Callable[[str], None] = lambda line: None
) -> dict[str, Any]:
    """Fetch what the rows of one exam announce and is not there yet; returns the facts for its record.

    Where all of it lies there as it came the store is not asked: an exam once fetched needs no internet any more.

    Raises DataFault where the store does not have what is announced, or other bytes; StoreError where it does not
    serve; OSError where the disk does not take it, or other files lie in the exam's folder. What has come stays.
    """
    exam, store = raw / rows[0].exam, Store(options)
    before = read_note(exam)
    if before and _lies_there(exam, rows, before):
        return _facts(rows, before.objects)
    listed = {row: _listing(store, row) for row in rows}
    for row in rows:
        (raw / row.path).mkdir(parents=True, exist_ok=True)
    _clear(exam, listed, before)
    noted = before.files if before else {}
    jobs = [(row, one) for row, found in listed.items() for one in found]
    with ThreadPoolExecutor(options.at_once) as pool:
        there = pool.map(lambda job: standing(raw / job[0].path / job[1].name, job[1], noted.get(_key(job))), jobs)
        arrived = {_key(job): found for job, found in zip(jobs, there, strict=True) if found}
    todo = [job for job in jobs if _key(job) not in arrived]
    if todo:
        size = sum(one.size for _, one in todo)
        _check_room(exam, size)
        tell(f"{len(todo)} of {len(jobs)} files to fetch, {size / MEGABYTE:.1f} MB")
        arrived |= _fetch_all(store, raw, todo)
    _check_series(raw, listed)
    for row in rows:
        sync(raw / row.path)
    objects = {row.folder: {one.name: arrived[_key((row, one))] for one in listed[row]} for row in rows}
    write_note(exam, Note({row.folder: row.address for row in rows}, objects))
    return _facts(rows, objects)


def _lies_there(exam: Path, rows: Sequence[Wanted], note: Note) -> bool:
    """Whether the note is of what the rows announce, and the exam's folder holds that and nothing else."""
    if note.addresses != {row.folder: row.address for row in rows}:
        return False
    for row in rows:
        own = note.objects[row.folder].values()
        if len(own) != row.files or not row.fits(sum(one.bytes for one in own)):
            return False
    noted = note.files
    there = {Path(entry.path).relative_to(exam).as_posix(): Path(entry.path) for entry in below(exam)}
    return there.keys() == noted.keys() and all(digest_file(path) == noted[n].sha256 for n, path in there.items())


def _key(job: Job) -> str:
    return f"{job[0].folder}/{job[1].name}"


def _listing(store: Store, row: Wanted) -> list[Listed]:
    """The objects of a series, as many and as large as the sheet says."""
    try:
        found = [one for one in store.listing(row) if one.name]
    except Gone:
        found = []
    if not found:
        raise DataFault("download_missing", f"{row.path}: the store holds nothing at its address. {NEWER}")
    if len(found) != row.files or not all(OBJECT.fullmatch(one.name) for one in found):
        raise DataFault(
            "download_count",
            f"{row.path}: the store holds {len(found)} objects at its address, the sheet says {row.files}. {NEWER}",
        )
    size = sum(one.size for one in found)
    if not row.fits(size):
        raise DataFault(
            "download_size", f"{row.path}: the store holds {size:,} bytes, the sheet says {row.size:,}. {NEWER}"
        )
    return found


def _clear(exam: Path, listed: Mapping[Wanted, Sequence[Listed]], before: Note | None) -> None:
    """Remove what an earlier try left half-written, and what the note says was fetched and is not wanted any more."""
    wanted = {f"{row.folder}/{one.name}" for row, found in listed.items() for one in found}
    strange = 0
    for path in (Path(entry.path) for entry in below(exam)):
        name = path.relative_to(exam).as_posix()
        if path.name.startswith(WRITING) or (before and name in before.files and name not in wanted):
            path.unlink()
        elif name not in wanted:
            strange += 1
    if strange:
        raise FileExistsError(
            f"{strange} files that the store does not have lie in {exam.name}, and would be taken for images of the"
            " exam. Move them away, then call Snakemake again"
        )


def _check_room(exam: Path, size: int) -> None:
    free = shutil.disk_usage(exam).free
    if size + LEFT_FREE > free:
        said = f"{size / MEGABYTE:,.1f} MB are to be fetched for {exam.name} and {free / MEGABYTE:,.1f} MB are free"
        raise OSError(errno.ENOSPC, said, str(exam.parent))


def _fetch_all(store: Store, raw: Path, todo: Sequence[Job]) -> dict[str, Arrived]:
    """Fetch objects side by side; after the first that fails none is begun any more."""
    with ThreadPoolExecutor(store.options.at_once) as pool:
        running = {pool.submit(fetch, store, row, one, raw / row.path / one.name): (row, one) for row, one in todo}
        try:
            return {_key(running[done]): done.result() for done in as_completed(running)}
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise OSError(error.errno, "the disk of the raw data is full", str(raw)) from error
            raise


def _check_series(raw: Path, listed: Mapping[Wanted, Sequence[Listed]]) -> None:
    """Whether the first image of each series says that it is of that series; what has no header says nothing.

    A series that is another one goes again: it would lie in the way of the right one.
    """
    import pydicom
    from pydicom.errors import InvalidDicomError

    wrong = []
    for row, found in listed.items():
        image = raw / row.path / found[0].name
        try:
            data = pydicom.dcmread(image, stop_before_pixels=True, specific_tags=["SeriesInstanceUID"])
        except InvalidDicomError:
            continue
        if str(data.get("SeriesInstanceUID", row.series)) != row.series:
            shutil.rmtree(image.parent)
            wrong.append(row.path)
    if wrong:
        raise DataFault(
            "download_series",
            f"{', '.join(wrong)}: the images at the address are of another series than the sheet says. Correct it",
        )


def _facts(rows: Sequence[Wanted], objects: Mapping[str, Mapping[str, Arrived]]) -> dict[str, Any]:
    """Of each series how much came, without anything that names the source."""
    series = [
        {
            "role": row.role,
            "path": row.path,
            "files": len(objects[row.folder]),
            "bytes": sum(one.bytes for one in objects[row.folder].values()),
            "verified_by_size_only": sum(one.verified == "size" for one in objects[row.folder].values()),
        }
        for row in rows
    ]
    return {"files": sum(row.files for row in rows), "series": series}
