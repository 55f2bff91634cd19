"""A pilot: a sample of a study's own sheets that runs the whole chain before the whole study does.

Whole patients are drawn, by seed and name, so that scanners, years and numbers of acquisitions are taken in the same
shares as they have in the study. No test case is in it: scoring one would be a look at the test set. Half of the drawn
tuning patients stand in for the test cases, so that the comparison runs; it says nothing about the network.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from radparity.config import ConfigError
from radparity.masks.study import MasksStudy
from radparity.record import read
from radparity.strata import Stratum, read_strata
from radparity.study import Study

FOLDS = Path("results/fold/folds.tsv.ledger.json")
TRAINED = "results/train/*/*/weights.pt"
TUNING = 4  # patients: two to tune on, two that stand in
SHOWN = 1
GROUPS = ("development, malignant", "development, benign", "tuning", "shown")
FACTS, TOGETHER = Stratum._fields, "together"


def sample(study: Study, exams: int) -> Study:
    """The pilot of a study, of about this many exams: more where whole patients or the fewest of a kind ask for it.

    Raises ConfigError where the sweep has not noted what tells exams apart.
    """
    strata = read_strata([row.folder for row in study.entered.values()])
    kinds = _kinds(study)
    of_patient: dict[str, list[str]] = {}
    for exam in sorted(study.entered):
        of_patient.setdefault(study.patients[exam], []).append(exam)
    drawn: dict[str, list[str]] = {}
    quotas = _quotas(exams, {kind: sum(len(of_patient[p]) for p in own) for kind, own in kinds.items()})
    # Every fold learns from both kinds of breast, also where the data of some of them has a fault.
    learned = dict.fromkeys(GROUPS[:2], 2 * study.config.fold.folds)
    fewest = {"tuning": TUNING, "shown": SHOWN} | learned
    for kind in GROUPS:
        found = {patient: strata[study.exams[of_patient[patient][0]].folder] for patient in kinds.get(kind, [])}
        drawn[kind], held = [], 0
        for patient in spread(found, study.config.seed):
            if held >= quotas[kind] and len(drawn[kind]) >= fewest[kind]:
                break
            drawn[kind].append(patient)
            held += len(of_patient[patient])
    patients = {patient for own in drawn.values() for patient in own} | _with_masks(study, drawn)
    return _restricted(study, patients, set(drawn["tuning"][1::2]))


def spread(found: dict[str, Stratum], seed: int) -> Iterator[str]:
    """Patients in an order of which every beginning holds each scanner, year and number of acquisitions, and each
    stratum, in about the share that it has in all. Within a stratum it is drawn by seed and name."""

    drawn = {name: hashlib.sha256(f"{seed}/pilot/{name}".encode()).hexdigest() for name in found}
    own: dict[Stratum, list[str]] = {}
    for patient in sorted(found, key=drawn.__getitem__, reverse=True):
        own.setdefault(found[patient], []).append(patient)
    facts = {stratum: list(_facts([stratum])) for stratum in own}
    share = {fact: count / len(found) for fact, count in _facts(found.values()).items()} if found else {}
    behind = dict.fromkeys(share, 0.0)
    while own:
        for fact, each in share.items():
            behind[fact] += each
        stratum = max(own, key=lambda s: (round(sum(behind[fact] for fact in facts[s]), 9), drawn[own[s][-1]]))
        for fact in facts[stratum]:
            behind[fact] -= 1
        yield own[stratum].pop()
        if not own[stratum]:
            del own[stratum]


def _kinds(study: Study) -> dict[str, list[str]]:
    """Kind of patient to the patients that may be drawn: those with a breast in the sheets, none of a test case."""
    found: dict[str, str] = {}
    for breast in study.cases():
        row, patient = study.breasts[breast], study.patient_of(breast)
        malignant = row.label == "malignant" or found.get(patient) == GROUPS[0]
        found[patient] = GROUPS[0 if malignant else 1] if row.partition == "development" else row.partition
    kinds: dict[str, list[str]] = {}
    for patient, kind in sorted(found.items()):
        kinds.setdefault(kind, []).append(patient)
    return kinds


def _quotas(exams: int, held: dict[str, int]) -> dict[str, float]:
    """How many of the exams each kind gets: its share, the tuning cases also that of the test cases; what a kind has
    too few for is the others'."""
    weight = {kind: held.get(kind, 0) for kind in GROUPS}
    weight["tuning"] += held.get("test", 0)
    quotas: dict[str, float] = {}
    left = float(exams)
    # The kind that runs out first is the one with the fewest exams for its weight.
    for kind in sorted(GROUPS, key=lambda kind: held.get(kind, 0) / max(1, weight[kind])):
        whole = sum(each for name, each in weight.items() if name not in quotas)
        quotas[kind] = min(held.get(kind, 0), left * weight[kind] / max(1, whole))
        left -= quotas[kind]
    return quotas


def _with_masks(study: Study, drawn: dict[str, list[str]]) -> set[str]:
    """Patients whose masks train the mask network, where too few of those drawn have one."""
    having = sorted({study.patient_of(breast) for breast in study.breast_masks})
    held = set(having) & {patient for own in drawn.values() for patient in own}
    return set(having[:TUNING]) if len(held) < TUNING else set()


def _restricted(study: Study, patients: set[str], stand_in: set[str]) -> Study:
    """The study of these patients; the tuning cases of those who stand in are test cases."""
    exams = {name: row for name, row in study.entered.items() if study.patients[name] in patients}
    breasts = {
        name: row.model_copy(update={"partition": "test"}) if study.patient_of(name) in stand_in else row
        for name, row in study.breasts.items()
        if row.exam in exams
    }
    return replace(
        study,
        exams=exams,
        breasts=breasts,
        readings=[row for row in study.readings if row.breast in breasts],
        decisions=[row for row in study.decisions if row.exam in exams],
        externals={arm: {b: row for b, row in rows.items() if b in breasts} for arm, rows in study.externals.items()},
        sample_of=study,
        series=[row for row in study.series if row.exam in exams],
    )


def about(study: Study | MasksStudy) -> dict[str, Any] | None:
    """What the report says of a pilot: exams, all exams, and how often each scanner, year and number of acquisitions is
    in it and in all; None of a whole study."""
    if isinstance(study, MasksStudy) or study.sample_of is None:
        return None
    strata = read_strata([])
    both = (study, study.sample_of)
    taken, whole = (_facts(strata[row.folder] for row in each.exams.values()) for each in both)
    rows: list[list[Any]] = [[f, value, taken[f, value], n] for (f, value), n in whole.items() if f != TOGETHER]
    rows.sort(key=lambda row: (FACTS.index(row[0]), -row[3], row[1]))
    return {"exams": len(study.exams), "of": len(study.sample_of.exams), "strata": rows}


def _facts(strata: Iterable[Stratum]) -> Counter[tuple[str, str]]:
    """How often each value of each fact, and each stratum as a whole, is among these."""
    return Counter(
        pair for stratum in strata for pair in (*zip(FACTS, stratum, strict=True), (TOGETHER, "\n".join(stratum)))
    )


def refuse_over_whole(study: Study | MasksStudy) -> None:
    """Raises ConfigError where results/ holds networks of the whole study: a pilot would train others over them."""
    if study.whole is study or not FOLDS.is_file() or not any(Path().glob(TRAINED)):
        return
    if read(FOLDS)["params"].get("pilot") is None:
        raise ConfigError(
            "results/ holds networks that were trained on the whole study, and a pilot would train others over them."
            " Run it in a copy of the project, as: cp -al results ../pilot/results (no space is needed); or remove"
            " results/fold and results/train"
        )
