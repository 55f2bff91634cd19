"""Verdict: what the simulated studies say, and the paper's calculation beside it, in plain sentences and as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from radparity.power import closed_form
from radparity.power.pilot import Pilot
from radparity.power.study import COLUMNS, Settings, needed, obstacle

SMALL = 30  # patients; a standard deviation from fewer can be wrong by more than a quarter, even of normal differences
AIMS = {"equivalent": "equivalent", "superior": "superior beyond the margin", "inferior": "inferior"}
FROM_TUNING = (
    "The tuning cases also chose the threshold fraction, so the network looks a little better on them than on the test"
    " cases. The simulation moves the pilot's mean to the assumed difference; spread and failures stay the pilot's."
)


def power_verdict(table: pd.DataFrame, pilot: Pilot, source: str, settings: Settings) -> dict[str, Any]:
    """`sentences`, `cases_needed` (none where no number can be claimed), how it is `known`, the pilot's figures, what
    was assumed, the closed form for normal differences with the pilot's spread, and the paper's calculation.

    `table` is `power_table`'s; `source` is `tuning` or the name of the pilot's table.
    """
    number, known = needed(table, settings)
    normal = _normal(pilot, settings)
    said = _sentences(table, pilot, settings, number, known)
    if source == "tuning" and not obstacle(pilot):
        said.append(FROM_TUNING)
    return {
        "sentences": said,
        "cases_needed": number,
        "known": known,
        "aim": settings.aim,
        "power": settings.power,
        "assumed": {
            "true_difference": settings.true_difference,
            "margin": settings.margin,
            "alpha": settings.alpha,
            "minimum_cases": settings.minimum_cases,
        },
        "studies": settings.studies,
        "draws": settings.draws,
        "pilot": {
            "source": source,
            "cases": pilot.cases,
            "patients": pilot.patient_count,
            "mean": _finite(pilot.mean),
            "sd": _finite(pilot.sd),
            "design_effect": _finite(pilot.design_effect),
        },
        "normal_cases": normal,
        "paper": closed_form.paper(),
        "columns": COLUMNS,
    }


def _sentences(table: pd.DataFrame, pilot: Pilot, settings: Settings, number: int | None, known: str) -> list[str]:
    why = obstacle(pilot)
    if why:
        return [f"No number of cases is claimed: {why}."]
    aim, share = AIMS[settings.aim], f"{settings.power:.0%}"
    if abs(abs(settings.true_difference) - settings.margin) < 1e-12:
        said = [f"The assumed difference is the margin itself: no number of cases gives the verdict {aim!r} often."]
    elif known == "more than tried":
        said = [f"More than {int(table['cases'].max())} cases, the most that were tried, are needed for {share} power."]
    elif known == "smallest tried":
        said = [f"{number} cases, the fewest that were tried, already give the verdict {aim!r} with {share} power."]
    else:
        said = [f"{number} cases give the verdict {aim!r} with {share} power."]
    said.append(
        f"Assumed: a true mean difference of {settings.true_difference:g} Dice, margin {settings.margin:g}, alpha"
        f" {settings.alpha:g} a side, and differences spread like the pilot's {pilot.cases} cases of"
        f" {pilot.patient_count} patients."
    )
    if pilot.patient_count < SMALL:
        said.append(
            f"The pilot is small ({pilot.patient_count} patients, fewer than {SMALL}): a failure as rare as one in"
            f" {pilot.patient_count} may not be in it, and the number can be far too low."
        )
    return said


def _normal(pilot: Pilot, settings: Settings) -> int | None:
    """Cases by the closed form with the pilot's spread, times its design effect; none where it does not apply."""
    if obstacle(pilot) or settings.aim != "equivalent":
        return None
    spread = pilot.sd * np.sqrt(pilot.design_effect)

    def power(cases: float) -> float:
        return closed_form.equivalence_power(settings.margin, spread, cases, settings.true_difference, settings.alpha)

    found = closed_form.cases_for(settings.power, power)
    return int(np.ceil(found)) if np.isfinite(found) else None


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
