"""Tested on: an external test, settled when the study is loaded, so that every stage sees one truth.

With `train_on` and `test_on` the cohort of an exam decides what its breasts are for, and the sheet's partition only
within a cohort that trains. Development and tuning cases of those stay; their test cases are the internal test. Every
outlined case of a cohort in `test_on` is the external test. Cohorts in neither key leave.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from radparity.config import Config, ConfigError
from radparity.sheets import INTERNAL, LEFT_OUT, Breast, Exam, Reading, merged

if TYPE_CHECKING:
    from radparity.external import External
    from radparity.study import Study

NOT_NAMED = "cohort_not_named"
UNLABELLED = "test_cohort_unlabelled"
SAID = {
    NOT_NAMED: "its cohort is neither in train_on nor in test_on",
    UNLABELLED: "of a cohort in test_on, and no cancer that every reader of readers: test outlined",
}
STAGE = "cohort"
NOT_STATED = "not stated"


@dataclass(frozen=True)
class Left:
    """A breast that leaves before anything is made of it: its row of the sheet, its patient, and the code of why."""

    row: Breast
    patient: str
    code: str


@dataclass(frozen=True)
class Settled:
    """What the cohorts make of the sheets.

    breasts: every row of the sheet, in its order, with the partition it now has (`left_out` of one that leaves). exams:
    names of the exams that stay. left: the breasts that leave. numbers: breast to its row in the sheet. patients:
    exam to patient, of the whole sheet: a record that leaves may be what says that two others are one woman's.
    """

    breasts: list[Breast]
    exams: frozenset[str]
    left: list[Left]
    numbers: dict[str, int]
    patients: dict[str, str]

    @property
    def gone(self) -> frozenset[str]:
        """Names of the breasts that leave."""
        return frozenset(each.row.breast for each in self.left)


def settle(
    config: Config, exams: Sequence[Exam], breasts: Sequence[Breast], readings: Sequence[Reading]
) -> Settled | None:
    """The partitions under `train_on` and `test_on`; None where the configuration has neither.

    A case of a test cohort is labelled where every reader of `readers: test` outlined it; other breasts of such a
    cohort leave, but for `shown` ones of patients who are not judged. Raises ConfigError, with the mend, for a cohort
    that no exam has, and for a patient (by `same_as` too) with exams in both kinds of cohort.
    """
    if config.train_on is None or config.test_on is None:
        return None
    cohort_of = {row.exam: row.cohort for row in exams}
    _check_known({"train_on": config.train_on, "test_on": config.test_on}, cohort_of.values(), config.sheets.exams)
    patients = merged(list(exams))
    _check_apart(exams, patients, set(config.train_on), set(config.test_on))
    drawn: dict[str, set[str]] = {}
    for reading in readings:
        drawn.setdefault(reading.breast, set()).add(reading.rater)
    labelled = {
        row.breast
        for row in breasts
        if row.label == "malignant"
        and cohort_of.get(row.exam) in config.test_on
        and drawn.get(row.breast, set()).issuperset(config.readers.test)
    }
    judged = {patients[row.exam] for row in breasts if row.breast in labelled}
    settled, left = [], []
    for row in breasts:
        cohort = cohort_of.get(row.exam)
        partition: str = row.partition
        code = ""
        if row.exam not in cohort_of or cohort in config.train_on:
            partition = INTERNAL if partition == "test" else partition
        elif cohort not in config.test_on:
            code = NOT_NAMED
        elif row.breast in labelled:
            partition = "test"
        elif partition != "shown" or patients[row.exam] in judged:
            code = UNLABELLED
        settled.append(row.model_copy(update={"partition": LEFT_OUT if code else partition}))
        if code:
            left.append(Left(row, patients[row.exam], code))
    with_breasts = {row.exam for row in breasts}
    staying = {row.exam for row in settled if row.breast not in {each.row.breast for each in left}}
    both = {*config.train_on, *config.test_on}
    empty = {exam for exam, cohort in cohort_of.items() if exam not in with_breasts and cohort in both}
    numbers = {row.breast: number for number, row in enumerate(breasts, start=2)}
    return Settled(settled, frozenset(staying | empty), left, numbers, patients)


def without(rows: Mapping[str, External], settled: Settled) -> dict[str, External]:
    """An external arm's rows of the breasts that stay. What its training saw of a breast that leaves it saw of her
    patient: that is said in the rows that stay."""
    whose = {row.breast: settled.patients[row.exam] for row in settled.breasts}
    seen = {whose[name] for name, row in rows.items() if row.trained_on == "yes"}
    return {
        name: row.model_copy(update={"trained_on": "yes"}) if whose[name] in seen else row
        for name, row in rows.items()
        if name not in settled.gone
    }


def about_left_out(study: Study) -> dict[str, Any] | None:
    """What the flow chart says of those who left: breasts as `Study.described` has them with code and sentence, and
    exams with code and sentence. None of a study without cohorts, and of a pilot, which counts its sample only."""
    if study.settled is None or study.sample_of is not None:
        return None
    breasts: list[list[str]] = []
    gone: dict[str, list[str]] = {}
    for each in sorted(study.settled.left, key=lambda each: each.row.breast):
        row, why = each.row, [each.code, SAID[each.code]]
        breasts.append([row.breast, row.exam, each.patient, row.side or "", row.label, row.partition, *why])
        if row.exam not in study.exams:
            gone[row.exam] = why
    return {"breasts": breasts, "exams": dict(sorted(gone.items()))}


def grouped_by(study: Study, cases: Iterable[str]) -> dict[str, dict[str, str]]:
    """`cohort`, `site` and `scanner` to case to what the exams sheet says; an empty scanner is an empty text."""
    rows = {case: study.exams[study.exam_of(case)] for case in cases}
    return {
        "cohort": {case: row.cohort or NOT_STATED for case, row in rows.items()},
        "site": {case: row.site or NOT_STATED for case, row in rows.items()},
        "scanner": {case: row.scanner or "" for case, row in rows.items()},
    }


def _check_known(keys: Mapping[str, Sequence[str]], cohorts: Collection[str | None], sheet: str) -> None:
    known = sorted({name for name in cohorts if name})
    if not known:
        raise ConfigError(
            f"train_on and test_on name cohorts, and {sheet} has none. Add the column cohort: the name of each exam's"
            " collection or hospital"
        )
    for key, names in keys.items():
        unknown = [name for name in names if name not in known]
        if unknown:
            raise ConfigError(
                f"{key}: no exam of {sheet} is of the cohort {unknown[0]}. Write one of: {', '.join(known)}"
            )


def _check_apart(exams: Sequence[Exam], patients: Mapping[str, str], trained: set[str], tested: set[str]) -> None:
    """No patient on both sides: her images would teach the network that is tested on her."""
    one = {patients[row.exam]: row for row in reversed(exams) if row.cohort in trained}
    faults = []
    for number, row in enumerate(exams, start=2):
        other = one.get(patients[row.exam])
        if row.cohort in tested and other is not None:
            faults.append(
                f"  exams sheet row {number}: patient {patients[row.exam]} has {row.exam} in {row.cohort} (test_on) and"
                f" {other.exam} in {other.cohort} (train_on). Empty the cell 'cohort' of one of the two: it is then"
                " left out, and counted"
            )
    if faults:
        raise ConfigError("a patient cannot both train and be the external test:\n" + "\n".join(faults[:50]))
