"""The sweep over the raw data: one content digest for each path that the sheets name.

Runs before the Snakefile is parsed. It looks at the size, mtime and ctime of every file and reads only those paths
where one of them changed, so content replaced under an older mtime is seen and a touched file costs one reading and
no rerun. The digest goes into the params of the rules that read the raw data.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from radparity.ledger import digest_file
from radparity.study import DIGESTS, Study

STATS = Path(".radparity/stat.json")


def _files(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    return sorted(Path(folder) / name for folder, _, names in os.walk(root) for name in names)


def fingerprint(root: Path) -> str:
    """Digest of names, sizes, mtimes and ctimes under a path; `missing` where there is nothing."""
    files = _files(root)
    if not files:
        return "missing"
    lines = []
    for path in files:
        stat = path.stat()
        lines.append(f"{path.relative_to(root).as_posix()} {stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def content(root: Path) -> str:
    """Digest of names and bytes under a path; `missing` where there is nothing."""
    files = _files(root)
    if not files:
        return "missing"
    lines = [f"{path.relative_to(root).as_posix()} {digest_file(path)}" for path in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def sweep(study: Study, workers: int, progress: Callable[[int, int], None] | None = None) -> dict[str, int]:
    """Bring the table of digests up to date. Returns how many paths were looked at, read, changed and missing."""
    raw = Path(study.config.raw)
    stats: dict[str, list[str]] = json.loads(STATS.read_text()) if STATS.is_file() else {}
    paths = study.raw_paths()

    def one(path: str) -> tuple[str, list[str], bool]:
        seen = fingerprint(raw / path)
        before = stats.get(f"{study.config.raw}/{path}")
        if before and before[0] == seen:
            return path, before, False
        return path, [seen, content(raw / path)], True

    counts = {"looked at": 0, "read": 0, "changed": 0, "missing": 0}
    rows: list[tuple[str, str]] = []
    with ThreadPoolExecutor(workers) as pool:
        for path, found, was_read in pool.map(one, paths):
            before = stats.get(f"{study.config.raw}/{path}")
            counts["looked at"] += 1
            counts["read"] += was_read
            counts["changed"] += bool(before) and before is not None and before[1] != found[1]
            counts["missing"] += found[1] == "missing"
            stats[f"{study.config.raw}/{path}"] = found
            rows.append((path, found[1]))
            if progress:
                progress(counts["looked at"], len(paths))
    _write(STATS, json.dumps(stats, sort_keys=True, indent=0))
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerows([("path", "digest"), *rows])
    _write(DIGESTS, text.getvalue())
    return counts


def _write(path: Path, text: str) -> None:
    """Write whole or not at all; leave the file alone where nothing changed."""
    if path.is_file() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(".writing-" + path.name)
    temporary.write_text(text)
    os.replace(temporary, path)
