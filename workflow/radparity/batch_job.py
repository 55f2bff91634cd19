"""What a script runs in whose rule takes a batch of cases: each case as if it had a job of its own.

The rule declares one output, the batch's list: what was made of each case, with digests. The files of the cases are
published one by one, each with its ledger entry. A case whose files stand, made by the same code from the same inputs
with the same parameters and versions, is not made again: so a batch that was killed goes on where it was, and a change
of one case costs the others a look at their ledger entries.
"""

from __future__ import annotations

import errno
import json
import logging
import shutil
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from radparity import ledger
from radparity.disk import of_the_machine
from radparity.download.note import check_whole
from radparity.failures import CasesFailed, fault
from radparity.job import Job, discard, job, log, publish, temporary
from radparity.keep import is_kept, needed_again
from radparity.record import DataFault, excluded, ok, read
from radparity.scratch import check_there

# Params that say which files there are: not what a result depends on.
LAYOUT = ("cases", "files", "made", "code")


class Case:
    """One case of a batch, with the face of a Job: its own inputs, params, and outputs under temporary names."""

    def __init__(self, batch: Job, name: str, own: dict[str, Any]) -> None:
        self.name = name
        self.rule, self.threads = batch.rule, batch.threads
        unit = batch.params["unit"]
        self.wildcards = {k: v for k, v in batch.wildcards.items() if k != "batch"} | {unit: name}
        shared = {k: v for k, v in batch.params.items() if k not in (*LAYOUT, "unit")}
        self.params = shared | {k: v for k, v in own.items() if k != "reads"}
        self.code = batch.params.get("code")
        self.final = {k: Path(v.format(**self.wildcards)) for k, v in batch.params["made"].items()}
        self._scratch = batch.scratch / "cases" / name if batch.scratch else None
        self.output = {
            k: self._scratch / k / path.name if self._scratch else temporary(path) for k, path in self.final.items()
        }
        self._batch = batch
        self._given = batch.plain_inputs()
        self.digests = batch.plain_digests()
        for key, references in batch.params["files"].items():
            found = batch.of_case(references, {unit: name, "exam": own.get("exam", name)}, own.get("reads", {}))
            self._given[key] = (
                [path for path, _ in found] if len(found) != 1 or isinstance(references, list) else (found[0][0])
            )
            self.digests |= dict(found)
        self.input: Any = SimpleNamespace(**self._given)

    def inputs(self, name: str) -> list[str]:
        """An input's files as a list, whether it names one, several or none."""
        found = self._given.get(name, [])
        return [found] if isinstance(found, str) else list(found)

    def progress(self, message: str) -> None:
        """A line for the person at the terminal, also kept in the log."""
        self._batch.progress(f"{self.name}: {message}")

    def stands(self) -> dict[str, str] | None:
        """Digest of each output where all of them are what would be made now; None where something has to be done."""
        wanted = json.loads(ledger.dump({"inputs": self.digests, "params": self.params}))
        found = {}
        for key, path in self.final.items():
            try:
                entry = read(ledger.sidecar(path))
            except (OSError, ValueError):
                return None
            same = entry["rule"] == self.rule and entry["code"] == self.code and entry["wildcards"] == self.wildcards
            same = same and all(entry[name] == wanted[name] for name in wanted) and installed(entry["versions"])
            if not (same and (path.is_file() or entry.get("kept") is False)):
                return None
            found[key] = entry["sha256"]
        return found

    def missing(self) -> list[str]:
        """The inputs that went when nothing was to read them any more."""
        return [path for name in self.input.__dict__ for path in self.inputs(name) if not is_kept(Path(path))]

    def check_raw(self) -> None:
        """Raises OSError where raw data has gone that the sweep saw, or came with a download: no fault of the case."""
        for name, digest in self.params.get("raw", {}).items():
            path = Path(self._batch.config["raw"], name)
            if digest != "missing" and not path.exists():
                said = "the sweep saw this, and it is not there (`radparity sweep`, where it was taken away on purpose)"
                raise OSError(errno.ENODEV, said, str(path))
            check_whole(Path(self._batch.config["raw"]), name)

    def prepare(self) -> None:
        """Make the folders that the outputs are written to and end in."""
        for path in (*self.final.values(), *self.output.values()):
            path.parent.mkdir(parents=True, exist_ok=True)

    def publish(self) -> dict[str, str]:
        """Give the outputs their final names; returns their digests."""
        written = {path: self.output[k] for k, path in self.final.items()}
        made = publish(written, self.rule, self.wildcards, self.digests, self.params, self.code)
        return dict(zip(self.final, made, strict=True))

    def clean(self) -> None:
        """Remove what is left of the case under temporary names and in scratch."""
        discard(self.final.values())
        if self._scratch:
            shutil.rmtree(self._scratch, ignore_errors=True)


def installed(versions: dict[str, str]) -> bool:
    """Whether Python and the packages have the versions that a ledger entry names."""
    return all(ledger.version_of(package) == version for package, version in versions.items())


def case_record(run: Case, stage: str, work: Callable[[Any], dict[str, Any]]) -> None:
    """Do the work of one case and write its record (the output named `record`).

    A case that an earlier stage excluded is passed on; where an exam's record has `breasts`, a breast's own entry
    counts. A DataFault excludes it here. In both cases the other outputs are empty files, so that nobody can mistake
    them for data; only the fault's own evidence stays.
    """
    breast = run.wildcards.get("breast", "")
    records = [read(path) for path in run.inputs("record")]
    upstream = [{"stage": r["stage"]} | r.get("breasts", {}).get(breast, r) for r in records]
    left = next((record for record in upstream if record["status"] != "ok"), None)
    kept = {"record"}
    if left is not None:
        out = excluded(left["stage"], run.name, left["code"], left["sentence"])
    else:
        try:
            out = ok(stage, run.name, work(run))
        except DataFault as fault:
            run.check_raw()
            run.progress(f"excluded, {fault.code}: {fault.sentence}")
            out = excluded(stage, run.name, fault.code, fault.sentence) | fault.facts
            kept |= set(fault.evidence)
    run.output["record"].write_text(ledger.dump(out), encoding="utf-8")
    if out["status"] != "ok":
        for name, path in run.output.items():
            if name not in kept:
                path.write_bytes(b"")


def batch_job(snakemake: Any, make: Callable[[Case], None]) -> None:
    """Run `make` on each case of a batch that does not stand already, and write the batch's list.

    A bug in one case is logged and the others are made; then the job fails, and what was made stands for the next try.
    """
    with job(snakemake) as run:
        listed, failed, faults = {}, [], []
        gone: list[str] = []
        for name, own in run.params["cases"].items():
            case = Case(run, name, own)
            found = case.stands()
            if found is None:
                missing = case.missing()
                if missing:
                    gone += missing
                    continue
                log.info("%s", name)
                try:
                    case.prepare()
                    ledger.computes_on("cpu")  # unless the case has a network, and that chooses a GPU
                    make(case)
                    found = case.publish()
                except Exception as error:
                    check_there(run.scratch)
                    if of_the_machine(error, run.places):
                        raise  # and it would be so with the next case
                    logging.error("%s failed\n%s", name, traceback.format_exc())
                    failed.append(f"{name} ({type(error).__name__}: {error})")
                    faults.append(fault(error, name))
                    continue
                finally:
                    case.clean()
            listed[name] = {key: [case.final[key].as_posix(), digest] for key, digest in found.items()}
        if failed:
            all_of = len(run.params["cases"])
            raise CasesFailed(f"{len(failed)} of {all_of} cases failed: {'; '.join(failed[:5])}", faults)
        if gone:
            raise needed_again(gone)
        listed_by = {"unit": run.params["unit"], "cases": listed}
        run.output["batch"].write_text(ledger.dump(listed_by), encoding="utf-8")


def case_job(snakemake: Any, stage: str, work: Callable[[Any], dict[str, Any]]) -> None:
    """A batch of cases at one stage, each with its record; see `case_record`."""
    batch_job(snakemake, lambda run: case_record(run, stage, work))
