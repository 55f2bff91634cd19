"""What the jobs will take: from what the same rules took in this study, else from the table of the estimate."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from radparity import estimate
from radparity.config import ConfigError
from radparity.study import Study
from radparity.why.planned import Planned
from radparity.why.spread import entry

MEASURED, STEPS = Path("resources/estimate/measured.tsv"), Path("resources/estimate/steps.tsv")


@dataclass
class Cost:
    """Hours of processors and of GPUs; the rules by where their time is known from (`here`, `table`, `unknown`)."""

    processor: float = 0.0
    gpu: float = 0.0
    rules: dict[str, set[str]] = field(default_factory=lambda: {"here": set(), "table": set(), "unknown": set()})


class Prices:
    """Seconds of one case, or of one job of the whole study, of each rule."""

    def __init__(self, jobs: Sequence[Planned], study: object) -> None:
        self._here: dict[str, float] = {}
        self._stage = {job.rule: job.stage for job in jobs}
        self._on_gpu: dict[str, bool] = {}
        for job in jobs:
            seconds = _seconds(Path(job.benchmark)) if job.benchmark else None
            if seconds is not None:
                # A job that found most of its cases standing took little: the most that one took says more.
                one = seconds / max(1, len(job.cases) if job.by_cases else 1)
                self._here[job.rule] = max(one, self._here.get(job.rule, 0.0))
                if job.rule not in self._on_gpu:
                    self._on_gpu[job.rule] = _on_gpu(job)
        self._table = _table(study) if isinstance(study, Study) else {}

    def of(self, made: Mapping[str, int]) -> Cost:
        """What so many cases (or jobs) of each rule take."""
        found = Cost()
        for rule, count in made.items():
            known = self._here.get(rule)
            source = "here" if known is not None else "table" if self._stage[rule] in self._table else "unknown"
            seconds = known if known is not None else self._table.get(self._stage[rule], 0.0)
            found.processor += count * seconds / 3600
            found.gpu += count * seconds / 3600 if self._on_gpu.get(rule) else 0.0
            found.rules[source].add(rule)
        return found


def _seconds(benchmark: Path) -> float | None:
    """Seconds of the processor that a job took; of the clock where they were not measured."""
    try:
        with benchmark.open(newline="", encoding="utf-8") as stream:
            row = next(csv.DictReader(stream, delimiter="\t"))
        return max(float(row["cpu_time"]) if row["cpu_time"] not in ("NA", "-") else 0.0, 0.0) or float(row["s"])
    except (OSError, StopIteration, KeyError, ValueError, TypeError):
        return None


def _on_gpu(job: Planned) -> bool:
    """Whether a job's results were computed on a GPU."""
    if job.by_cases:
        unit, name = job.params["unit"], next(iter(job.cases), "")
        wildcards = {k: v for k, v in job.wildcards.items() if k != "batch"} | {unit: name}
        outputs = [pattern.format(**wildcards) for pattern in job.params["made"].values()]
    else:
        outputs = job.outputs
    return bool(outputs) and (entry(outputs[0]) or {}).get("device", "cpu") != "cpu"


def _table(study: Study) -> dict[str, float]:
    """Stage to the seconds of one case by the estimate's table, over the study's own cases."""
    try:
        megabytes = estimate.raw_megabytes()
        wanted = estimate.demands(study, megabytes)
    except (OSError, KeyError, ConfigError):
        return {}
    measured = estimate.Measured(MEASURED)
    cases: Counter[str] = Counter()
    total: dict[str, float] = {}
    for one in wanted:
        if "processor_s" in measured.figures(one.stage):
            cases[one.stage] += one.cases
            seconds = measured.total(one.stage, "processor_s", one.cases, one.raw_mb)
            total[one.stage] = total.get(one.stage, 0.0) + seconds
    found = {stage: total[stage] / cases[stage] for stage in total}
    trainings = estimate.training_rows(STEPS, estimate.trainings(study), study.config.estimate.gpu_seconds_a_step)
    hours = [row["cpu_hours"] / row["cases"] for row in trainings if row["cpu_hours"]]
    return found | ({"train": 3600 * max(hours)} if hours else {})
