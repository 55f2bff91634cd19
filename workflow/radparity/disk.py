"""What is wrong with a disk, in words that help: a full, a read-only or a failing one is no fault of the data."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Mapping
from pathlib import Path

from radparity.failures import BUG, DISK, cause

SAID = {
    errno.ENOSPC: "a disk is full. Make room",
    errno.EDQUOT: "the quota of a disk is used up. Make room, or ask for more",
    errno.EROFS: "a disk is mounted read-only. Have it mounted for writing again",
    errno.EACCES: "there is no right to read or write this. Ask for it",
    errno.EIO: "a disk does not read or write. Have it looked at",
}
GONE = "a disk has gone. Have it mounted again"


def of_the_machine(error: BaseException, places: Mapping[str, Path]) -> bool:
    """Whether an error would meet the next case too: no memory, or a disk that fails.

    places: what is written to, as name to folder. A file of one exam that nobody may read concerns that exam alone.
    """
    if isinstance(error, OSError) and error.errno == errno.EACCES and isinstance(error.filename, str):
        return any(Path(error.filename).absolute().is_relative_to(place.absolute()) for place in places.values())
    return cause(error) != BUG


def in_words(error: BaseException, places: Mapping[str, Path]) -> str:
    """An error as a person needs it: of a disk with the free space of each place, and what to do."""
    said = f"{error}" or type(error).__name__
    if not isinstance(error, OSError) or cause(error) != DISK:
        return said
    free = ", ".join(f"{name} {place} ({_free(place)})" for name, place in places.items())
    mend = SAID.get(error.errno or 0, GONE)
    return f"{said}: {mend}, then call Snakemake again: what was finished stands. Written to: {free}"


def _free(place: Path) -> str:
    try:
        return f"{shutil.disk_usage(place).free / 1e9:.3f} GB free"
    except OSError as error:
        return error.strerror or "not there"
