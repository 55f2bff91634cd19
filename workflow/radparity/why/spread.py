"""Which causes reach which results: through the files that each case and each job of the whole study is made from.

What is made anew may come out the same, and what follows stands then; so this is the most that will be made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from radparity import ledger
from radparity.batch_job import LAYOUT
from radparity.record import read
from radparity.why.causes import CUT, REMOVED, UNMADE, Cause, Sheets, at_the_root, of_environment
from radparity.why.differences import differences, plain
from radparity.why.planned import Planned

# What waits for a check is made from other things: it runs after the check, and comes out the same.
CHECKS = ("fold_twins",)
Entry = dict[str, Any]


@dataclass
class Reached:
    """A job with the causes that reach it. made: case (empty for a job without cases) to the causes for which it is
    made anew. looks: causes for which it runs, whether or not it makes anything. gone: causes of cases that left.
    same: whether it is made of the very same as before, only since jobs before it run."""

    job: Planned
    made: dict[str, set[Cause]] = field(default_factory=dict)
    looks: set[Cause] = field(default_factory=set)
    gone: set[Cause] = field(default_factory=set)
    same: bool = False

    @property
    def all(self) -> set[Cause]:
        """Every cause of it."""
        return self.looks.union(self.gone, *self.made.values())


def entry(path: str) -> Entry | None:
    """The ledger entry of a file, or none."""
    try:
        return read(ledger.sidecar(Path(path)))
    except (OSError, ValueError):
        return None


class Spread:
    """The causes of every job of a plan; `edited` collects the scripts whose code has changed."""

    def __init__(self, jobs: Sequence[Planned], sheets: Sheets) -> None:
        self.sheets = sheets
        self.edited: set[str] = set()
        self.unseen: list[Planned] = []
        """jobs that would not run though their results are not what would be made now"""
        self.gone: list[Planned] = []
        """jobs that would not run though files of theirs are gone: nothing that stands needs them"""
        self._producer: dict[str, Reached] = {}
        self.reached = [self._reach(job) for job in jobs]

    def _reach(self, job: Planned) -> Reached:
        found = Reached(job)
        before = entry(job.outputs[0]) if job.outputs else None
        whole = self._of_job(job, before)
        if job.by_cases:
            listed = {} if before is None or not Path(job.outputs[0]).is_file() else before["params"].get("cases", {})
            for name in listed.keys() - job.cases.keys():
                found.gone |= self.sheets.of_params({}, differences({name: 1}, {}, self.sheets.names))
            for name in job.cases:
                own = self._of_case(job, name, whole, listed) | self._inherited(job, name)
                found.made[name] = at_the_root(own or self._overtaken(job, self._case_entry(job, name)))
            found.looks |= {cause for cause in whole if cause.kind != "follows"} | ({CUT} if job.unfinished else set())
        else:
            found.made[""] = at_the_root(whole | self._inherited(job, None) or self._overtaken(job, before))
        if not job.runs:
            causes = found.all
            if causes:
                (self.gone if causes <= {REMOVED, UNMADE} else self.unseen).append(job)
            found = Reached(job)
        else:
            needed = (self._producer[path] for paths in job.inputs.values() for path in paths if path in self._producer)
            found.looks |= {cause for other in needed for cause in other.all} | found.gone
            if not job.by_cases and not found.made[""] and not job.put_back:
                found.made[""], found.same = set(found.looks), True
        self._producer |= dict.fromkeys(job.outputs, found)
        return found

    def _of_job(self, job: Planned, before: Entry | None) -> set[Cause]:
        """What has changed in what all cases share, or the whole study's job was given."""
        found = set()
        if not job.by_cases and (job.unfinished or job.missing):
            found.add(CUT if job.unfinished else REMOVED if job.known else UNMADE)
        of_study = {path for path in job.newer if path not in self._producer}
        found |= {Cause("file", f"{path} was edited") for path in of_study}
        return found | (self._compared(job, before, job.params) if before else set())

    def _compared(self, job: Planned, before: Entry, params: dict[str, Any]) -> set[Cause]:
        """Params of the whole job, code and environment, with an entry's."""
        apart = ("code", "cases") if job.by_cases else ("code",)
        now = {key: value for key, value in plain(params).items() if key not in apart}
        then = {key: value for key, value in before["params"].items() if key not in apart}
        found = self.sheets.of_params(job.wildcards, differences(then, now, self.sheets.names))
        code, was = job.params.get("code"), before.get("code")
        if isinstance(code, dict) and isinstance(was, dict):
            if code["script"] != was.get("script"):
                self.edited.add(Path(job.script).stem)
                found.add(Cause("code", "code"))
            if code["environment"] != was.get("environment"):
                found.add(of_environment(Path(job.environment), before["versions"]))
        elif code != was:
            self.edited.add(Path(job.script).stem)
            found.add(Cause("code", "code"))
        return found

    def _of_case(self, job: Planned, name: str, whole: set[Cause], listed: dict[str, Any]) -> set[Cause]:
        """What has changed of one case itself."""
        unit, wildcards = job.params["unit"], _wildcards(job, name)
        own = {k: v for k, v in plain(job.cases[name]).items() if k != "reads"}
        if name in listed:
            then = {k: v for k, v in listed[name].items() if k != "reads"}
            found = self.sheets.of_case(unit, name, differences(then, own, self.sheets.names)) | whole
            return found | (set() if not job.runs or self._stands(job, wildcards) else {REMOVED})
        made = self._case_entry(job, name)
        if listed:
            came = self.sheets.of_params({}, differences({}, {name: 1}, self.sheets.names))
            return came if made is None else set()
        if made is None or not self._stands(job, wildcards):
            return {self._never(job, name)}
        shared = {k: v for k, v in job.params.items() if k not in (*LAYOUT, "unit")}
        then = {k: v for k, v in made["params"].items() if k in own}
        rest = made | {"params": {k: v for k, v in made["params"].items() if k not in own}}
        found = self._compared(job, rest, shared)
        return found | self.sheets.of_case(unit, name, differences(then, own, self.sheets.names))

    def _never(self, job: Planned, name: str) -> Cause:
        if job.unfinished:
            return CUT
        exam = self.sheets.breasts.get(name, name)
        if self.sheets.before and name not in self.sheets.before and exam not in self.sheets.before.values():
            return Cause("new", f"exam {exam} is new in the sheets")
        return REMOVED if job.known else UNMADE

    def _files(self, job: Planned, wildcards: dict[str, str]) -> Iterator[str]:
        return (pattern.format(**wildcards) for pattern in job.params["made"].values())

    def _case_entry(self, job: Planned, name: str) -> Entry | None:
        return entry(next(self._files(job, _wildcards(job, name))))

    @staticmethod
    def _overtaken(job: Planned, made: Entry | None) -> set[Cause]:
        """Whether what a result was made from has been made anew since, by a run that did not get to the result."""
        if not job.runs or made is None:
            return set()
        now = ((digest, entry(path)) for path, digest in made["inputs"].items())
        return {CUT} if any(found is not None and found["sha256"] != digest for digest, found in now) else set()

    def _stands(self, job: Planned, wildcards: dict[str, str]) -> bool:
        """Whether all files of a case are there, or went by the key `keep`."""
        paths = list(self._files(job, wildcards))
        return all(Path(path).is_file() or (entry(path) or {}).get("kept") is False for path in paths)

    def _inherited(self, job: Planned, name: str | None) -> set[Cause]:
        """The causes of the files that a case, or a job of the whole study, is made from."""
        own = job.cases[name] if name is not None else {}
        files = job.params.get("files", {}) if isinstance(job.params.get("files", {}), dict) else {}
        found: set[Cause] = set()
        read_through: set[str] = set()
        for references in files.values():
            for wanted in references if isinstance(references, list) else [references]:
                reference, cases = wanted, None
                if isinstance(wanted, dict):
                    reference, cases = wanted["file"], frozenset(wanted["cases"])
                given = reference.split(".")[0]
                read_through.add(given)
                for list_job in self._producers(job, given):
                    if name is not None and list_job.job.by_cases:
                        unit = list_job.job.params["unit"]
                        same = own.get("exam", name) if unit == "exam" else name
                        cases = frozenset(own.get("reads", {}).get(given, [same]))
                    found |= self._of_files(list_job, cases)
        for given in job.inputs.keys() - read_through:
            for producer in self._producers(job, given):
                # A batch's list beside them is waited for, and nothing of it is read.
                if not producer.job.by_cases or name is None:
                    found |= self._of_files(producer, None)
        return found

    def _producers(self, job: Planned, given: str) -> list[Reached]:
        found = {id(one): one for path in job.inputs.get(given, ()) if (one := self._producer.get(path)) is not None}
        return list(found.values())

    @staticmethod
    def _of_files(producer: Reached, cases: frozenset[str] | None) -> set[Cause]:
        """The causes of a job's files, of some cases or all."""
        if producer.same or producer.job.rule in CHECKS or not producer.job.runs:
            return set()
        if not producer.job.by_cases:
            return producer.made.get("", set())
        if cases is None:
            return producer.gone.union(*producer.made.values())
        named = cases if len(cases) == 1 else (case for case in producer.made if case in cases)
        return set().union(*(producer.made.get(case, set()) for case in named))


def _wildcards(job: Planned, name: str) -> dict[str, str]:
    """The wildcards of one case of a batch."""
    return {k: v for k, v in job.wildcards.items() if k != "batch"} | {job.params["unit"]: name}
