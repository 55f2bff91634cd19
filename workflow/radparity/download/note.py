"""The note beside a downloaded exam: every object with what was verified of it on arrival.

It is written when the last object has come, whole or not at all; an exam without one is a download that is not
finished. What is verified later is compared with it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

NOTE = ".download.json"
WRITING = ".writing-"


class Arrived(NamedTuple):
    """One object: its bytes, their SHA-256, the store's ETag, and what the store's word could be checked by.

    An ETag that is no MD5 (of an object that was put there in parts) leaves the size alone.
    """

    bytes: int
    sha256: str
    etag: str
    verified: Literal["md5", "size"]


class Note(NamedTuple):
    """addresses: folder of a series within its exam to its address. objects: the same to name to what arrived."""

    addresses: dict[str, str]
    objects: dict[str, dict[str, Arrived]]

    @property
    def files(self) -> dict[str, Arrived]:
        """Path within the exam to what arrived."""
        return {f"{folder}/{name}": one for folder, own in self.objects.items() for name, one in own.items()}


def read_note(exam: Path) -> Note | None:
    """The note of an exam's folder; None where there is none, or none that can be read."""
    try:
        series = json.loads((exam / NOTE).read_text(encoding="utf-8"))["series"]
        addresses = {folder: str(one["address"]) for folder, one in series.items()}
        objects = {folder: {n: Arrived(**o) for n, o in one["objects"].items()} for folder, one in series.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return Note(addresses, objects)


def write_note(exam: Path, note: Note) -> None:
    """Write the note of an exam's folder, whole or not at all."""
    series = {
        folder: {"address": note.addresses[folder], "objects": {n: one._asdict() for n, one in own.items()}}
        for folder, own in note.objects.items()
    }
    written = exam / f"{WRITING}{NOTE}"
    with written.open("w", encoding="utf-8") as stream:
        json.dump({"series": series}, stream, indent=1, sort_keys=True)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(written, exam / NOTE)
    sync(exam)


def sync(folder: Path) -> None:
    """Have the disk keep the names that a folder has now."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_whole(raw: Path, source: str) -> None:
    """Raises FileNotFoundError where files of an exam that was downloaded are not there any more.

    source: its folder below raw, as the sheet names it. Nothing is read but names.
    """
    exam, _, below = source.partition("/")
    note = read_note(raw / exam)
    own = [path for path in (note.files if note else ()) if path == below or path.startswith(f"{below}/" * bool(below))]
    gone = missing(raw / exam, own)
    if gone:
        raise FileNotFoundError(
            f"{len(gone)} of the {len(own)} files of {source} that were downloaded are not there any more. Fetch them"
            f" again: radparity redo download {exam}, then call Snakemake again"
        )


def missing(exam: Path, paths: Mapping[str, Arrived] | list[str]) -> list[str]:
    """Of paths within an exam's folder those that are no file."""
    return [path for path in paths if not (exam / path).is_file()]
