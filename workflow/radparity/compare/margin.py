"""The primary test: is the mean paired difference in Dice within a margin fixed beforehand?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from radparity.compare.patients import Float, checked, draw, number

TOO_FEW, EQUIVALENT, SUPERIOR, INFERIOR, INCONCLUSIVE = (
    "too few cases",
    "equivalent",
    "superior beyond the margin",
    "inferior",
    "inconclusive",
)
ROUNDING = 1e-12  # a spread of Dice differences below this is floating-point dust, not variation


@dataclass(frozen=True)
class Equivalence:
    """Mean difference (network minus reader, Dice) against a margin: estimate, interval, both one-sided p, verdict.

    `p_low` tests mean <= -margin, `p_high` tests mean >= +margin; `p` is the larger. The interval has level
    1 - 2 alpha. `non_inferior` says that the interval lies above -margin; it is never True with too few cases.
    """

    cases: int
    patients: int
    estimate: float
    standard_error: float
    low: float
    high: float
    p_low: float
    p_high: float
    verdict: str
    non_inferior: bool

    @property
    def p(self) -> float:
        return float(np.maximum(self.p_low, self.p_high))  # nan stays nan


def margin_test(
    differences: ArrayLike,
    patients: Sequence[str] | ArrayLike,
    *,
    margin: float = 0.05,
    alpha: float = 0.05,
    draws: int = 10_000,
    seed: int = 0,
    minimum_cases: int = 50,
) -> Equivalence:
    """Studentized bootstrap over patients of the mean of `differences` (n,), with two one-sided tests against a margin.

    t* = (theta* - theta)/SE* over `draws` resamples of whole patients, SE the patient-robust one; interval
    [theta - q95 SE, theta - q05 SE]; p_low = (1 + #{t* >= (theta + margin)/SE})/(draws + 1), p_high likewise. With
    fewer than two patients interval and p are nan; resamples without spread count as infinite t*, so with very few
    patients the interval may be infinite.

    Raises ValueError for a nan or when there is not one patient a case.
    """
    values = checked(differences, patients)
    theta, error, count = _mean_and_error(values, patients)
    if count < 2:
        return _result(values, count, theta, error, (np.nan,) * 4, margin, minimum_cases)
    numbers, _ = number(patients)
    sums = np.asarray(np.bincount(numbers, weights=values - theta), dtype=np.float64)
    sizes = np.asarray(np.bincount(numbers), dtype=np.float64)
    t = np.sort(np.concatenate([_studentized(sums[rows], sizes[rows]) for rows in draw(count, draws, seed)]))
    low, high = theta - _quantile(t, 1 - alpha) * error, theta - _quantile(t, alpha) * error
    p_low = (1 + np.count_nonzero(t >= _ratio(theta + margin, error))) / (draws + 1)
    p_high = (1 + np.count_nonzero(t <= _ratio(theta - margin, error))) / (draws + 1)
    return _result(values, count, theta, error, (low, high, p_low, p_high), margin, minimum_cases)


def robust_t(
    differences: ArrayLike,
    patients: Sequence[str] | ArrayLike,
    *,
    margin: float = 0.05,
    alpha: float = 0.05,
    minimum_cases: int = 50,
) -> Equivalence:
    """Two one-sided t-tests of the mean of `differences` (n,) with the patient-robust standard error and G-1 df.

    A sensitivity analysis: anti-conservative for few or skewed cases. With every case its own patient it is the
    ordinary paired t. Raises as `margin_test` does.
    """
    values = checked(differences, patients)
    theta, error, count = _mean_and_error(values, patients)
    if count < 2:
        return _result(values, count, theta, error, (np.nan,) * 4, margin, minimum_cases)
    half = float(stdtrit(count - 1, 1 - alpha)) * error
    p_low = float(stdtr(count - 1, -_ratio(theta + margin, error)))
    p_high = float(stdtr(count - 1, _ratio(theta - margin, error)))
    return _result(values, count, theta, error, (theta - half, theta + half, p_low, p_high), margin, minimum_cases)


def standard_error(differences: ArrayLike, patients: Sequence[str] | ArrayLike) -> float:
    """Patient-robust standard error of the mean: sqrt(G/(G-1) sum_g (sum_i in g (d_i - theta))^2)/n; nan for G < 2."""
    return _mean_and_error(checked(differences, patients), patients)[1]


def verdict(low: float, high: float, margin: float, cases: int, minimum_cases: int = 50) -> str:
    """Verdict from the interval alone. A wide or undefined interval is inconclusive, never "not equivalent"."""
    if cases < minimum_cases:
        return TOO_FEW
    if low > margin:
        return SUPERIOR
    if high < -margin:
        return INFERIOR
    return EQUIVALENT if low > -margin and high < margin else INCONCLUSIVE


def _mean_and_error(values: Float, patients: Sequence[str] | ArrayLike) -> tuple[float, float, int]:
    numbers, count = number(patients)
    theta = float(values.mean()) if len(values) else float("nan")
    if count < 2:
        return theta, float("nan"), count
    sums = np.bincount(numbers, weights=values - theta)
    error = float(np.sqrt(count / (count - 1) * np.sum(sums**2)) / len(values))
    return theta, error if error > ROUNDING else 0.0, count


def _studentized(sums: Float, sizes: Float) -> Float:
    """t* of resamples: sums of centred differences and numbers of cases of the drawn patients, (draws, patients)."""
    count, cases = sums.shape[1], sizes.sum(axis=1)
    shift = sums.sum(axis=1) / cases
    error = np.sqrt(count / (count - 1) * np.sum((sums - sizes * shift[:, None]) ** 2, axis=1)) / cases
    shift[np.abs(shift) <= ROUNDING] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        t = shift / np.where(error > ROUNDING, error, 0.0)
    return np.where(np.isnan(t), 0.0, t)


def _quantile(ordered: Float, share: float) -> float:
    """Linear (type 7) quantile; beside an infinite value the outer neighbour, so the interval is never too narrow."""
    position = share * (len(ordered) - 1)
    below, above = float(ordered[int(np.floor(position))]), float(ordered[int(np.ceil(position))])
    if np.isfinite(below) and np.isfinite(above):
        return float(below + (position - np.floor(position)) * (above - below))
    return above if share > 0.5 else below


def _ratio(distance: float, error: float) -> float:
    """distance/error; without spread the sign of the distance decides, and 0 means that nothing was shown."""
    if error > 0:
        return distance / error
    return float(np.copysign(np.inf, distance)) if abs(distance) > ROUNDING else 0.0


def _result(
    values: Float, count: int, theta: float, error: float, tests: tuple[float, ...], margin: float, minimum_cases: int
) -> Equivalence:
    low, high, p_low, p_high = (float(value) for value in tests)
    said = verdict(low, high, margin, len(values), minimum_cases)
    non_inferior = said != TOO_FEW and low > -margin
    return Equivalence(len(values), count, theta, error, low, high, p_low, p_high, said, non_inferior)
