"""Are the network's hard cases the readers' hard cases? Correlation of their Dice over cases."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from radparity.compare.patients import Float, checked, draw, number
from radparity.compare.scores import AVERAGED, averaged
from radparity.compare.wilcoxon import DECIMALS

SMALLEST_VARIANCE = 1e-24  # of Dice rounded to 12 decimals: below it a resample is constant
ROUNDING = 1e-12  # of a correlation
COLUMNS: dict[str, str] = {
    "reference": '"averaged" over references, or the reader whose reference (and whose own Dice) the row is about',
    "method": '"spearman": of ranks, midranks for ties; "pearson": of Dice itself',
    "n": "number of cases used",
    "patients": "number of patients of those cases",
    "r": "correlation over cases of the network's Dice with the reader's (readers', where averaged), -1 to 1",
    "low": "lower bound of r, percentile bootstrap over patients",
    "high": "upper bound of r, percentile bootstrap over patients",
    "level": "level of that interval, 1 - alpha",
    "p_by_patient": "two-sided p of no correlation, from the same resamples of patients",
    "p_cases": "two-sided p of no correlation by Student's t, cases independent (as the paper)",
    "note": "why a figure is missing, or how many resamples had none",
}


def correlation(scores: pd.DataFrame, *, alpha: float = 0.05, draws: int = 10_000, seed: int = 0) -> pd.DataFrame:
    """Spearman and Pearson correlation of network and reader on a table made by `score`; `COLUMNS` explains it.

    Both are scored on the same reference, so a poor reference lowers both and some correlation is bound to be there:
    it is no evidence that they see alike.
    """
    if scores.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    tables = {AVERAGED: averaged(scores)} | {str(k): rows for k, rows in scores.groupby("reference", sort=False)}
    rows = []
    for reference, table in tables.items():
        used = table.dropna(subset=["dice_network"])
        network, reader, patients = (used[c].to_numpy() for c in ("dice_network", "dice_reader", "patient"))
        for method in _METHODS:
            row = {"reference": reference, "method": method, "n": len(used), "patients": len(set(patients))}
            found = correlate(network, reader, patients, method=method, alpha=alpha, draws=draws, seed=seed)
            rows.append(row | {"level": 1 - alpha} | found)
    return pd.DataFrame(rows)[list(COLUMNS)]


def correlate(
    network: ArrayLike,
    reader: ArrayLike,
    patients: ArrayLike,
    *,
    method: str,
    alpha: float = 0.05,
    draws: int = 10_000,
    seed: int = 0,
) -> dict[str, object]:
    """r, low, high, p_by_patient, p_cases and note of two ratings (n,) of the same cases, whole patients resampled.

    The p by patient is twice the smaller share of resamples on either side of 0, (1 + number)/(draws + 1). nan for
    fewer than three cases or where a rating is the same in every case; without an interval for fewer than two patients.
    """
    from scipy import stats

    x, y = checked(network, patients).round(DECIMALS), checked(reader, patients).round(DECIMALS)
    row: dict[str, object] = dict.fromkeys(("r", "low", "high", "p_by_patient", "p_cases"), np.nan) | {"note": ""}
    if len(x) < 3:
        return row | {"note": "fewer than three cases"}
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return row | {"note": f"the {'network' if np.ptp(x) == 0 else 'reader'}'s Dice is the same in every case"}
    numbers, count = number(patients)
    values = _METHODS[method](x, y)
    r = float(values(np.ones((1, len(x))))[0])
    row |= {"r": r, "p_cases": float((stats.spearmanr if method == "spearman" else stats.pearsonr)(x, y).pvalue)}
    if count < 2:
        return row | {"note": "fewer than two patients: no interval"}
    resampled = []
    for drawn in draw(count, draws, seed):
        offsets = count * np.arange(len(drawn))[:, None]
        weights = np.bincount((drawn + offsets).ravel(), minlength=drawn.size).reshape(drawn.shape)
        resampled.append(values(weights[:, numbers].astype(np.float64)))
    all_r = np.concatenate(resampled)
    found = all_r[np.isfinite(all_r)]
    if len(found) < len(all_r):
        row["note"] = f"{len(all_r) - len(found)} of {len(all_r)} resamples had no variation and were left out"
    if not len(found):
        return row
    low, high = np.quantile(found, [alpha / 2, 1 - alpha / 2])
    # A correlation of zero may come out a rounding beside it, and counts on both sides.
    tail = 1 + min(np.count_nonzero(found <= ROUNDING), np.count_nonzero(found >= -ROUNDING))
    return row | {"low": float(low), "high": float(high), "p_by_patient": min(1.0, 2 * tail / (len(found) + 1))}


def _pearson(x: Float, y: Float) -> Callable[[Float], Float]:
    """r of weighted cases: weights (draw, case) to r (draw,)."""
    return lambda weights: _weighted(weights, x - x.mean(), y - y.mean())


def _spearman(x: Float, y: Float) -> Callable[[Float], Float]:
    """Spearman's r of weighted cases: a case drawn twice is a tie."""
    return lambda weights: _weighted(weights, _midranks(weights, x), _midranks(weights, y))


_METHODS: dict[str, Callable[[Float, Float], Callable[[Float], Float]]] = {"spearman": _spearman, "pearson": _pearson}


def _midranks(weights: Float, values: Float) -> Float:
    """Midrank (draw, case) of each case among the cases drawn, each as often as its weight."""
    order = np.argsort(values, kind="stable")
    _, starts, place = np.unique(values[order], return_index=True, return_inverse=True)
    tied = np.add.reduceat(weights[:, order], starts, axis=1)
    ranks = np.empty_like(weights)
    ranks[:, order] = (np.cumsum(tied, axis=1) - tied / 2 + 0.5)[:, place.reshape(-1)]
    return np.asarray(ranks - (weights.sum(axis=1, keepdims=True) + 1) / 2)


def _weighted(weights: Float, x: Float, y: Float) -> Float:
    """Pearson's r (draw,) with weights (draw, case); nan where a rating does not vary. Sums, not matrix products, so
    that the result does not depend on the number of threads."""
    total = weights.sum(axis=1)
    x_mean, y_mean = (weights * x).sum(axis=1) / total, (weights * y).sum(axis=1) / total
    x, y = x - x_mean[:, None], y - y_mean[:, None]
    x_variance, y_variance = (weights * x**2).sum(axis=1) / total, (weights * y**2).sum(axis=1) / total
    with np.errstate(divide="ignore", invalid="ignore"):
        r = (weights * x * y).sum(axis=1) / total / np.sqrt(x_variance * y_variance)
    varies = (x_variance > SMALLEST_VARIANCE) & (y_variance > SMALLEST_VARIANCE)
    return np.asarray(np.where(varies, np.clip(r, -1.0, 1.0), np.nan))
