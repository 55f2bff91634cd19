"""What a study will take, before anything runs: hours, disk and files, from what the chain took for two exams.

Each figure of an exam or a breast is taken to grow in a straight line with the bytes of its raw data, through what was
measured for a small and for a large exam. Whatever was not measured stays blank.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from radparity.arms import points, selected
from radparity.config import Arm, ConfigError
from radparity.keep import TIERS, stays
from radparity.study import Study
from radparity.swept import DIGESTS

COLUMNS = (
    *("stage", "unit", "cases", "fetch_gb", "fetch_hours", "cpu_hours", "gpu_hours", "memory_gb", "files"),
    *(f"gb_{tier}" for tier in TIERS),
)
OF_EXAMS = ("intake", "eligible", "convert", "register")
ELSEWHERE = ("nnunet", "external")
"""Networks whose training and prediction nobody measured here."""
WHOLE_SLAB = 60 / 19
"""A measured slab holds 19 of its exam's 60 sections; one that gives patches from anywhere holds them all."""
FILES_OF_A_JOB = 5
"""Its batch's list, the list's ledger entry, log, benchmark, and Snakemake's own record."""


class Demand(NamedTuple):
    """Some cases of a stage. raw_mb: of their raw data together; largest_mb: of the case with most. development:
    whether they belong to development breasts. whole: of slabs, whether they hold all sections."""

    stage: str
    unit: str
    development: bool
    cases: int
    raw_mb: float
    largest_mb: float
    whole: bool = False


class Training(NamedTuple):
    """The trainings of one arm: how many, and the optimizer steps of each; network, width (none: its preset's own),
    patch in voxels and minibatch."""

    arm: str
    trainings: int
    steps: int
    network: str
    width: int | None
    voxels: int
    minibatch: int


def raw_megabytes() -> dict[str, float]:
    """Raw path to its MB, as the sweep recorded it. Raises ConfigError where it has not."""
    with DIGESTS.open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    if rows and "bytes" not in rows[0]:
        raise ConfigError(f"{DIGESTS} does not say how large the raw data is. Run `radparity sweep`, then call again")
    return {row["path"]: int(row["bytes"]) / 1e6 for row in rows}


def demands(study: Study, raw_mb: Mapping[str, float]) -> list[Demand]:
    """What goes through each stage of the way to the report. A breast has its share of its exam's raw data."""
    exams = {name: raw_mb[row.folder] for name, row in study.exams.items()}
    imaged: dict[str, int] = {}
    for row in study.breasts.values():
        imaged[row.exam] = imaged.get(row.exam, 0) + 1
    breasts = {name: exams[row.exam] / imaged[row.exam] for name, row in study.breasts.items()}
    trained = sorted({study.arms[name].harmonization for name in study.compared_networks})
    harmonizations = made_harmonizations(study)
    development = set(study.cases("development"))
    found = [_demand(stage, "exam", False, exams.values()) for stage in OF_EXAMS]
    for own in (True, False):
        cases = [mb for name, mb in breasts.items() if (name in development) == own]
        found += [
            _demand("harmonize", "breast", own, cases * len(harmonizations)),
            _demand("mask", "breast", own, cases),
        ]
    for label, whole in whole_slabs(study).items():
        cases = [breasts[name] for name in study.cases("development", label=label)]
        found.append(_demand("slab", "development breast", True, cases * len(trained))._replace(whole=whole))
    found.append(_demand("outline", "outlined breast", False, [breasts[name] for name in study.outlined]))
    found.append(_demand("consensus", "judged breast", False, [breasts[b] for b in study.cases("tuning", "test")]))
    here = [arm for arm in study.compared if study.arms[arm].network not in ELSEWHERE]
    predicted = [breasts[name] for arm in here for name in study.predicted(arm)]
    found += [_demand(stage, "breast and arm", False, predicted) for stage in ("predict", "segment")]
    found += [
        _demand(stage, "breast with a page", False, [breasts[b] for b in study.paged]) for stage in ("view", "page")
    ]
    return [one for one in found if one.cases]


def whole_slabs(study: Study) -> dict[str, bool]:
    """Label to whether its slabs hold all sections: patches without tumour are drawn from anywhere in them."""
    train = study.config.train
    return {"malignant": train.tumour_free_margin is not None, "benign": train.sampling == "code"}


def made_harmonizations(study: Study) -> list[str]:
    """The harmonizations that are made: of the compared arms, or of all where files go as soon as all read them."""
    if study.config.keep != "all":
        return study.harmonizations
    return sorted({study.arms[name].harmonization for name in study.compared})


def _demand(stage: str, unit: str, development: bool, megabytes: Iterable[float]) -> Demand:
    known = list(megabytes)
    return Demand(stage, unit, development, len(known), round(sum(known), 3), round(max(known, default=0), 3))


def trainings(study: Study) -> list[Training]:
    """The networks that are trained on the way to the report, with the experiments that it waits for."""
    names = list(study.compared)
    if "selection" in study.config.report.experiments:
        names += [name for own in selected(study.config).values() for name in own]
    if "learning_curve" in study.config.report.experiments:
        names += [name for own in points(study.config).values() for point in own for name in point.arms]
    arms: dict[str, Arm] = {name: study.arms[name] for name in names}
    train = study.config.train
    voxels = train.patch[0] * train.patch[1] * train.patch[2]
    return [
        Training(name, len(study.folds), train.steps, arm.network, arm.width, voxels, train.minibatch)
        for name, arm in arms.items()
        if arm.trained or arm.network == "nnunet"
    ]


class Measured:
    """The table of measurements: stage to figure to its value for the small and for the large exam."""

    def __init__(self, path: Path) -> None:
        """Read the table; lines that begin with # say where it comes from."""
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
        self._of: dict[str, dict[str, tuple[float, float]]] = {}
        for row in csv.DictReader(lines, delimiter="\t"):
            self._of.setdefault(row["stage"], {})[row["what"]] = float(row["small"]), float(row["large"])
        self._small, self._large = self._of.pop("raw")["mb"]

    def figures(self, stage: str) -> list[str]:
        """What was measured of a stage: seconds, memory, files, and the MB of each kind of file by its name."""
        return list(self._of.get(stage, {}))

    def total(self, stage: str, what: str, cases: int, raw_mb: float) -> float:
        """The sum of a figure over cases that have so many MB of raw data together."""
        small, large = self._of[stage][what]
        slope = max(0.0, (large - small) / (self._large - self._small))
        start = small - slope * self._small
        if start < 0:  # no exam takes less than nothing
            start, slope = 0.0, large / self._large
        return cases * start + slope * raw_mb


def rows(measured: Measured, wanted: Sequence[Demand]) -> list[dict[str, Any]]:
    """One row a stage with the COLUMNS; a figure that was not measured is None."""
    found: dict[str, dict[str, Any]] = {}
    for one in wanted:
        row = found.setdefault(one.stage, dict.fromkeys(COLUMNS) | {"stage": one.stage, "unit": one.unit, "cases": 0})
        row["cases"] += one.cases
        for what in measured.figures(one.stage):
            value = measured.total(one.stage, what, one.cases, one.raw_mb)
            value *= WHOLE_SLAB if one.whole and what == "slab.npy" else 1
            if what == "processor_s":
                _add(row, "cpu_hours", value / 3600)
            elif what == "memory_gb":
                peak = measured.total(one.stage, what, 1, one.largest_mb)
                row["memory_gb"] = max(row["memory_gb"] or 0.0, peak)
            elif what == "files":
                _add(row, "files", value)
            else:
                for tier in TIERS:
                    kept = stays(one.stage, what, tier, one.development)
                    _add(row, f"gb_{tier}", value / 1000 if kept else 0.0)
    return list(found.values())


def _add(row: dict[str, Any], column: str, value: float) -> None:
    row[column] = (row[column] or 0.0) + value


def training_rows(speeds: Path, wanted: Sequence[Training], gpu_seconds: float | None) -> list[dict[str, Any]]:
    """One row an arm. Seconds of a step grow with the square of the width, with the patch and with the minibatch.

    speeds: the table of measured steps; an architecture that is not in it stays blank. gpu_seconds: of a step, as the
    configuration says; without it nobody knows.
    """
    with speeds.open(newline="") as stream:
        known = {row["network"]: row for row in csv.DictReader(stream, delimiter="\t")}
    found = []
    for one in wanted:
        row = dict.fromkeys(COLUMNS) | {"stage": "train", "unit": f"network of {one.arm}", "cases": one.trainings}
        steps = one.trainings * one.steps
        if one.network in known:
            at = {name: float(value) for name, value in known[one.network].items() if name != "network"}
            wider = ((one.width or at["own_width"]) / at["width"]) ** 2
            a_step = at["seconds"] * at["threads"] * wider * one.voxels / at["voxels"] * one.minibatch / at["minibatch"]
            row["cpu_hours"] = steps * a_step / 3600
        if gpu_seconds is not None and one.network not in ELSEWHERE:
            row["gpu_hours"] = steps * gpu_seconds / 3600
        found.append(row)
    return found


def download_row(exams: int, files: int, size: int, megabits_per_second: float | None) -> dict[str, Any]:
    """The row of what is downloaded: size in bytes. Its hours are known where the configuration says how fast the
    connection is."""
    row = dict.fromkeys(COLUMNS) | {"stage": "download", "unit": "exam, to the raw folder", "cases": exams}
    hours = size * 8 / 1e6 / megabits_per_second / 3600 if megabits_per_second else None
    return row | {"fetch_gb": size / 1e9, "fetch_hours": hours, "files": files}


def job_files(jobs: int) -> dict[str, Any]:
    """The row of the files that every job leaves beside those of its cases."""
    row = dict.fromkeys(COLUMNS) | {"stage": "all", "unit": "job: list, ledger entry, log, benchmark, record"}
    return row | {"cases": jobs, "files": jobs * FILES_OF_A_JOB}


def write_table(path: Path, table: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows with the COLUMNS; a blank where nothing was measured."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([_cell(row[column]) for column in COLUMNS] for row in table)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
    return "" if value is None else str(value)
