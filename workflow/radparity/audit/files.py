"""Which files under results/ the audit looks at."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from radparity import ledger
from radparity.failures import PREFIX

# What varies from run to run, what the sweep keeps, and what the audit says; what stands there has no entry.
OUTSIDE = ("logs", "benchmarks", "raw", "audit")
VARYING = OUTSIDE[:2]
OWN = {"raw": ("digests.tsv", "strata.tsv"), "audit": ("audit.json", "index.html", "green.json")}
GREEN = "audit/green.json"
# The report of an unfinished study is made from what stood there then.
INTERIM = ("report", "interim")
# What results/share/report.zip holds, unpacked; the zip has an entry.
UNPACKED = ("share", "report")


class Item(NamedTuple):
    """A name under results/."""

    path: str
    there: bool
    """whether the file is there"""
    noted: bool
    """whether its ledger entry is there"""
    what: str = "file"
    """`unfinished`: what a job writes, or wrote when it was killed; `link`: a link to a folder, which is not entered"""


def stages(results: Path) -> list[str]:
    """The folders of results/ that the audit looks into, in order; an empty name for results/ itself."""
    return ["", *sorted(path.name for path in results.glob("*") if path.is_dir() and path.name not in VARYING)]


def items(results: Path, stage: str) -> Iterator[Item]:
    """Every file of a stage that must have a ledger entry, and every entry, once each; folders and names in order."""
    for top, folders, names in os.walk(results / stage):
        folders[:] = sorted(name for name in folders if (stage, name) != INTERIM or Path(top) != results / stage)
        for name in folders:
            if stage and Path(top, name).is_symlink():
                yield Item(Path(top, name).as_posix(), True, False, "link")
        if not stage:
            folders.clear()
        elif (stage, Path(top)) == (UNPACKED[0], results / UNPACKED[0]):
            folders[:] = [name for name in folders if name != UNPACKED[1]]
        there = {name for name in names if not name.endswith(ledger.SUFFIX)}
        noted = {name.removesuffix(ledger.SUFFIX) for name in names if name.endswith(ledger.SUFFIX)}
        for name in sorted(there | noted):
            if Path(top) != results / stage or name not in OWN.get(stage, ()):
                what = "unfinished" if name.startswith(PREFIX) else "file"
                yield Item(Path(top, name).as_posix(), name in there, name in noted, what)
