"""Are the paired differences normal? Shapiro and Wilk's test, on Dice and on its logit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from radparity.compare.logit import logit
from radparity.compare.patients import Float, number
from radparity.compare.scores import AVERAGED, averaged
from radparity.compare.wilcoxon import DECIMALS

LARGEST = 5000  # beyond it scipy's p of Shapiro and Wilk's W is not known to be right
COLUMNS: dict[str, str] = {
    "reference": '"averaged" over references, or the reader whose reference the row is about',
    "scale": '"dice": difference of Dice, network minus reader; "logit": difference of logits, clipped at 0.001',
    "n": "number of cases used",
    "patients": "number of patients of those cases",
    "mean": "mean of the differences, on that scale",
    "sd": "their standard deviation, on that scale",
    "skewness": "their skewness; 0 for a normal distribution, negative with a tail of cases that the network loses",
    "excess_kurtosis": "their kurtosis minus 3; 0 for a normal distribution, positive with heavy tails",
    "w": "Shapiro-Wilk W, 1 for normal",
    "p_cases": "its p, cases independent (as the paper)",
    "w_by_patient": "Shapiro-Wilk W of the patients' mean differences",
    "p_by_patient": "its p: one value a patient, so patients as clusters",
    "note": "why a figure is missing",
}


def normality(scores: pd.DataFrame) -> pd.DataFrame:
    """Shapiro-Wilk test of the differences on a table made by `score`: averaged and by reference, raw and logit.

    A small p says that t-tests and normal intervals are approximations here; a large one, with few cases, says nothing.
    The logit of the averaged row is that of the averaged Dice.
    """
    if scores.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    tables = {AVERAGED: averaged(scores)} | {str(k): rows for k, rows in scores.groupby("reference", sort=False)}
    rows = []
    for reference, table in tables.items():
        used = table.dropna(subset=["dice_network"])
        network, reader, patients = (used[c].to_numpy() for c in ("dice_network", "dice_reader", "patient"))
        for scale, differences in (("dice", network - reader), ("logit", logit(network) - logit(reader))):
            row: dict[str, object] = {"reference": reference, "scale": scale, "patients": len(set(patients))}
            rows.append(row | _shape(differences.round(DECIMALS), patients))
    return pd.DataFrame(rows)[list(COLUMNS)]


def _shape(differences: Float, patients: object) -> dict[str, object]:
    numbers, _ = number(patients)  # type: ignore[arg-type]
    n = len(differences)
    means = np.bincount(numbers, weights=differences) / np.bincount(numbers) if n else differences
    w, p, note = shapiro(differences)
    w_by_patient, p_by_patient, note_by_patient = shapiro(means.round(DECIMALS))
    centred = differences - (differences.mean() if n else 0.0)
    variance = float(np.mean(centred**2)) if n and np.ptp(differences) else np.nan
    return {
        "n": n,
        "mean": float(differences.mean()) if n else np.nan,
        "sd": float(differences.std(ddof=1)) if n > 1 else np.nan,
        "skewness": float(np.mean(centred**3)) / variance**1.5 if n else np.nan,
        "excess_kurtosis": float(np.mean(centred**4)) / variance**2 - 3 if n else np.nan,
        "w": w,
        "p_cases": p,
        "w_by_patient": w_by_patient,
        "p_by_patient": p_by_patient,
        "note": note or (f"patients: {note_by_patient}" if note_by_patient else ""),
    }


def shapiro(values: Float) -> tuple[float, float, str]:
    """W and p of Shapiro and Wilk's test of `values` (n,), and why they are nan where they are."""
    from scipy import stats

    if len(values) < 3:
        return np.nan, np.nan, "fewer than three values"
    if np.ptp(values) == 0:
        return np.nan, np.nan, "all differences are equal"
    if len(values) > LARGEST:
        return np.nan, np.nan, f"more than {LARGEST} values: p would not be reliable; look at the quantile plot"
    result = stats.shapiro(values)
    return float(result.statistic), float(result.pvalue), ""
