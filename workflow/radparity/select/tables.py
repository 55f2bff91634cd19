"""Tables: the ranking of arms, the points of a learning curve, and the paired tests between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radparity.compare.effect import holm
from radparity.compare.margin import margin_test
from radparity.compare.wilcoxon import signed_rank, signed_rank_by_patient
from radparity.select.columns import COLUMNS
from radparity.select.trial import Trial, shared


@dataclass(frozen=True)
class Settings:
    """`alpha` is the two-sided error of intervals and tests; `draws` and `seed` are those of the bootstrap."""

    alpha: float = 0.05
    draws: int = 10_000
    seed: int = 0


def selection_table(
    trials: Sequence[Trial], facts: Mapping[str, Mapping[str, Any]], settings: Settings
) -> pd.DataFrame:
    """Every arm with the distribution of its Dice, the best first. facts: what an arm is, by its name.

    Arms are ranked by the mean over the cases that all of them have. By the mean, not by the median: a median does not
    see how often an arm misses the cancer altogether, and the study's primary test is about a mean too.
    """
    common = shared(trials)
    rows = []
    for trial in trials:
        on_common = float(trial.on(common).mean()) if len(common) else np.nan
        rows.append(dict(facts[trial.name]) | summary(trial, settings) | {"mean_shared": on_common})
    table = pd.DataFrame(rows)
    table["arm"] = [trial.name for trial in trials]
    table["shared_cases"] = len(common)
    table["rank"] = table["mean_shared"].rank(ascending=False, method="min").astype("Int64")
    ordered = table.sort_values(["mean_shared", "arm"], ascending=[False, True], na_position="last")
    return ordered[list(COLUMNS["selection"])].reset_index(drop=True)


def curve_table(
    curves: Mapping[str, Sequence[tuple[float, float, Trial]]],
    breasts: Mapping[str, tuple[float, float]],
    settings: Settings,
) -> pd.DataFrame:
    """Every point of every learning curve: shares of malignant and benign training breasts, and its trial.

    breasts: a point's numbers of malignant and benign training breasts, the mean over folds and repeats, by the name
    of its trial.
    """
    rows = []
    for name, points in curves.items():
        for number, (malignant, benign, trial) in enumerate(points, 1):
            counts = dict(zip(("malignant", "benign"), breasts[trial.name], strict=True))
            row = {"curve": name, "point": number, "malignant_share": malignant, "benign_share": benign}
            rows.append(row | counts | summary(trial, settings))
    return pd.DataFrame(rows)[list(COLUMNS["learning_curve"])]


def summary(trial: Trial, settings: Settings) -> dict[str, Any]:
    """Distribution of a trial's Dice over its cases, its interval over patients and its spread over repeats."""
    values = trial.dice.to_numpy(dtype=np.float64)
    low, high = _interval(values, trial.patients.loc[trial.dice.index].to_numpy(), settings)
    quartiles = np.quantile(values, [0.5, 0.25, 0.75]) if len(values) else [np.nan] * 3
    return {
        "repeats": len(trial.scores),
        "cases": len(values),
        "patients": trial.patients.loc[trial.dice.index].nunique(),
        "left_out": trial.left_out,
        **dict(zip(("median", "q25", "q75"), map(float, quartiles), strict=True)),
        "mean": float(values.mean()) if len(values) else np.nan,
        **dict(zip(("low", "high"), np.clip([low, high], 0.0, 1.0).tolist(), strict=True)),  # Dice ends at 0 and 1
        "spread_of_repeats": trial.spread,
        "misses": float((trial.by_repeat == 0).sum().mean()) if len(values) else np.nan,
    }


def selection_tests(trials: Sequence[Trial], reference: str, settings: Settings) -> pd.DataFrame:
    """Every other arm against the reference arm, on the cases that both have, with Holm over all of them."""
    known = {trial.name: trial for trial in trials}
    rows = [
        {"arm": trial.name, "reference": reference} | paired(trial, known[reference], settings)
        for trial in trials
        if trial.name != reference
    ]
    return _adjusted(pd.DataFrame(rows))[list(COLUMNS["selection_tests"])]


def curve_tests(curves: Mapping[str, Sequence[tuple[float, float, Trial]]], settings: Settings) -> pd.DataFrame:
    """Each point of a learning curve against the one before it, with Holm within the curve."""
    tables = []
    for name, points in curves.items():
        rows = [
            {"curve": name, "point": number, "before": number - 1}
            | paired(points[number - 1][2], points[number - 2][2], settings)
            for number in range(2, len(points) + 1)
        ]
        tables.append(_adjusted(pd.DataFrame(rows)))
    return pd.concat(tables, ignore_index=True)[list(COLUMNS["learning_curve_tests"])]


def paired(trial: Trial, reference: Trial, settings: Settings) -> dict[str, Any]:
    """One trial minus another on the cases that both have: estimates, interval over patients, signed rank tests.

    Tests as in the comparison with readers: two-sided Wilcoxon signed rank on the mean over the repeats, with cases
    independent and with patients as clusters (reader_statistics, section 2).
    """
    both = shared([trial, reference])
    difference = trial.on(both).to_numpy(dtype=np.float64) - reference.on(both).to_numpy(dtype=np.float64)
    patients = trial.patients.loc[both].to_numpy()
    test, clustered = signed_rank(difference), signed_rank_by_patient(difference, patients)
    low, high = _interval(difference, patients, settings)
    errors = [t.spread**2 / len(t.scores) for t in (trial, reference) if len(t.scores) > 1]
    return {
        "cases": len(both),
        "patients": len(set(patients)),
        "only_first": len(trial.dice) - len(both),
        "only_second": len(reference.dice) - len(both),
        "mean_difference": float(difference.mean()) if len(both) else np.nan,
        "low": low,
        "high": high,
        "median_of_differences": float(np.median(difference)) if len(both) else np.nan,
        "error_of_repeats": float(np.sqrt(sum(errors))) if errors else np.nan,
        "wilcoxon_p": test.p,
        "wilcoxon_method": test.method,
        "wilcoxon_p_by_patient": clustered.p,
        "rank_biserial": test.rank_biserial,
    }


def _interval(values: NDArray[np.float64], patients: NDArray[Any], settings: Settings) -> tuple[float, float]:
    """Of the mean, by studentized bootstrap over patients, level 1 - alpha."""
    found = margin_test(values, patients, alpha=settings.alpha / 2, draws=settings.draws, seed=settings.seed)
    return found.low, found.high


def _adjusted(table: pd.DataFrame) -> pd.DataFrame:
    for raw, adjusted in (("wilcoxon_p", "holm_p"), ("wilcoxon_p_by_patient", "holm_p_by_patient")):
        table[adjusted] = holm(table[raw].to_numpy())
    return table
