"""From a configuration and its sheets to a study, or to what must be mended first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from radparity.cohort.sources import read_sources
from radparity.config import load
from radparity.decisions import Decision, check_decisions
from radparity.download.sheet import Series, check_series
from radparity.enough import refuse_too_little
from radparity.enrolment import columns_of
from radparity.external import External, check_external
from radparity.made_by import refuse_disguised
from radparity.release.fixed import read_release
from radparity.sheets import Breast, Exam, Reading, check, read
from radparity.study import Study
from radparity.tested_on import settle, without


def load_study(raw: dict[str, Any], source: str = "config.yaml", everybody: bool = False) -> Study:
    """Check a configuration and its sheets and put them together.

    everybody: with the exams and breasts that leave by `train_on` and `test_on`, for what is asked of all the sheets.
    Raises ConfigError with the mend where a key, a sheet, a row or a combination cannot be used.
    """
    config = load(raw, source)
    own = columns_of(config.eligible)
    exams = read(Path(config.sheets.exams), Exam, own)
    breasts = read(Path(config.sheets.breasts), Breast, dict.fromkeys(config.compare.subgroups, "text") | own)
    readings = read(Path(config.sheets.readings), Reading)
    named = config.sheets.decisions
    decisions = read(Path(named), Decision, may_be_empty=True) if named else []
    settled = settle(config, exams, breasts, readings)
    check(exams, settled.breasts if settled else breasts, readings, config.readers.test)
    check_decisions(decisions, {b.breast: b.exam for b in breasts}, {e.exam for e in exams})
    series = read(Path(config.sheets.series), Series) if config.sheets.series else []
    check_series(series, exams)
    externals = {name: read(Path(str(arm.sheet)), External) for name, arm in config.arms.items() if arm.external}
    cases = settled.breasts if settled else breasts
    by_breast = {name: check_external(name, rows, cases) for name, rows in externals.items()}
    if settled and not everybody:
        stay, gone = settled.exams, settled.gone
        exams = [row for row in exams if row.exam in stay]
        breasts = [row for row in settled.breasts if row.breast not in gone]
        readings = [row for row in readings if row.breast not in gone]
        decisions = [row for row in decisions if row.exam in stay and row.breast not in gone]
        by_breast = {arm: without(rows, settled) for arm, rows in by_breast.items()}
    by_exam, by_name = {e.exam: e for e in exams}, {b.breast: b for b in breasts}
    release = read_release(config.release) if config.release else None
    announced = [row.wanted for row in series if row.exam in by_exam]
    study = Study(
        config,
        by_exam,
        by_name,
        readings,
        decisions,
        by_breast,
        release=release,
        settled=settled,
        series=announced,
        sources=read_sources(config.sheets.sources),
    )
    study.enrolment.check()
    refuse_too_little(study, source)
    refuse_disguised(study, source)
    return study
