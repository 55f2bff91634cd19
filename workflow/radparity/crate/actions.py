"""What was done, out of the ledger: one action a case, or a job where the job makes one thing.

A job of Snakemake takes several cases. Its benchmark and its log are the job's; environment, inputs, parameters and
code are the case's, in the ledger entries of its files. So each case is an action, and the job is what held them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from radparity.crate import Level
from radparity.ledger import SUFFIX, sidecar
from radparity.provenance import Ledger

OUTSIDE = ("audit", "crate", "kit")
STAMP = re.compile(rb"(\d{4}-\d\d-\d\d) \d\d:\d\d:\d\d,\d{3} ")
END = 4096


@dataclass(frozen=True)
class Output:
    """A file that an action made; size in bytes, None where it is not kept."""

    path: str
    sha256: str
    size: int | None


@dataclass
class Job:
    """A job as Snakemake ran it: what it used, where its benchmark was found, and the days that its log names."""

    rule: str
    wildcards: dict[str, str]
    seconds: str = ""
    peak_mb: str = ""
    days: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        """Rule and wildcards in one."""
        return "/".join([self.rule, *self.wildcards.values()])


@dataclass
class Action:
    """What made some files: rule, wildcards, and everything that decided on their content."""

    rule: str
    wildcards: dict[str, str]
    inputs: dict[str, str]
    params: dict[str, Any]
    code: dict[str, str]
    versions: dict[str, str]
    device: str
    job: Job
    outputs: list[Output] = field(default_factory=list)

    @property
    def raw(self) -> dict[str, str]:
        """The raw paths that were read, with the digests of their content."""
        return dict(self.params.get("raw", {}))


def short(data: Any) -> str:
    """The first 12 hexadecimal digits of the digest of plain data."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:12]


def actions(ledger: Ledger, rules: Mapping[str, Mapping[str, str]], level: Level) -> dict[str, Action]:
    """Every action by an id that follows from what it is; those of one case's files are one.

    rules: rule to the patterns of its `benchmark` and `log`. level: `headline` leaves the cases' files to the lists of
    their batches, whose digests stand for them; `all` has every file, and the inputs of the study's jobs one by one.
    """
    jobs: dict[str, Job] = {}
    listed = _listed(ledger, jobs, rules)
    found: dict[str, Action] = {}
    for path in _paths(ledger.results, set() if level == "all" else set(listed)):
        entry = json.loads(sidecar(Path(path)).read_text(encoding="utf-8"))
        job = listed.get(path.rpartition("/")[0]) or listed.get(path) or _job(entry, jobs, rules)
        what = {name: entry[name] for name in ("rule", "wildcards", "inputs", "params", "code", "versions", "device")}
        key = "/".join([entry["rule"], *entry["wildcards"].values(), short(what)])
        if key not in found:
            inputs = what["inputs"] if level == "headline" else ledger.made_from(path)
            found[key] = Action(**{**what, "inputs": inputs, "code": _code(entry["code"])}, job=job)
        size = Path(path).stat().st_size if Path(path).is_file() else None
        found[key].outputs.append(Output(path, entry["sha256"], size))
    return found


def _paths(results: Path, cases: set[str]) -> Iterator[str]:
    """Files with an entry, in order; without `cases`, folders or files."""
    for top, folders, names in os.walk(results):
        at = Path(top)
        outside = OUTSIDE if at == results else ()
        folders[:] = sorted(name for name in folders if name not in outside and (at / name).as_posix() not in cases)
        made = ((at / name.removesuffix(SUFFIX)).as_posix() for name in sorted(names) if name.endswith(SUFFIX))
        yield from (path for path in made if path not in cases)


def _listed(ledger: Ledger, jobs: dict[str, Job], rules: Mapping[str, Mapping[str, str]]) -> dict[str, Job]:
    """The folder of each case of a batch, or each file where cases have none -> the job that held the case."""
    found: dict[str, Job] = {}
    for top, folders, names in os.walk(ledger.results):
        lists = sorted(name for name in names if name.startswith("batch_") and name.endswith(".json" + SUFFIX))
        for name in lists:
            path = Path(top, name.removesuffix(SUFFIX))
            entry = ledger.entry(path.as_posix())
            if entry is not None and path.is_file() and "made" in entry["params"]:
                job = _job(entry, jobs, rules)
                cases = json.loads(path.read_text(encoding="utf-8"))["cases"].values()
                for file in (file for case in cases for file, _ in case.values()):
                    folder = file.rpartition("/")[0]
                    found[file if folder == Path(top).as_posix() else folder] = job
        if lists:
            folders.clear()  # what lies below are the cases
        folders.sort()
    return found


def _job(entry: Mapping[str, Any], jobs: dict[str, Job], rules: Mapping[str, Mapping[str, str]]) -> Job:
    job = Job(entry["rule"], entry["wildcards"])
    if job.name not in jobs:
        jobs[job.name] = job
        known = rules.get(job.rule, {})
        # Of a case that is in no list any more there is neither.
        with suppress(KeyError):
            job.seconds, job.peak_mb = _benchmark(Path(known["benchmark"].format(**job.wildcards)))
            job.days = _days(Path(known["log"].format(**job.wildcards)))
    return jobs[job.name]


def _code(code: Any) -> dict[str, str]:
    return dict(code) if isinstance(code, dict) else {"script": str(code or ""), "environment": ""}


def _benchmark(path: Path) -> tuple[str, str]:
    """Seconds and peak memory in MB, as Snakemake wrote them; empty where it did not measure."""
    try:
        head, values, *_ = path.read_text(encoding="utf-8").splitlines()
        row = dict(zip(head.split("\t"), values.split("\t"), strict=True))
        return row["s"], row["max_rss"].replace("-", "")
    except (OSError, ValueError, KeyError):
        return "", ""


def _days(path: Path) -> tuple[str, str] | None:
    """The days of the first and of the last line of a job's log that has one, by the clock of the machine."""
    try:
        with path.open("rb") as stream:
            first = STAMP.search(stream.read(END))
            stream.seek(max(0, path.stat().st_size - END))
            last = STAMP.findall(stream.read(END))
    except OSError:
        return None
    return (first[1].decode(), last[-1].decode()) if first and last else None
