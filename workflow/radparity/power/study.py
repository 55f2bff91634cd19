"""How many cases: studies drawn from a pilot, each judged by the study's own primary rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radparity.compare.many import margin_tests
from radparity.compare.margin import EQUIVALENT, INCONCLUSIVE, INFERIOR, SUPERIOR, TOO_FEW, verdict
from radparity.compare.patients import Float
from radparity.power.pilot import Pilot

FEWEST_PATIENTS = 8  # a pilot of fewer says nothing about the spread, and less about the tails, of a study
VERDICTS = {"equivalent": EQUIVALENT, "superior": SUPERIOR, "inferior": INFERIOR, "inconclusive": INCONCLUSIVE}
ERROR = "; Monte-Carlo standard error: sqrt(share (1 - share) / studies)"
COLUMNS: dict[str, str] = {
    "cases": "cases of the study",
    "patients": "patients of the study, median over the simulated studies",
    "studies": "simulated studies",
    "equivalent": "share of studies with the verdict equivalent",
    "equivalent_error": f"of the share equivalent{ERROR}",
    "superior": "share of studies with the verdict superior beyond the margin",
    "superior_error": f"of the share superior{ERROR}",
    "inferior": "share of studies with the verdict inferior",
    "inferior_error": f"of the share inferior{ERROR}",
    "inconclusive": "share of studies with the verdict inconclusive",
    "inconclusive_error": f"of the share inconclusive{ERROR}",
    "non_inferior": "share of studies whose interval lies above -margin",
    "note": "why there is no share",
}


@dataclass(frozen=True)
class Settings:
    """What is assumed, and the primary rule: margin (Dice), alpha a side, bootstrap draws, fewest cases, seed.

    `true_difference` is the mean difference in Dice, network minus readers, that is assumed to be true.
    """

    true_difference: float = 0.0
    studies: int = 1000
    power: float = 0.85
    margin: float = 0.05
    alpha: float = 0.05
    draws: int = 10_000
    minimum_cases: int = 50
    seed: int = 0

    @property
    def aim(self) -> str:
        """The verdict that is right if the assumption is true; its share is the power."""
        if abs(self.true_difference) <= self.margin:
            return "equivalent"
        return "superior" if self.true_difference > 0 else "inferior"


def obstacle(pilot: Pilot) -> str:
    """Why no study can be drawn from this pilot; empty where one can."""
    if pilot.patient_count < FEWEST_PATIENTS:
        return f"a pilot of {pilot.patient_count} patients is too small: at least {FEWEST_PATIENTS} are needed"
    if not pilot.sd > 1e-9:
        return "all differences of the pilot are the same: nothing is known of their spread"
    return ""


def power_table(pilot: Pilot, cases: Sequence[int], settings: Settings) -> pd.DataFrame:
    """The share of each verdict among studies of each number of cases; `COLUMNS` explains each column.

    A study is patients drawn from the pilot with replacement, their differences moved together so that their mean is
    the assumed one, until there are enough cases; of the last patient as many as fit. Each study is judged by
    `margin_test`'s interval and `verdict`. Where the pilot does not allow it the shares are nan and `note` says why.
    """
    why = obstacle(pilot)
    rows = [_nothing(number, settings, why) if why else _row(pilot, number, settings) for number in cases]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def needed(table: pd.DataFrame, settings: Settings) -> tuple[int | None, str]:
    """The smallest number of cases with the wanted power, and how it is known: `interpolated`, `smallest tried` (it may
    be fewer), `more than tried` (then there is no number) or `unknown`.

    The shares are made to rise with the number of cases (isotonic least squares), then interpolated linearly.
    """
    from scipy import optimize

    ordered = table.sort_values("cases")
    shares, sizes = ordered[settings.aim].to_numpy(dtype=float), ordered["cases"].to_numpy(dtype=float)
    if np.isnan(shares).any():
        return None, "unknown"
    rising = optimize.isotonic_regression(shares).x
    reached = np.flatnonzero(rising >= settings.power)
    if not len(reached):
        return None, "more than tried"
    first = int(reached[0])
    if first == 0:
        return int(sizes[0]), "smallest tried"
    share = (settings.power - rising[first - 1]) / (rising[first] - rising[first - 1])
    between = int(np.ceil(sizes[first - 1] + share * (sizes[first] - sizes[first - 1]) - 1e-9))
    return max(between, settings.minimum_cases), "interpolated"  # fewer have no verdict


def draw_studies(patients: Sequence[Float], cases: int, studies: int, seed: int) -> tuple[Float, Float]:
    """Sums of differences and numbers of cases, both (studies, patients), of studies with exactly so many cases.

    `patients`: the differences of each patient of the pilot. A row ends with zeros where others have more patients.
    """
    most = max(map(len, patients))
    partial = np.zeros((len(patients), most + 1))  # the sum of a patient's first 0, 1, 2 ... differences
    for row, own in enumerate(patients):
        partial[row, 1 : len(own) + 1] = np.cumsum(own)
    drawn = np.random.default_rng([seed, cases]).integers(0, len(patients), size=(studies, cases))
    sizes = np.array([len(own) for own in patients])[drawn]
    before = np.cumsum(sizes, axis=1) - sizes
    kept: NDArray[np.int64] = np.clip(cases - before, 0, sizes)
    width = int(np.count_nonzero(kept, axis=1).max())
    return partial[drawn, kept][:, :width], kept[:, :width].astype(np.float64)


def _row(pilot: Pilot, cases: int, settings: Settings) -> dict[str, Any]:
    sums, sizes = draw_studies(pilot.by_patient(settings.true_difference), cases, settings.studies, settings.seed)
    found = margin_tests(
        sums, sizes, margin=settings.margin, alpha=settings.alpha, draws=settings.draws, seed=settings.seed
    )
    said = [
        verdict(low, high, settings.margin, cases, settings.minimum_cases)
        for low, high in zip(found.low, found.high, strict=True)
    ]
    row = _nothing(cases, settings, TOO_FEW if cases < settings.minimum_cases else "")
    row["patients"] = float(np.median(np.count_nonzero(sizes, axis=1)))
    for name, meant in VERDICTS.items():
        share = said.count(meant) / settings.studies
        row |= {name: share, f"{name}_error": np.sqrt(share * (1 - share) / settings.studies)}
    row["non_inferior"] = 0.0 if cases < settings.minimum_cases else float(np.mean(found.low > -settings.margin))
    return row


def _nothing(cases: int, settings: Settings, why: str) -> dict[str, Any]:
    return dict.fromkeys(COLUMNS, np.nan) | {"cases": cases, "studies": settings.studies, "note": why}
