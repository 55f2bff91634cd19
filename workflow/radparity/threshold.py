"""The threshold fraction: tuned on the tuning cases, and how far the choice moves with other patients or references
(reader_statistics, section 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radparity.compare.patients import Float, draw, number
from radparity.compare.scores import dice
from radparity.consensus import RETUNED
from radparity.segment import segment_section

FRACTIONS = [round(0.05 * n, 2) for n in range(1, 20)]
"""Of the section's maximum."""
TIE = 1e-9
PRIMARY, SENSITIVITY = "primary", "sensitivity"
NO_CASE = "no tuning case is left: see the excluded cases, or write segment: fraction: 0.5"

CURVE = {
    "rule": "how the references are made: the study's own rule, then others",
    "role": "primary: the study's own rule, which decides on the fraction; sensitivity: another rule",
    "fraction": "threshold as a fraction of the section's maximum",
    "mean_dice": "mean over tuning cases of Dice, averaged over each case's non-empty references, 0 to 1",
    "cases": "tuning cases with such a reference",
    "patients": "their patients",
    "chosen": "1 at the fraction with the best mean Dice on this rule (ties: middle of the run, then larger), else 0",
    "share": "share of bootstrap samples of the patients that choose this fraction, 0 to 1; empty below two patients",
}


@dataclass(frozen=True)
class TuningCase:
    """A tuning case: the judged section of its probability map and references by rule, all (anterior, superior)."""

    case: str
    patient: str
    section: NDArray[Any]
    references: Mapping[str, Sequence[NDArray[np.bool_]]]


def curve_of(cases: Sequence[TuningCase], rule: str, component: float) -> tuple[Float, list[str]]:
    """Dice of each fraction and case, averaged over the case's references of a rule, and the patient of each case.

    The array has shape (fractions, cases); cases whose references are all empty are left out of both.
    """
    used = [(c, [r for r in c.references[rule] if r.any()]) for c in cases]
    used = [(case, references) for case, references in used if references]
    found = np.empty((len(FRACTIONS), len(used)))
    for column, (case, references) in enumerate(used):
        for row, fraction in enumerate(FRACTIONS):
            mask = segment_section(case.section, fraction, component)
            found[row, column] = np.mean([dice(mask, reference) for reference in references])
    return found, [case.patient for case, _ in used]


def best(means: Float) -> NDArray[np.intp]:
    """The chosen fraction's position for each column of `means` (fractions, columns).

    Among fractions within 1e-9 of the best the one nearest the middle of their run, then the larger.
    """
    within = means >= means.max(axis=0) - TIE
    first, last = within.argmax(axis=0), len(means) - 1 - within[::-1].argmax(axis=0)
    apart = np.abs(2 * np.arange(len(means))[:, None] - (first + last))
    apart = np.where(within, apart, 4 * len(means))
    position: NDArray[np.intp] = len(means) - 1 - apart[::-1].argmin(axis=0)
    return position


def spread(dice_values: Float, patients: Sequence[str], draws: int, seed: int) -> Float:
    """Share of bootstrap samples of the patients that choose each fraction, shape (fractions,); nan below two patients.

    dice_values: (fractions, cases), as `curve_of` gives it; a patient is drawn with all her cases.
    """
    numbers, count = number(patients)
    if count < 2:
        return np.full(len(dice_values), np.nan)
    sums = np.stack([np.bincount(numbers, weights=row, minlength=count) for row in dice_values])
    sizes = np.bincount(numbers, minlength=count)
    chosen = np.zeros(len(dice_values), dtype=np.int64)
    for rows in draw(count, draws, seed):
        means = sums[:, rows].sum(axis=2) / sizes[rows].sum(axis=1)
        chosen += np.bincount(best(means), minlength=len(dice_values))
    return np.asarray(chosen / draws)


def tune(
    cases: Sequence[TuningCase], rule: str, component: float, *, draws: int, seed: int
) -> tuple[dict[str, Any], pd.DataFrame]:
    """The fraction that maximizes the mean over tuning cases of Dice averaged over the case's references of `rule`.

    Returns the facts and the curve, one row a rule and fraction, as `CURVE` explains; every rule that the cases have
    references of is tuned on, the study's own first. The facts: fraction, curve (of the study's own rule), cases
    (names), patients, draws, shares (fraction to share, where some sample chose it), retuned (other rule to fraction).

    Raises ValueError where no tuning case is left.
    """
    rules = [rule, *(other for other in RETUNED if cases and other != rule and other in cases[0].references)]
    parts, fractions = [], {}
    for each in rules:
        values, patients = curve_of(cases, each, component)
        if not patients:
            if each == rule:
                raise ValueError(NO_CASE)
            continue
        means = values.mean(axis=1)
        position = int(best(means[:, None])[0])
        fractions[each] = FRACTIONS[position]
        parts.append(
            pd.DataFrame(
                {
                    "rule": each,
                    "role": PRIMARY if each == rule else SENSITIVITY,
                    "fraction": FRACTIONS,
                    "mean_dice": means,
                    "cases": len(patients),
                    "patients": len(set(patients)),
                    "chosen": (np.arange(len(means)) == position).astype(int),
                    "share": spread(values, patients, draws, seed),
                }
            )
        )
    own = parts[0]
    shares = {f"{f:g}": float(s) for f, s in zip(own["fraction"], own["share"], strict=True) if s > 0}
    facts = {
        "fraction": fractions.pop(rule),
        "curve": [
            {"fraction": float(f), "mean_dice": float(m), "cases": float(own["cases"][0])}
            for f, m in zip(own["fraction"], own["mean_dice"], strict=True)
        ],
        "cases": [case.case for case in cases],
        "patients": int(own["patients"][0]),
        "draws": draws,
        "shares": shares,
        "retuned": fractions,
    }
    return facts, pd.concat(parts, ignore_index=True)[list(CURVE)]


def fixed(fraction: float, cases: Sequence[TuningCase]) -> tuple[dict[str, Any], pd.DataFrame]:
    """What `tune` returns, where the configuration fixes the fraction: nothing is tuned, the curve is a header only."""
    facts = {"fraction": fraction, "curve": [], "cases": [case.case for case in cases], "shares": {}, "retuned": {}}
    return facts | {"patients": len({case.patient for case in cases}), "draws": 0}, pd.DataFrame(columns=list(CURVE))
