"""Do groups of cases differ in their mean difference? Welch's analysis of variance, with patients as clusters.

On the difference of two raters this is the interaction rater type x group, without the assumption that all groups
spread alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import fdtrc

from radparity.compare.margin import ROUNDING
from radparity.compare.patients import checked, number


@dataclass(frozen=True)
class Welch:
    """F with its degrees of freedom and p; all nan where `note` says why."""

    f: float
    df_between: float
    df_within: float
    p: float
    note: str = ""


def _undone(note: str) -> Welch:
    return Welch(*(float("nan"),) * 4, note)


def welch(values: ArrayLike, groups: Sequence[str] | ArrayLike, patients: Sequence[str] | ArrayLike) -> Welch:
    """Welch's analysis of variance of `values` (n,) over `groups` (n,), the cases of one of `patients` (n,) a cluster.

    Each group's mean has the patient-robust variance G/(G-1) sum_g (sum of patient g's residuals)^2 / n^2 on G-1
    degrees of freedom, G its patients; a patient with cases in two groups makes their means covary, which the
    statistic takes into account. With every case its own patient it is Welch's test (Biometrika 1951;38:330-336).
    With few patients a group it is somewhat anti-conservative when their numbers of cases differ.

    Raises ValueError for a nan or when there is not one group and one patient a case.
    """
    vector = checked(values, groups)
    checked(vector, patients)
    (group, k), (patient, count) = number(groups), number(patients)
    if k < 2:
        return _undone("fewer than two groups")
    sizes = np.bincount(group)
    means = np.bincount(group, weights=vector) / sizes
    shares = np.zeros((k, count))
    np.add.at(shares, (group, patient), vector - means[group])
    present = np.zeros((k, count), dtype=bool)
    present[group, patient] = True
    own = present.sum(axis=1)
    if own.min() < 2:
        return _undone("a group has fewer than two patients")
    scale = np.sqrt(own / (own - 1)) / sizes
    covariance = (shares * scale[:, None]) @ (shares * scale[:, None]).T
    variance = np.diag(covariance)
    if np.sqrt(variance.min()) <= ROUNDING:
        return _undone("a group's differences do not vary")
    contrast = np.eye(k)[1:] - np.eye(k)[:1]
    apart, spread = contrast @ means, contrast @ covariance @ contrast.T
    if np.linalg.cond(spread) > 1 / ROUNDING:
        return _undone("the groups' differences move together: too few patients")
    wald = float(apart @ np.linalg.solve(spread, apart))
    weight = 1 / variance
    uneven = float(np.sum((1 - weight / weight.sum()) ** 2 / (own - 1)))
    f = wald / (k - 1) / (1 + 2 * (k - 2) / (k**2 - 1) * uneven)
    within = (k**2 - 1) / (3 * uneven)
    return Welch(f, float(k - 1), within, float(fdtrc(k - 1, within, f)))
