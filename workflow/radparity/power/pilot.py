"""The pilot: paired differences (network minus readers, Dice) of some patients, that a larger study is drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from radparity.compare.margin import standard_error
from radparity.compare.patients import Float, checked, number
from radparity.compare.scores import Case, EmptyPolicy, averaged, score
from radparity.consensus import Rule

COLUMNS = ["patient", "difference"]


@dataclass(frozen=True)
class Pilot:
    """One difference a case, shape (cases,), and the patient of each."""

    patients: list[str]
    differences: Float

    def __post_init__(self) -> None:
        checked(self.differences, self.patients)

    @property
    def cases(self) -> int:
        return len(self.differences)

    @property
    def patient_count(self) -> int:
        return number(self.patients)[1]

    @property
    def mean(self) -> float:
        return float(self.differences.mean()) if self.cases else float("nan")

    @property
    def sd(self) -> float:
        """Standard deviation of the differences; nan below two cases."""
        return float(self.differences.std(ddof=1)) if self.cases > 1 else float("nan")

    @property
    def design_effect(self) -> float:
        """How much wider the variance of the mean is because patients are clusters; nan where nothing varies."""
        if self.patient_count < 2 or not self.sd > 0:
            return float("nan")
        return float((standard_error(self.differences, self.patients) * np.sqrt(self.cases) / self.sd) ** 2)

    def by_patient(self, true_difference: float) -> list[Float]:
        """Each patient's differences, sorted by name, moved together so that their mean is `true_difference`."""
        moved = self.differences - self.mean + true_difference
        numbers, count = number(self.patients)
        return [moved[numbers == patient] for patient in range(count)]


def of_cases(cases: Sequence[Case], rule: Rule, empty: EmptyPolicy) -> Pilot:
    """Cases scored as the comparison scores the test cases; a case without a usable reference is left out."""
    if not cases:
        return Pilot([], np.empty(0))
    used = averaged(score(cases, rule, empty)).dropna(subset=["difference"])
    return Pilot(used["patient"].astype(str).tolist(), used["difference"].to_numpy(dtype=np.float64))


def of_table(path: Path) -> Pilot:
    """A tab-separated table with the columns `patient` and `difference` (Dice, network minus readers), a row a case.

    Raises ValueError with the row where the table cannot be used.
    """
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    for column in COLUMNS:
        if column not in table.columns:
            raise ValueError(f"{path}: no column {column}. The pilot needs the columns patient and difference")
    values = pd.to_numeric(table["difference"], errors="coerce").to_numpy(dtype=np.float64)
    for row, (patient, value) in enumerate(zip(table["patient"], values, strict=True), 2):
        if not patient.strip():
            raise ValueError(f"{path}, row {row}: no patient. Name the patient of every case")
        if not abs(value) <= 1:
            said = table["difference"].iloc[row - 2]
            raise ValueError(f"{path}, row {row}: difference is {said!r}. Write a difference in Dice, from -1 to 1")
    return Pilot(table["patient"].str.strip().tolist(), values)
