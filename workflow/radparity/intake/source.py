"""Where an exam's files are: a folder, or a list of files."""

from __future__ import annotations

import os
from pathlib import Path

LIST_SUFFIX = ".files"


def exam_files(raw: Path, source: str) -> dict[str, Path]:
    """The files of one exam by a name for records and messages, in order of name.

    raw: the study's raw folder. source: a folder below it, whose files are named by their path within it; or a list
    (`E0012.files`: one path a line, relative to `raw`), whose files are named by their line, as `line-00012`, so that
    no path of the hospital reaches the results. Empty where there is nothing.
    """
    root = raw / source
    if root.is_file() and root.name.endswith(LIST_SUFFIX):
        lines = root.read_text(encoding="utf-8").splitlines()
        return {f"line-{number:05d}": raw / line for number, line in enumerate(lines, start=1) if line.strip()}
    if root.is_file():
        return {root.name: root}
    paths = sorted(Path(top) / name for top, _, names in os.walk(root) for name in names)
    return {path.relative_to(root).as_posix(): path for path in paths}
