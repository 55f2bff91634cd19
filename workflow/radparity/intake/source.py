"""Where an exam's files are: a folder, or a list of files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from radparity.download.note import NOTE
from radparity.record import DataFault

LIST_SUFFIX = ".files"
NIFTI = (".nii", ".nii.gz")


def exam_files(raw: Path, source: str) -> dict[str, Path]:
    """The files of one exam by a name for records and messages, in order of name.

    raw: the study's raw folder. source: a folder below it, whose files are named by their path within it; or a list
    (`E0012.files`: one path a line, relative to `raw`), whose files are named by their line, as `line-00012`, so that
    no path of the hospital reaches the results. Empty where there is nothing.
    Raises DataFault `file_list_broken` where a line of a list names no file below `raw`.
    """
    root = raw / source
    if not is_list(root):
        if root.is_file():
            return {root.name: root}
        return {Path(entry.path).relative_to(root).as_posix(): Path(entry.path) for entry in below(root)}
    files = listed(raw, source)
    missing = [name for name, path in files.items() if path is None or not path.is_file()]
    if missing:
        raise DataFault(
            "file_list_broken",
            f"{len(missing)} of {len(files)} lines of {root.name} name no file below the raw folder, the first is"
            f" {missing[0]}. Bring the files back, or draft the list again",
        )
    return {name: path for name, path in files.items() if path is not None}


def is_nifti(path: Path) -> bool:
    """Whether a file is a NIfTI image by its name."""
    return path.name.lower().endswith(NIFTI)


def is_list(path: Path) -> bool:
    """Whether a path of a sheet is a list of files rather than a folder or a file."""
    return path.name.endswith(LIST_SUFFIX) and path.is_file()


def listed(raw: Path, source: str) -> dict[str, Path | None]:
    """The paths of a list by their line, there or not; None for a line that leads out of the raw folder."""
    # Not splitlines(): a file name may hold a form feed, or bytes that are not UTF-8.
    lines = (raw / source).read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    found: dict[str, Path | None] = {}
    for number, line in enumerate(lines, start=1):
        name = line.removesuffix("\r")
        if name.strip():
            outside = name.startswith("/") or ".." in PurePosixPath(name).parts
            found[f"line-{number:05d}"] = None if outside else raw / name
    return found


def below(root: Path | str, _above: tuple[tuple[int, int], ...] = ()) -> Iterator[os.DirEntry[str]]:
    """All files below a folder in order of path, but the note of a download.

    Links to folders are followed; one that leads back up is not.
    """
    try:
        with os.scandir(root) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    here = os.stat(root)
    above = (*_above, (here.st_dev, here.st_ino))
    for entry in entries:
        if not entry.is_dir():
            if entry.name != NOTE:
                yield entry
        elif not entry.is_symlink() or (entry.stat().st_dev, entry.stat().st_ino) not in above:
            yield from below(entry.path, above)
