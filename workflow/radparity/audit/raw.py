"""The raw data as it lies there now, beside what the sweep recorded of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from radparity.audit.faults import Fault, Remark
from radparity.download.announced import NOTHING, Announced
from radparity.sweep import MISSING, STATS, digest, glanced

SWEEP = "`radparity sweep`, then call the study again"


def check_raw(
    place: str, recorded: Mapping[str, str], workers: int, full: bool = False, announced: Announced = NOTHING
) -> tuple[list[Fault], list[Remark]]:
    """Raw paths whose content is not the one that the sweep recorded.

    place: the raw folder as the configuration names it. recorded: path, relative to it, to its digest. announced: what
    is downloaded; of its files those that have gone are remarked upon. A path whose files have the sizes and times of
    the sweep is read only where `full` is asked for, or the sweep's own two notes of it differ.
    """
    folder = Path(place)
    if not folder.is_dir():
        return [], [Remark(path, "the raw data is not here: not compared") for path in recorded]
    try:
        swept: dict[str, list[str]] = json.loads(STATS.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        swept = {}

    def look(path: str) -> Fault | Remark | None:
        try:
            seen, gone, _ = glanced(folder, path, announced)
            told = (
                f"{len(gone)} files that were downloaded are not there any more: not compared, nor searched for names"
            )
            remark = Remark(path, told) if gone and path in announced else None
            if not full and swept.get(f"{place}/{path}") == [seen, recorded[path]]:
                return remark
            now = digest(folder, path, announced)
        except OSError as error:
            return Fault(path, f"cannot be read: {error.strerror}", "Give yourself the right to read it")
        if now == recorded[path]:
            return remark
        if now == MISSING:
            return Fault(path, "is gone since the sweep", f"Bring it back; where it was taken away on purpose: {SWEEP}")
        return Fault(path, "has another content than the sweep recorded", f"Bring back what it was, or {SWEEP}")

    with ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(look, sorted(recorded)))
    return [one for one in found if isinstance(one, Fault)], [one for one in found if isinstance(one, Remark)]
