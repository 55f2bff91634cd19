"""Given: the partition and fold of each patient, which never change once the sweep has written them down.

They stand in `given.tsv` in the folder of the plan, not under results/, which may be deleted: a line a patient, with
folds by breast a line a development breast. It only grows; who leaves the study keeps her line.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from radparity.config import ConfigError
from radparity.fold import Member, assign_folds
from radparity.sheets import INTERNAL

if TYPE_CHECKING:
    from radparity.masks.study import MasksStudy
    from radparity.study import Study

GIVEN = "given.tsv"
COLUMNS = ("patient", "breast", "partition", "fold")
BEGIN_ANEW = "Only for a study that begins anew, remove {file} and run `radparity sweep`: every patient is dealt again"


@dataclass(frozen=True, order=True)
class Place:
    """Where a record of a patient was put. breast: empty, unless folds are by breast. fold: `2 of 5`, so that the line
    says of how many; empty outside development."""

    patient: str
    breast: str
    partition: str
    fold: str

    @property
    def number(self) -> str:
        """The name of the fold."""
        return self.fold.split(" of ")[0]


def read_given(folder: Path) -> list[Place] | None:
    """What was given so far; None before the first sweep. Raises ConfigError where the file cannot be read."""
    path = folder / GIVEN
    if not path.is_file():
        return None
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream, delimiter="\t"))
    if rows[:1] != [list(COLUMNS)] or any(len(row) != len(COLUMNS) for row in rows):
        raise ConfigError(f"{path} is not the table that the sweep wrote. Bring it back from version control")
    return [Place(*row) for row in rows[1:]]


def give(study: Study) -> tuple[list[Place], int]:
    """All that was given, with what the patients who are new in the sheets get; and how many lines are new.

    Raises ConfigError where the sheets or the configuration contradict what was given.
    """
    known = read_given(Path(study.config.plan)) or []
    standing = _standing(study, known)
    by_breast = study.config.fold.unit == "breast"
    before = {unit: place.number for unit, place in standing.items() if place.fold}
    fold = dealt(study, (b for b, row in study.breasts.items() if row.partition == "development"), before)
    # A line for each record number of hers: `same_as` may be taken back.
    records: dict[str, set[str]] = {}
    for exam, row in study.exams.items():
        records.setdefault(study.patients[exam], set()).add(row.patient)
    now: set[Place] = set()
    for name, breast in study.breasts.items():
        learned = breast.partition == "development"
        of = f"{fold[name]} of {len(study.folds)}" if learned else ""
        own = [study.exams[breast.exam].patient] if learned and by_breast else records[study.patient_of(name)]
        now |= {Place(patient, name if learned and by_breast else "", breast.partition, of) for patient in own}
    held = {(place.patient, place.breast) for place in known}
    new = [place for place in now if (place.patient, place.breast) not in held]
    return sorted([*known, *new]), len(new)


@contextmanager
def giving(study: Study | MasksStudy) -> Iterator[str]:
    """Give the new patients their places once what runs inside has ended well. Yields a sentence about it, empty where
    nobody is new; raises ConfigError, before it runs, as `give` does."""
    from radparity.study import Study as OfExams

    if not isinstance(study, OfExams):
        yield ""
        return
    places, new = give(study)
    folder = Path(study.config.plan)
    yield f"{new} new line{'s' * (new != 1)} in {folder / GIVEN}: who is where, for good" if new else ""
    write_given(folder, places)


def write_given(folder: Path, places: Iterable[Place]) -> None:
    """Write the table whole or not at all; leave the file alone where nothing changed."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerows([COLUMNS, *([p.patient, p.breast, p.partition, p.fold] for p in places)])
    path = folder / GIVEN
    if path.is_file() and path.read_text(encoding="utf-8") == text.getvalue():
        return
    folder.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(".writing-" + GIVEN)
    temporary.write_text(text.getvalue(), encoding="utf-8")
    os.replace(temporary, path)


def folds_given(study: Study) -> dict[str, str]:
    """Development breast to the fold that holds it out, of the breasts that may train.

    Raises ConfigError where the sweep has not given her one, and where the sheets contradict what was given.
    """
    file = Path(study.config.plan, GIVEN)
    places = read_given(file.parent)
    if places is None:
        raise ConfigError(
            f"{file}: no patient has been given a fold yet. Run `radparity sweep`, then call Snakemake again. Where"
            " there was such a file, bring it back first: without it patients may come into other folds than before"
        )
    standing = _standing(study, places)
    by_breast = study.config.fold.unit == "breast"
    units = {b: b if by_breast else study.patient_of(b) for b in study.cases("development")}
    unknown = sorted({unit for unit in units.values() if unit not in standing})
    if unknown:
        raise ConfigError(
            f"{file} does not know {unknown[0]} ({len(unknown)} such). Run `radparity sweep`, then call Snakemake again"
        )
    return {breast: standing[unit].number for breast, unit in units.items()}


def dealt(study: Study, breasts: Iterable[str], given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Breast to fold, as `assign_folds` deals these development breasts."""
    members = (Member(b, study.patient_of(b), study.breasts[b].label == "malignant") for b in breasts)
    return assign_folds(members, study.folds, study.config.seed, study.config.fold.unit, given)


def _standing(study: Study, places: Iterable[Place]) -> dict[str, Place]:
    """Patient of the sheets (records of one patient merged) to her place; with folds by breast, breast to its place."""
    file = Path(study.config.plan, GIVEN)
    patients = {row.patient: study.patients[exam] for exam, row in study.exams.items()}
    now: dict[str, tuple[str, int]] = {}
    for number, (name, row) in enumerate(study.breasts.items(), start=2):
        row_number = study.settled.numbers[name] if study.settled else number
        now.setdefault(study.patient_of(name), (row.partition, row_number))
    found: dict[str, Place] = {}
    faults: list[str] = []
    for place in places:
        _check_settings(study, place, file)
        patient = patients.get(place.patient)
        partition, row_number = now.get(patient or "", (place.partition, 0))
        if patient is None:
            continue  # she left
        other = found.setdefault(place.breast or patient, place)
        if partition != place.partition and patient != place.patient:
            faults.append(
                f"exams sheet: {place.patient} was given to {place.partition}, and by same_as she is {patient}, who is"
                f" in {partition}. Remove the line of {place.patient} from {file}, and run `radparity sweep`: all of"
                f" her is in {partition} then, and the networks are trained again"
            )
        elif partition != place.partition:
            faults.append(
                f"breasts sheet row {row_number}: patient {patient} is in {partition} here and was given to"
                f" {place.partition}. {_mend(study, place)}. Only where no network was"
                f" trained and no case scored since, remove her line from {file} and run `radparity sweep` instead"
            )
        elif other.partition == place.partition and other.fold != place.fold:
            faults.append(
                f"exams sheet: {other.patient} (fold {other.fold}) and {place.patient} (fold {place.fold}) are one"
                f" patient by same_as. Remove the line of one of them from {file}, and run `radparity sweep`: she"
                " keeps the other's fold, and the networks are trained again"
            )
    if faults:
        raise ConfigError(
            f"a patient's partition and fold never change once given ({file}):\n"
            + "\n".join(f"  {fault}" for fault in faults[:50])
        )
    return found


def _mend(study: Study, place: Place) -> str:
    if study.settled is None and place.partition != INTERNAL:
        return f"Write {place.partition} in the rows of her breasts"
    return "Her cohort decides: write train_on and test_on as they were then"


def _check_settings(study: Study, place: Place, file: Path) -> None:
    """Other folds, or folds of something else, would move everybody."""
    fold = study.config.fold
    was = place.fold.partition(" of ")[2]
    anew = BEGIN_ANEW.format(file=file)
    if was and was != str(fold.folds):
        raise ConfigError(
            f"fold: folds: {fold.folds}, but the patients were given to {was} folds. Write instead: folds: {was}."
            f" {anew}"
        )
    unit = "breast" if place.breast else "patient"
    if place.fold and unit != fold.unit:
        raise ConfigError(
            f"fold: unit: {fold.unit}, but folds were given by {unit}. Write instead: unit: {unit}; {anew}"
        )
