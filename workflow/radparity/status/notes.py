"""The notes that jobs leave beside their logs, what became of jobs that could not say it, and failures by cause."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from radparity.failures import FAILED, PREFIX, RUNNING, birth
from radparity.status.slurm import fates

ORDER = ("disk", "memory", "walltime", "node", "preempted", "cancelled", "killed", "unreachable", "bug")
ALIVE = ("running", "queued")


@dataclass
class Failure:
    """Failures that have one cause: what to look at, and what to ask Snakemake for to try only these again.

    cause: one of ORDER. exception and place (file:line) are empty where the job was killed. cases: those that are not
    made, none of a study-wide job. slurm: whether it ran there. targets: one output of each job.
    """

    cause: str
    rule: str
    exception: str
    place: str
    message: str
    log: str
    slurm: bool
    cases: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)

    @property
    def jobs(self) -> int:
        """The number of jobs that have to run again."""
        return len(self.targets)


@dataclass(frozen=True)
class Running:
    """A job that runs or waits in the queue again: state, rule, what it is about, where, since when (epoch, s)."""

    state: str
    rule: str
    about: str
    host: str
    since: float


def read_notes(logs: Path, batches: Collection[str] | None = None) -> list[dict[str, Any]]:
    """Every note that still says something, with its time: of a job whose first output is not there.

    batches: the study's batches; notes of others, from before the study was divided anew, are left out.
    """
    found = []
    for path in _below(logs):
        try:
            text, since = path.read_text(encoding="utf-8"), path.stat().st_mtime
            note = json.loads(text)
        except FileNotFoundError:  # the job ended just now
            continue
        except (OSError, ValueError):
            continue
        batch = note["wildcards"].get("batch")
        if batch is not None and batches is not None and batch not in batches:
            continue
        if not (note["outputs"] and Path(note["outputs"][0]).is_file()):
            found.append(note | {"since": since})
    return sorted(found, key=lambda note: (note["rule"], note["log"]))


def _below(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _below(Path(entry.path))
        elif entry.name.endswith(FAILED) or (entry.name.startswith(PREFIX) and entry.name.endswith(RUNNING)):
            yield Path(entry.path)


def sorted_out(notes: list[dict[str, Any]]) -> tuple[list[Running], list[Failure]]:
    """Which jobs run, and the failures by cause: exception and place, or what ended a job that could not say it."""
    silent = [note for note in notes if "faults" not in note and not _lives(note)]
    states = fates({note["slurm"] for note in silent if note["slurm"]})
    alive: list[Running] = []
    groups: dict[tuple[str, ...], Failure] = {}
    for note in notes:
        if "faults" in note:
            _add_faults(groups, note)
            continue
        state = "running" if _lives(note) else states.get(str(note["slurm"]))
        if state in ALIVE:
            alive.append(Running(state, note["rule"], _about(note), note["host"], note["since"]))
            continue
        here = note["host"] == os.uname().nodename
        cause, said = state or "killed", "it was killed and could not say why"
        if state is None and not here:
            cause, said = "unreachable", f"started on {note['host']}, which cannot be asked from here; it may still run"
        elif state:
            said = f"SLURM job {note['slurm']} on {note['host']}"
        made = Failure(cause, note["rule"], "", "", said, note["log"], bool(note["slurm"]))
        group = groups.setdefault((cause, note["rule"]), made)
        group.targets.append(_target(note))
        group.cases += note["cases"]
    return alive, sorted(groups.values(), key=lambda f: (ORDER.index(f.cause), -f.jobs, f.rule, f.place))


def _add_faults(groups: dict[tuple[str, ...], Failure], note: dict[str, Any]) -> None:
    for fault in note["faults"]:
        key = (fault["cause"], note["rule"], fault["exception"], fault["place"])
        about = (fault["exception"], fault["place"], fault["message"], note["log"], bool(note["slurm"]))
        group = groups.setdefault(key, Failure(fault["cause"], note["rule"], *about))
        if note["outputs"] and note["outputs"][0] not in group.targets:
            group.targets.append(_target(note))
        # A job that failed as a whole has failed for the cases that it had not come to.
        group.cases += [fault["case"]] if "case" in fault else note["cases"]


def failed_results(notes: list[dict[str, Any]], alive: Collection[str]) -> dict[tuple[str, str], set[str]]:
    """Stage and harmonization or arm to the cases, or the study-wide results, of the jobs that failed.

    alive: the logs of the jobs that run.
    """
    found: dict[tuple[str, str], set[str]] = {}
    for note in notes:
        if note["log"] in alive or not note["outputs"]:
            continue
        stage = Path(note["outputs"][0]).parts[1]
        named = {fault["case"] for fault in note.get("faults", []) if "case" in fault}
        of = note["wildcards"].get("arm", note["wildcards"].get("harmonization", "")) if note["cases"] else ""
        found.setdefault((stage, of), set()).update(named or note["cases"] or note["outputs"])
    return found


def _lives(note: dict[str, Any]) -> bool:
    return bool(note["host"] == os.uname().nodename and note["birth"] and birth(note["pid"]) == note["birth"])


def _target(note: dict[str, Any]) -> str:
    """What Snakemake is asked for: an output, or the rule where it has none."""
    return str(note["outputs"][0] if note["outputs"] else note["rule"])


def _about(note: dict[str, Any]) -> str:
    return " ".join(str(value) for value in note["wildcards"].values())
