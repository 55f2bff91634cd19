"""How patients are divided into batches: the exams and breasts that go through a stage in one job.

A study of 38,000 exams has more than 300,000 short steps. A job for each would keep Snakemake planning for ten minutes
and a cluster starting processes for days; so a job takes the cases of some patients, one after another.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection


class Batches:
    """Which batch a patient is in: a function of her id, so that a new patient leaves the others where they are.

    Patients whose breasts are judged (tuning, test, shown) never share a batch with those that only train: a new test
    case then leaves everything alone that a network is trained on. The number of batches is a power of two: where a
    growing study needs more, each is halved.
    """

    def __init__(
        self, patients: Collection[str], judged: Collection[str], size: int, others: str = "development"
    ) -> None:
        """patients: all of them; judged: those of them with a case in a judged partition; size: patients a batch;
        others: what the batches of the others are called."""
        self._others = others
        self._judged = frozenset(judged)
        self._count = {True: _count(len(self._judged), size), False: _count(len(set(patients) - self._judged), size)}
        self._names = {patient: self._name(patient) for patient in patients}

    def of(self, patient: str) -> str:
        """The name of a patient's batch, as development_03_of_16."""
        return self._names[patient]

    def _name(self, patient: str) -> str:
        judged = patient in self._judged
        count = self._count[judged]
        number = int.from_bytes(hashlib.sha256(patient.encode()).digest()[:8]) % count + 1
        return f"{'judged' if judged else self._others}_{number:0{len(str(count))}d}_of_{count}"


def _count(patients: int, size: int) -> int:
    return 1 << max(0, round(math.log2(max(1, patients) / size)))
