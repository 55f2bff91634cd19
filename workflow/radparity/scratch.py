"""Node-local scratch: where a case's files are written before they are copied to their place, once.

The key `scratch` names a folder or a variable of the node's environment, as $TMPDIR. It says where one machine works,
not what it makes, so it enters no params and no ledger entry.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

OURS = f"radparity-{os.getuid()}-"


class ScratchError(OSError):
    """Scratch cannot be used; the message says what, where, and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(errno.ENODEV, sentence)

    def __str__(self) -> str:
        return str(self.strerror)


@contextmanager
def scratch(named: str | None) -> Iterator[Path | None]:
    """A folder of this process's own in the scratch that the configuration names; None where it names none.

    Programs' temporary files go there too, as long as it lasts. What jobs of this user left that were killed is removed
    first, the folder itself at the end. Raises ScratchError where the scratch is not there or cannot be written to.
    """
    if not named:
        yield None
        return
    root = _expanded(named)
    _sweep(root)
    folder, lock = _claim(root, named)
    before, environment = tempfile.tempdir, os.environ.get("TMPDIR")
    temporary = folder / "tmp"
    try:
        temporary.mkdir()
        tempfile.tempdir, os.environ["TMPDIR"] = str(temporary), str(temporary)
        yield folder
    finally:
        tempfile.tempdir = before
        os.environ.pop("TMPDIR", None)
        if environment is not None:
            os.environ["TMPDIR"] = environment
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def check_there(folder: Path | None) -> None:
    """Raises ScratchError where the folder of this process has gone from under it."""
    if folder is not None and not (folder / "tmp").is_dir():
        raise ScratchError(
            f"the scratch folder {folder} of {os.uname().nodename} has gone while this job worked in it: something"
            " cleans up there, or the disk was unmounted. Mend it, or name another folder under `scratch` in the"
            " configuration; then call Snakemake again: what was finished stands"
        )


def _expanded(named: str) -> Path:
    said = os.path.expandvars(named)
    unset = re.search(r"\$\{?\w+\}?", said)
    if unset or not said:
        wrong = f"has no variable {unset.group()}" if unset else "says that it is empty"
        raise ScratchError(
            f"scratch: {named}: {os.uname().nodename} {wrong} in the environment of this job. Name a folder that every"
            " node has, or leave `scratch` out of the configuration"
        )
    return Path(said).absolute()


def _claim(root: Path, named: str) -> tuple[Path, int]:
    """A fresh folder, and the lock on it that lasts as long as this process."""
    while True:
        try:
            folder = Path(tempfile.mkdtemp(prefix=OURS, dir=root))
        except OSError as error:
            raise ScratchError(
                f"scratch: {named}: cannot work in {root} on {os.uname().nodename}: {error.strerror}. Make it a folder"
                " with room that you may write to, or name another under `scratch` in the configuration"
            ) from error
        with suppress(FileNotFoundError):
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Another job may have taken it for a leftover before it was locked.
            if folder.is_dir():
                return folder, lock
            os.close(lock)


def _sweep(root: Path) -> None:
    """Remove this user's folders that no living process has locked."""
    for folder in root.glob(f"{OURS}*"):
        with suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(lock)
