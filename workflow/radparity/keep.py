"""What stays on disk when nothing reads it any more: the key `keep`.

`STAYS` is the one table: for each stage the files that may go, each with the thriftiest tier at which it still stays.
A file that the table does not name stays at every tier. The estimate of a study's disk reads the same table.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Literal

from radparity import ledger
from radparity.failures import PREFIX
from radparity.record import read

Tier = Literal["all", "lean", "minimal"]
TIERS: tuple[Tier, ...] = ("all", "lean", "minimal")
# Upstream first: in this order files that went are made again.
STAYS: dict[str, dict[str, Tier]] = {
    "convert": {"phases.nii.gz": "all", "t2.nii.gz": "all"},
    "register": {"registered.nii.gz": "all", "fields.nii.gz": "all"},
    "harmonize": {"channels.nii.gz": "lean"},
    "mask": {"mask.nii.gz": "lean"},
    "slab": {"slab.npy": "lean"},
}
# Of these stages only what belongs to a development breast goes: pictures and predictions show the others.
OF_DEVELOPMENT = ("harmonize", "mask", "slab")
MAY_GO = frozenset(file for files in STAYS.values() for file in files)


class NotKept(RuntimeError):
    """A job needs files that went when nothing was to read them any more; the message says how to make them again."""


def stays(stage: str, file: str, tier: Tier, development: bool) -> bool:
    """Whether a file of a stage, as `phases.nii.gz` of `convert`, stays at a tier once nothing reads it any more.

    development: whether it belongs to a development breast; of no account for files of an exam.
    """
    if stage in OF_DEVELOPMENT and not development:
        return True
    return TIERS.index(tier) <= TIERS.index(STAYS.get(stage, {}).get(file, "minimal"))


def is_kept(path: Path) -> bool:
    """Whether a file is there, or was never let go of."""
    if path.name not in MAY_GO or path.is_file():
        return True
    try:
        return read(ledger.sidecar(path)).get("kept") is not False
    except (OSError, ValueError):
        return True


def drop(path: Path) -> tuple[str, int] | None:
    """Let go of a file, whose ledger entry says so from then on; its digest and the bytes that this frees.

    None for an empty file: it stands for a case that left the study, and stays.
    """
    size = path.stat().st_size if path.is_file() else None
    if size == 0:
        return None
    note = ledger.sidecar(path)
    entry = read(note)
    if entry.get("kept") is not False:
        # The entry first: a file that is gone without a word would be made again.
        written = note.with_name(PREFIX + note.name)
        with written.open("w", encoding="utf-8") as stream:
            stream.write(ledger.dump(entry | {"kept": False}))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(written, note)
    path.unlink(missing_ok=True)
    return str(entry["sha256"]), size or 0


def drop_batch(
    lists: Mapping[str, Iterable[str]], tier: Tier, development: Collection[str]
) -> tuple[dict[str, str], int]:
    """Let go of what does not stay of the cases in some batches' lists.

    lists: stage to the paths of its lists. development: the development breasts among the cases. Returns each file
    that is not kept with its digest, and the bytes that this call freed.
    """
    gone, freed = {}, 0
    for stage, paths in lists.items():
        for cases in (read(path)["cases"] for path in paths):
            for case, files in cases.items():
                for name, _ in files.values():
                    if not stays(stage, Path(name).name, tier, case in development):
                        found = drop(Path(name))
                        if found:
                            gone[name] = found[0]
                            freed += found[1]
    return gone, freed


def needed_again(paths: Iterable[str]) -> NotKept:
    """The error of a job that needs files which are not kept. The commands are in the order of the chain."""
    names = sorted(set(paths))
    cases: dict[str, set[str]] = {}
    for name in names:
        entry = read(ledger.sidecar(Path(name)))
        unit = "exam" if "exam" in entry["wildcards"] else "breast"
        cases.setdefault(Path(name).parts[1], set()).add(entry["wildcards"][unit])
    stages = [stage for stage in STAYS if stage in cases]
    redo = [f"radparity redo {stage} {' '.join(sorted(cases[stage]))}" for stage in stages]
    return NotKept(
        f"{len(names)} files are needed that were not kept (`keep` in the configuration), the first is {names[0]}."
        f" Make them again: {'; '.join(redo)}; snakemake --cores 8 {' '.join(stages)}; then the same call as before."
        " For all cases at once write --dropped in place of their names"
    )
