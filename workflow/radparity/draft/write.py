"""Writing sheets that people correct: one that exists is never changed, what it lacks goes into a new one."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

from radparity.config import ConfigError


def add_rows(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]], key: Sequence[str]) -> tuple[Path, int]:
    """Write the rows that no sheet holds yet, told apart by the columns `key`. Returns the file and how many.

    Without a sheet they become the sheet. With one they are appended to `<sheet>.new.tsv`, in the sheet's own columns,
    so that the user can move them as they are; what stands there stays, too. Raises ConfigError where the columns of
    the files do not fit.
    """
    beside = path.with_suffix(".new.tsv")
    held, known = _read(path, key)
    columns, more = _read(beside, key)
    places = [header.index(column) for column in key]
    fresh = [dict(zip(header, r, strict=True)) for r in rows if tuple(r[p] for p in places) not in known | more]
    if not held:
        _append(path, header, fresh)
        return path, len(fresh)
    missing = [column for column in header if column not in held]
    if missing:
        raise ConfigError(f"{path} row 1: column '{missing[0]}' is missing. Add it (its cells may be empty)")
    if fresh and columns and columns != held:
        raise ConfigError(f"{beside} has other columns than {path.name}. Move its rows there and delete it")
    if fresh:
        _append(beside, held, fresh)
    return beside, len(fresh)


def _append(path: Path, header: Sequence[str], rows: Sequence[dict[str, str]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, header, delimiter="\t", lineterminator="\n")
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    if not before:
        writer.writeheader()
    elif not before.endswith("\n"):
        before += "\n"
    writer.writerows(rows)
    write_whole(path, before + text.getvalue())


def _read(path: Path, key: Sequence[str]) -> tuple[list[str], set[tuple[str, ...]]]:
    """The columns of a sheet and the keys of its rows; nothing of either where there is none."""
    if not path.is_file():
        return [], set()
    with path.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.DictReader(stream, delimiter="\t")
        return list(reader.fieldnames or []), {tuple(row.get(c) or "" for c in key) for row in reader}


def write_list(path: Path, files: Sequence[str]) -> str:
    """Write an exam's list of files. Returns `new`, `same`, or `differs` where another one is there already.

    That one stays, since it may have been corrected; ours then goes to `<list>.new`.
    """
    text = "".join(f"{name}\n" for name in files)
    whole = text.encode(errors="surrogateescape")
    if not path.is_file():
        write_whole(path, text)
        return "new"
    beside = path.with_name(path.name + ".new")
    if path.read_bytes() == whole:
        beside.unlink(missing_ok=True)
        return "same"
    write_whole(beside, text)
    return "differs"


def write_whole(path: Path, text: str) -> None:
    """Write whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(".writing-" + path.name)
    temporary.write_bytes(text.encode(errors="surrogateescape"))
    os.replace(temporary, path)
