"""The command `radparity status`."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import time
from dataclasses import asdict, dataclass
from typing import Any

from radparity.config import ConfigError
from radparity.masks.study import MasksStudy
from radparity.status.counts import Count, count
from radparity.status.notes import Failure, Running, failed_results, read_notes, sorted_out
from radparity.status.stages import RESULTS, parts
from radparity.study import Study
from radparity.terminal import read_config

ADVICE = {
    "disk": "make room on the disk of results/, or mount it again, then",
    "network": "mend the connection to the store, then",
    "memory": "Snakemake asks for more at each retry; for much more at once add --set-resources {rule}:mem_mb=...",
    "walltime": "Snakemake asks for more at each retry; for much more at once add --set-resources {rule}:runtime=...",
    "node": "a node went down; nothing is wrong with the study",
    "preempted": "others needed the node; what was saved is gone on with",
    "cancelled": "somebody cancelled it",
    "killed": "by hand, or for memory: the log's last lines say how far it was",
    "unreachable": "look there whether it runs, before",
    "bug": "it comes again until the cause is mended: look at the log; then",
}
SHORT = 2  # targets: more are asked for by number
WIDTH = 100


@dataclass(frozen=True)
class Status:
    """How far a study is."""

    study: str
    counts: list[Count]
    running: list[Running]
    failures: list[Failure]
    warnings: list[str]


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of the command."""
    command.add_argument("--pilot", type=int, help="the exams of the pilot that is run, where the file does not say it")
    command.add_argument("--json", action="store_true", help="everything, for another program")
    command.add_argument("--targets", type=int, metavar="N", help="print what failed by cause N, to give to snakemake")


def look(study: Study | MasksStudy) -> Status:
    """Read how far a study is, in the working folder."""
    batches = None
    if isinstance(study, Study):
        batches = set(study.batch_of.values())
    notes = read_notes(RESULTS / "logs", batches)
    alive, failures = sorted_out(notes)
    of_the_dead = {f for failure in failures for f in failure.targets}
    lives = {note["log"] for note in notes if not set(note["outputs"][:1]) & of_the_dead}
    counts = count(parts(study), failed_results(notes, lives))
    return Status(study.config.study, counts, alive, failures, _disk())


def _disk() -> list[str]:
    """What is wrong with the disk now: a job that met a full one could often not even write that down."""
    if not RESULTS.is_dir():
        return ["nothing has run yet: there is no results/"]
    said = []
    found = os.statvfs(RESULTS)
    if not os.access(RESULTS, os.W_OK):
        said.append("results/ cannot be written: the disk is read-only, or is not yours")
    if found.f_bavail * found.f_frsize < 2**20:
        said.append("the disk of results/ is full")
    if found.f_files and not found.f_favail:
        said.append("the disk of results/ has no room for another file, however small")
    return said


def text(status: Status, config: str, pilot: int | None) -> str:
    """The status as lines for a terminal of 100 columns."""
    named = [(f"{c.part.stage} {c.part.of}".strip(), c) for c in status.counts]
    wide = max((len(name) for name, _ in named), default=5)
    lines = [f"study {status.study}", ""]
    lines += [f"{'stage':<{wide}}  {'of':>7}  {'':<10}  {'done':>7}  {'excluded':>8}  {'waiting':>7}  {'failed':>6}"]
    for name, c in named:
        of = len(c.part.cases) or len(c.part.files)
        gone = str(c.excluded) if c.part.cases else ""
        here = f"  {c.here} of them here" if c.here else ""
        row = f"{name:<{wide}}  {of:>7}  {c.part.unit:<10}  {c.done:>7}  {gone:>8}  {c.waiting:>7}  {c.failed or '':>6}"
        lines.append((row + here).rstrip())
    lines += [f"! {warning}" for warning in status.warnings]
    if status.running:
        lines += ["", f"{_many(len(status.running), 'job')} at work:"]
        lines += [f"  {_job(job)}" for job in status.running[:10]]
        lines += ["  ..."] if len(status.running) > 10 else []
    for number, failure in enumerate(status.failures, start=1):
        lines += ["", *_failure(number, failure, config, pilot)]
    if not status.failures:
        lines += ["", "No job has failed."]
    return "\n".join(line[:WIDTH] if line.startswith("   says") else line for line in lines)


def _job(job: Running) -> str:
    minutes = max(0, int(time.time() - job.since)) // 60
    return f"{job.rule} {job.about}, {job.state} on {job.host}, {minutes} min"


def _failure(number: int, failure: Failure, config: str, pilot: int | None) -> list[str]:
    what = f"{failure.exception} at {failure.place}" if failure.exception else failure.message
    cases = f", {_many(len(set(failure.cases)), 'case')}" if failure.cases else ""
    head = f"{number}. {failure.cause}: {failure.rule}, {what} ({_many(failure.jobs, 'job')}{cases})"
    said = [f"   says   {failure.message}"] if failure.exception and failure.message else []
    advice = ADVICE[failure.cause].format(rule=failure.rule)
    again = retry(number, failure, config, pilot)
    return [head, *said, f"   log    {failure.log}", f"   again  {advice}", f"          {again}"]


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def retry(number: int, failure: Failure, config: str, pilot: int | None) -> str:
    """The command that runs only the jobs of one failure again."""
    named = [] if config == "config.yaml" else ["--configfile", shlex.quote(config)]
    own = [] if config == "config.yaml" else ["--config", shlex.quote(config)]
    where = "--profile workflow/profiles/slurm" if failure.slurm else "--cores all"
    what = " ".join(failure.targets)
    if failure.jobs > SHORT or len(what) > WIDTH // 2:
        sample = ["--pilot", str(pilot)] if pilot else []
        what = f"$({' '.join(['radparity', 'status', *own, *sample, '--targets', str(number)])})"
    sample = ["--config", f"pilot={pilot}"] if pilot else []
    return " ".join(["snakemake", what, where, *named, *sample])


def run(options: argparse.Namespace) -> str:
    """What the command prints. Raises ConfigError where the study cannot be read, or no failure has the number."""
    from radparity.kinds import open_study

    raw = read_config(options.config)
    study = open_study(raw | ({"pilot": options.pilot} if options.pilot else {}), options.config)
    status = look(study)
    if options.targets is not None:
        if not 1 <= options.targets <= len(status.failures):
            raise ConfigError(f"no failure has the number {options.targets}: there are {len(status.failures)}")
        return "\n".join(status.failures[options.targets - 1].targets)
    if options.json:
        return json.dumps(_plain(status, options), indent=1)
    return text(status, options.config, options.pilot)


def _plain(status: Status, options: argparse.Namespace) -> dict[str, Any]:
    stages = [
        {"stage": c.part.stage, "of": c.part.of, "unit": c.part.unit, "all": len(c.part.cases) or len(c.part.files)}
        | {"done": c.done, "excluded": c.excluded, "excluded_here": c.here, "waiting": c.waiting, "failed": c.failed}
        for c in status.counts
    ]
    failures = [
        asdict(failure) | {"retry": retry(number, failure, options.config, options.pilot)}
        for number, failure in enumerate(status.failures, start=1)
    ]
    running = [asdict(job) for job in status.running]
    return {"study": status.study, "stages": stages, "running": running, "failures": failures} | {
        "warnings": status.warnings
    }
