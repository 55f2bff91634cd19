"""For work of hours: outputs that are put back, not made again, where nothing that they were made from has changed.

Snakemake runs a training again whenever a job before it runs, and deletes its outputs first, even if those jobs then
find that all their cases stand. So a second name of each output is kept beside results/ (a hard link: no space), with
what it was made from.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from radparity import ledger
from radparity.batch_job import LAYOUT, installed
from radparity.job import Job, job
from radparity.record import read

KEPT = Path(".radparity", "made")


def lasting_job(snakemake: Any, make: Callable[[Job], None], state: Path | None = None) -> None:
    """Run `make`, which writes the job's outputs; or put back those of the last time where they would be the same.

    state: a folder of saved training, removed when the job is done.
    """
    with job(snakemake) as run:
        folder = KEPT / run.rule / "_".join(run.wildcards.values())
        key = _key(run)
        if _put_back(run, folder, key):
            run.progress("made from the same before: put back")
        else:
            make(run)
    _keep(run, folder, key)
    if state is not None:
        shutil.rmtree(state, ignore_errors=True)


def _key(run: Job) -> str:
    """Digest of the inputs (of the cases' files, however they are divided into batches), params and code."""
    params = {name: value for name, value in run.params.items() if name not in LAYOUT}
    made_from = {"inputs": run.plain_digests() | run.case_digests(), "params": params, "code": run.params.get("code")}
    return hashlib.sha256(ledger.dump(made_from).encode()).hexdigest()


def _put_back(run: Job, folder: Path, key: str) -> bool:
    """Give the kept outputs the job's temporary names, where they are whole and were made from the same."""
    try:
        about = read(folder / "about.json")
    except (OSError, ValueError):
        return False
    if about["key"] != key or not installed(about["made_with"]["versions"]) or set(about["outputs"]) != set(run.output):
        return False
    for name, digest in about["outputs"].items():
        if not (folder / name).is_file() or ledger.digest_file(folder / name) != digest:
            return False
    for name, path in run.output.items():
        path.unlink(missing_ok=True)
        _link(folder / name, path)
    run.made_with = about["made_with"]
    return True


def _keep(run: Job, folder: Path, key: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    finals = dict(zip(run.output, run.final, strict=True))
    entries = {name: read(ledger.sidecar(path)) for name, path in finals.items()}
    for name, path in finals.items():
        _link(path, folder / name)
    made_with = {what: next(iter(entries.values()))[what] for what in ("versions", "device")}
    about = {"key": key, "made_with": made_with, "outputs": {name: e["sha256"] for name, e in entries.items()}}
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
