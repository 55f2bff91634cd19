"""One object: fetched under a temporary name, verified, kept by the disk, and only then given its own name."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from radparity.download.note import WRITING, Arrived
from radparity.download.store import Broken, Gone, Listed, Store, StoreError
from radparity.download.wanted import Wanted
from radparity.record import DataFault

FIRST_WAIT, LONGEST_WAIT = 0.1, 15.0  # seconds before an object is tried again: doubled each time


def fetch(store: Store, series: Wanted, one: Listed, final: Path) -> Arrived:
    """Fetch an object to its place.

    Raises DataFault where the store does not have it any more, or its bytes are not those of its checksum or size at
    any of the tries; StoreError where the store does not serve; OSError where the disk does not take it.
    """
    written = final.with_name(WRITING + final.name)
    said = ""
    try:
        for number in range(store.options.retries + 1):
            if number:
                time.sleep(min(LONGEST_WAIT, FIRST_WAIT * 2 ** (number - 1)))
            try:
                arrived, md5 = _write(store, series, one, written)
            except Broken as error:
                said = str(error)
                continue
            if arrived.bytes == one.size and one.md5 in (None, md5):
                os.replace(written, final)
                return arrived
            said = ""
    except Gone:
        raise DataFault(
            "download_missing",
            f"an object of {series.path} that the store lists is not there. Make the sheet of series from a newer"
            " index",
        ) from None
    finally:
        written.unlink(missing_ok=True)
    if said:
        raise StoreError(
            f"{store.options.endpoint}: the body of an object of {series.path} broke off at each of"
            f" {store.options.retries + 1} tries ({said}). Look at the connection of this machine; then call Snakemake"
            " again: what has come stays"
        )
    raise DataFault(
        "download_checksum",
        f"an object of {series.path} came {store.options.retries + 1} times with other bytes than the store's checksum"
        " and size say. Try again later: radparity redo download " + series.exam,
    )


def _write(store: Store, series: Wanted, one: Listed, written: Path) -> tuple[Arrived, str]:
    """The body under its temporary name, on the disk; what arrived, and its MD5."""
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    with written.open("wb") as stream:
        for piece in store.body(series, one.name):
            stream.write(piece)
            md5.update(piece)
            sha256.update(piece)
            size += len(piece)
        stream.flush()
        os.fsync(stream.fileno())
    return Arrived(size, sha256.hexdigest(), one.etag, "md5" if one.md5 else "size"), md5.hexdigest()


def standing(final: Path, one: Listed, before: Arrived | None) -> Arrived | None:
    """What arrived of an object that lies there whole; None where it has to be fetched.

    before: what the exam's note says of it. Without a note a file under its own name was verified when it came, and
    its bytes are compared with the checksum again.
    """
    try:
        if final.stat().st_size != one.size:
            return None
    except FileNotFoundError:
        return None
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with final.open("rb") as stream:
        while piece := stream.read(2**20):
            md5.update(piece)
            sha256.update(piece)
    found = Arrived(one.size, sha256.hexdigest(), one.etag, "md5" if one.md5 else "size")
    if one.md5 not in (None, md5.hexdigest()):
        return None
    return found if one.md5 or before is None or before == found else None
