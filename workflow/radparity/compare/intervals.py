"""Intervals of one mask's scores over cases, patients as clusters: their mean and their median."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from radparity.compare.margin import margin_test
from radparity.compare.patients import Float, draw, number

Interval = tuple[float, float]
NONE: Interval = (float("nan"), float("nan"))


def mean_interval(
    values: ArrayLike, patients: Sequence[str] | ArrayLike, *, alpha: float = 0.05, draws: int = 10_000, seed: int = 0
) -> Interval:
    """Bounds of the mean of `values` (n,), each from 0 to 1, at level 1 - alpha: studentized bootstrap over patients.

    The same resampling as the margin test's. Cut at 0 and 1, which a mean cannot pass. Without bounds (nan) for fewer
    than two patients, and where all patients are alike: no spread is no certainty.
    """
    found = margin_test(values, patients, alpha=alpha / 2, draws=draws, seed=seed)
    if not found.standard_error > 0:
        return NONE
    return max(0.0, found.low), min(1.0, found.high)


def median_interval(
    values: ArrayLike, patients: Sequence[str] | ArrayLike, *, alpha: float = 0.05, draws: int = 10_000, seed: int = 0
) -> Interval:
    """Bounds of the median of `values` (n,) at level 1 - alpha: percentile bootstrap over patients.

    Values may be infinite, for distances of a mask that missed. Without bounds (nan) where patients are so few that
    even the whole range of their values would cover a median less often than 1 - alpha: under six at 95 %.
    """
    given: Float = np.asarray(values, dtype=np.float64)
    numbers, count = number(patients)
    if 2.0 ** (1 - count) > alpha:
        return NONE
    order = np.argsort(given, kind="stable")
    found = [_medians(given[order], _times_drawn(rows, count)[:, numbers[order]]) for rows in draw(count, draws, seed)]
    ordered = np.sort(np.concatenate(found))
    # Of ordered draws and not interpolated: beside an infinite one nothing lies between.
    low, high = (round(share * (draws - 1)) for share in (alpha / 2, 1 - alpha / 2))
    return float(ordered[low]), float(ordered[high])


def _times_drawn(rows: np.ndarray, count: int) -> np.ndarray:
    """How often each patient is in each draw, (draws, patients), from the patients drawn, (draws, patients)."""
    places = np.arange(len(rows))[:, None] * count + rows
    return np.bincount(places.reshape(-1), minlength=len(rows) * count).reshape(len(rows), count)


def _medians(ordered: Float, times: np.ndarray) -> Float:
    """Median of each draw: ordered values (n,), each as often as `times` (draws, n) says."""
    reached = np.cumsum(times, axis=1)
    whole = reached[:, -1]
    lower = (reached >= ((whole + 1) // 2)[:, None]).argmax(axis=1)
    upper = (reached >= (whole // 2 + 1)[:, None]).argmax(axis=1)
    below, above = ordered[lower], ordered[upper]
    return np.where(below == above, below, (below + above) / 2)
