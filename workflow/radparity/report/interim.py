"""Interim: the results of a study that is not finished, for the same page, from whatever files exist now."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from radparity import ledger
from radparity.compare.columns import FEW_TABLES, TABLES
from radparity.decisions import about_decisions
from radparity.job import digest_of
from radparity.pilot import about
from radparity.record import read
from radparity.release.fixed import about_release
from radparity.report.results import STAGES, Results, read_results
from radparity.status.counts import status
from radparity.status.stages import RESULTS, Part, parts
from radparity.study import Study
from radparity.tested_on import about_left_out

PUBLISHED = "resources/published/hirsch_2022.yaml"


def read_interim(study: Study) -> Results:
    """What there is of a study under results/. A comparison counts only where it is whole and of what stands now."""
    primary = study.config.primary_arm
    grid = study.arms[primary].harmonization
    own = {part.stage: part for part in parts(study) if part.cases and part.of in ("", grid, primary)}
    awaited = {stage: part for stage, part in own.items() if stage in STAGES}
    entered = {*study.entered, *study.cases()}
    files = {stage: _records(part, entered) for stage, part in awaited.items()}
    found = {
        "published": [PUBLISHED],
        "curves": _there(f"train/{arm}/{k}/curve.tsv" for arm in study.compared_networks for k in study.folds),
        "training": _there(f"train/{arm}/{k}/train.json" for arm in study.compared_networks for k in study.folds),
        "fractions": _there(f"segment/{arm}/fraction.json" for arm in study.compared),
        "twins": _there(["fold/twins_all.json"]),
        "shifts": _there(["outline/shifts.tsv"]),
        **_comparison(study),
    }
    breasts = study.described(study.cases())
    apart = {"raw", "sheets", "keep", "scratch", "audit", "crate"}
    config = study.config.model_dump(mode="json", by_alias=True, exclude=apart)
    decided = about_decisions(study.decisions, study.config.sheets.decisions)
    said = (about(study), about_release(study), decided, about_left_out(study), study.cited)
    results = read_results(files | found, config, breasts, *said)
    return replace(results, awaited={stage: part.cases for stage, part in awaited.items()}, exams=sorted(study.exams))


def _records(part: Part, entered: Collection[str]) -> list[str]:
    return [path.as_posix() for case in part.cases if case in entered and status(path := part.record(case))]


def _there(names: Iterable[str]) -> list[str]:
    return [path.as_posix() for name in names if (path := RESULTS / name).is_file()]


def _comparison(study: Study) -> dict[str, list[str]]:
    """The tables of the comparison and their standing under the plan; nothing where one is missing or out of date."""
    names = FEW_TABLES if study.few else TABLES
    tables = [RESULTS / "compare" / arm / f"{table}.tsv" for arm in study.compared for table in names]
    plans = [RESULTS / "compare" / arm / "plan.json" for arm in study.compared]
    if not all(map(is_current, [*tables, *plans])):
        return {}
    compared = {case for path in plans for case in read(ledger.sidecar(path))["params"].get("patients", {})}
    if not compared <= set(study.cases("test")):  # of another release
        return {}
    return {"compare": [path.as_posix() for path in tables], "plans": [path.as_posix() for path in plans]}


def is_current(path: Path) -> bool:
    """Whether a result is there and its inputs are still those that it was made from."""
    try:
        inputs = read(ledger.sidecar(path))["inputs"]
        return path.is_file() and all(digest_of(Path(source)) == digest for source, digest in inputs.items())
    except (OSError, ValueError, KeyError):
        return False
