"""The note beside a job's log that says it runs, or why it failed: what `radparity status` reads.

A job that is killed cannot say so; it leaves the note that it runs, with what is needed to look for it. No note holds
more of the data than the log beside it.
"""

from __future__ import annotations

import errno
import json
import linecache
import os
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

RUNNING, FAILED = ".running.json", ".failed.json"
# As everything that a running job is writing, so that the audit leaves it alone.
PREFIX = ".writing-"
LIBRARY = Path(__file__).parent.parent
BUG, MEMORY, DISK, NETWORK = "bug", "memory", "disk", "network"
OF_THE_DISK = tuple(
    getattr(errno, name) for name in "ENOSPC EDQUOT EROFS EIO ESTALE EACCES ENXIO ENODEV ENOTCONN EREMOTEIO".split()
)
OF_THE_NETWORK = (errno.EHOSTUNREACH, errno.ENETUNREACH)
LONGEST = 300
PREAMBLE_END = "snakemake preamble end"


class CasesFailed(RuntimeError):
    """Some cases of a batch met a bug; the others are made. faults: what `fault` says of each."""

    def __init__(self, message: str, faults: list[dict[str, str]]) -> None:
        super().__init__(message)
        self.faults = faults


def running_note(log: Path) -> Path:
    """Where the note of a running job lies."""
    return log.with_name(PREFIX + log.stem + RUNNING)


def failed_note(log: Path) -> Path:
    """Where the note of a failed job lies."""
    return log.with_name(log.stem + FAILED)


def started(
    log: Path, rule: str, wildcards: dict[str, str], outputs: Sequence[Path], cases: Sequence[str] = ()
) -> dict[str, Any]:
    """Note that a job runs; what an earlier try left is removed. The note's own time says when it was."""
    note = {
        "rule": rule,
        "wildcards": wildcards,
        "outputs": [path.as_posix() for path in outputs],
        "cases": list(cases),
        "log": log.as_posix(),
        "host": os.uname().nodename,
        "pid": os.getpid(),
        "birth": birth(os.getpid()),
        "slurm": os.environ.get("SLURM_JOB_ID"),
    }
    with suppress(OSError):
        failed_note(log).unlink(missing_ok=True)
    _write(running_note(log), note)
    return note


def ended(log: Path, note: dict[str, Any], error: BaseException | None = None) -> None:
    """Remove the note of a running job, or turn it into that of a failed one."""
    if error is None:
        with suppress(OSError):
            running_note(log).unlink(missing_ok=True)
        return
    about = {key: note[key] for key in ("rule", "wildcards", "outputs", "cases", "log", "host", "slurm")}
    faults = error.faults if isinstance(error, CasesFailed) else [fault(error)]
    _write(running_note(log), about | {"faults": faults})
    with suppress(OSError):
        os.replace(running_note(log), failed_note(log))


def fault(error: BaseException, case: str = "") -> dict[str, str]:
    """An exception in words: its type and message, the place in our code (file:line) and the cause."""
    said = " ".join(str(error).split())
    about = {"exception": type(error).__name__, "message": said[:LONGEST], "place": _place(error)}
    return about | {"cause": cause(error)} | ({"case": case} if case else {})


def _place(error: BaseException) -> str:
    """The innermost line of ours that an exception passed, as radparity/convert.py:42."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [
        (path, f.lineno or 0) for f in frames if (path := Path(f.filename)).is_relative_to(LIBRARY) or _copied(path)
    ]
    if not ours:
        return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    path, line = ours[-1]
    if not _copied(path):
        return f"{path.relative_to(LIBRARY).as_posix()}:{line}"
    above = next((n for n, text in enumerate(linecache.getlines(str(path)), start=1) if PREAMBLE_END in text), 0)
    return f"scripts/{path.name.partition('.')[2]}:{line - above}"


def _copied(path: Path) -> bool:
    """Whether this is Snakemake's copy of a script, as .snakemake/scripts/tmp1a2b3c4d.fold_twins.py."""
    return path.parts[-3:-1] == (".snakemake", "scripts")


def cause(error: BaseException) -> str:
    """`memory`, `disk` (full, read-only, vanished), `network` (a store that cannot be reached), or else `bug`."""
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return MEMORY
    if isinstance(error, OSError) and error.errno in OF_THE_NETWORK:
        return NETWORK
    return DISK if isinstance(error, OSError) and error.errno in OF_THE_DISK else BUG


def birth(pid: int) -> str | None:
    """When a process of this machine began, in ticks since it booted; None where it does not live."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state == "Z" else fields[18]


def _write(path: Path, note: dict[str, Any]) -> None:
    """Write over what is there, for which a full disk has room. Where that fails too the job goes on."""
    text = json.dumps(note, indent=1, sort_keys=True) + "\n"
    with suppress(OSError), open(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+", encoding="utf-8") as stream:
        stream.write(text)
        stream.truncate()
