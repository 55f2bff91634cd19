"""Wilcoxon's signed rank test on paired differences, with cases independent and with patients as clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from radparity.compare.patients import Float, checked, number

DECIMALS = 12  # differences closer than this are ties: Dice values are ratios of voxel counts, in floating point
EXACT_LIMIT = 50
EXACT = "exact"
NORMAL = "normal, tie term, no continuity correction"
BY_PATIENT = "normal, by patient"
NO_DIFFERENCES, NO_CASES, ONE_PATIENT = "no differences", "no cases", "fewer than two patients"


@dataclass(frozen=True)
class SignedRank:
    """Result of a signed rank test. `plus` and `minus` are the rank sums of positive and negative differences.

    `p` is two-sided; `p_greater` and `p_less` are one-sided, for differences that tend to be above and below 0. `z` is
    nan for an exact test. `method` says how p was made.
    """

    cases: int
    zeros: int
    plus: float
    minus: float
    z: float
    p: float
    p_greater: float
    p_less: float
    method: str

    @property
    def rank_biserial(self) -> float:
        """Matched rank-biserial correlation (W+ - W-)/(W+ + W-), -1 to 1; nan when no difference is nonzero."""
        total = self.plus + self.minus
        return (self.plus - self.minus) / total if total else float("nan")


def signed_rank(differences: ArrayLike) -> SignedRank:
    """Wilcoxon signed rank test of `differences` (n,), cases independent.

    Differences are rounded to 12 decimals, zeros dropped, ties get midranks. Normal with tie term and without
    continuity correction, which is what the paper's scipy 1.2.3 did; exact when n <= 50 without zeros or ties. When
    all differences are zero p is 1, without any case it is nan; `method` says so.

    Raises ValueError for a nan.
    """
    rounded = checked(differences).round(DECIMALS)
    ranks, ties = _signed_ranks(rounded)
    n = len(ranks)
    zeros = len(rounded) - n
    plus, minus = float(ranks[ranks > 0].sum()), float(-ranks[ranks < 0].sum())
    if n == 0:
        p, method = (1.0, NO_DIFFERENCES) if zeros else (float("nan"), NO_CASES)
        return SignedRank(len(rounded), zeros, plus, minus, float("nan"), p, p, p, method)
    if n <= EXACT_LIMIT and zeros == 0 and ties == 0:
        ways = _ways(n)
        greater, less = float(ways[round(plus) :].sum()), float(ways[: round(plus) + 1].sum())
        two = min(1.0, 2 * min(greater, less))
        return SignedRank(n, 0, plus, minus, float("nan"), two, greater, less, EXACT)
    z = (plus - n * (n + 1) / 4) / np.sqrt(n * (n + 1) * (2 * n + 1) / 24 - ties / 48)
    return SignedRank(len(rounded), zeros, plus, minus, float(z), *_normal(float(z)), NORMAL)


def signed_rank_by_patient(differences: ArrayLike, patients: Sequence[str] | ArrayLike) -> SignedRank:
    """Signed rank test of `differences` (n,) with the cases of one of the `patients` (n,) as a cluster.

    Z = sum T_g / sqrt(sum T_g^2), T_g the sum over patient g's cases of sign(d) rank|d| (Rosner, Glynn, Lee,
    Biometrics 2006;62:185-192; the unweighted statistic). Rounding, zeros and midranks as in
    `signed_rank`. With fewer than two patients p is nan; `method` says so.

    Raises ValueError for a nan or when there is not one patient a case.
    """
    rounded = checked(differences, patients).round(DECIMALS)
    ranks, _ = _signed_ranks(rounded)
    numbers, count = number(patients)
    zeros = len(rounded) - len(ranks)
    plus, minus = float(ranks[ranks > 0].sum()), float(-ranks[ranks < 0].sum())

    def result(z: float, sides: tuple[float, float, float], method: str) -> SignedRank:
        return SignedRank(len(rounded), zeros, plus, minus, z, *sides, method)

    nan = float("nan")
    if count < 2:
        return result(nan, (nan, nan, nan), ONE_PATIENT if count else NO_CASES)
    if len(ranks) == 0:
        return result(nan, (1.0, 1.0, 1.0), NO_DIFFERENCES)
    sums = np.bincount(numbers[rounded != 0], weights=ranks, minlength=count)
    spread = float(np.sqrt(np.sum(sums**2)))
    z = float(sums.sum()) / spread if spread else 0.0
    return result(z, _normal(z), BY_PATIENT)


def _signed_ranks(rounded: Float) -> tuple[Float, float]:
    """Signed midranks of the nonzero differences, and the tie term sum(t^3 - t)."""
    nonzero = rounded[rounded != 0]
    _, place, counts = np.unique(np.abs(nonzero), return_inverse=True, return_counts=True)
    midranks = np.cumsum(counts) - (counts - 1) / 2
    return np.sign(nonzero) * midranks[place.reshape(-1)], float(np.sum(counts.astype(float) ** 3 - counts))


def _ways(n: int) -> NDArray[np.float64]:
    """Probability of each rank sum W+ = 0 .. n(n+1)/2 when every sign is a fair coin (exact: counts stay < 2^53)."""
    ways = np.zeros(n * (n + 1) // 2 + 1)
    ways[0] = 1.0
    for rank in range(1, n + 1):
        ways[rank:] += ways[:-rank].copy()
    return ways / 2.0**n


def _normal(z: float) -> tuple[float, float, float]:
    """Two-sided, greater and less p of a standard normal z."""
    return float(2 * ndtr(-abs(z))), float(ndtr(-z)), float(ndtr(z))
