"""Restricted likelihood of the mixed model of a reader study, exact and in closed form.

Network and reader are scored on the same references, so each pair (case, reference) has both or neither. Its
orthonormal sum s = (x + y)/sqrt 2 and difference d = (x - y)/sqrt 2 are then uncorrelated under the model, and each is
a model with random intercepts of patient and case and a residual:

    var of   patient                      case                   residual
    s        2 patient + patient:type     2 case + case:type     2 case:ref + residual
    d        patient:type                 case:type              residual

Both nest, so that inverse and determinant need only sums by case and by patient (Woodbury).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radparity.compare.patients import Float

COMPONENTS = ("patient", "patient:type", "case", "case:type", "case:ref", "residual")
_OF_SUM = np.array([[2, 1, 0, 0, 0, 0], [0, 0, 2, 1, 0, 0], [0, 0, 0, 0, 2, 1]], dtype=np.float64)
_OF_DIFFERENCE = np.array([[0, 1, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 1]], dtype=np.float64)


@dataclass(frozen=True)
class Fit:
    """Fixed effects (q,) and their covariance (q, q) of one half, -2 log restricted likelihood without its constant."""

    beta: Float
    covariance: Float
    deviance: float


class Half:
    """One half, sum or difference: values of each pair, sum-coded references, and their sums by case and patient."""

    def __init__(self, values: Float, design: Float, cases: NDArray[np.intp], patients: NDArray[np.intp]) -> None:
        """`values` (pair,), `design` (pair, q), `cases` (pair,) numbered from 0, `patients` (case,) numbered from 0."""
        rows = np.column_stack([design, values])
        count = len(patients)
        self.q = design.shape[1]
        self.pairs = len(values)
        self.patients = patients
        self.patient_count = int(patients.max()) + 1
        self.sizes = np.bincount(cases, minlength=count).astype(np.float64)
        self.products = rows.T @ rows
        left = values - design @ np.linalg.lstsq(design, values)[0]
        self.variance = float(np.mean(left**2))
        self.by_case = np.zeros((count, self.q + 1))
        np.add.at(self.by_case, cases, rows)

    def fit(self, patient: float, case: float, residual: float) -> Fit:
        """Generalized least squares at these variances."""
        inner = residual + self.sizes * case
        weight = case / (residual * inner)
        total = self.products / residual - (self.by_case * weight[:, None]).T @ self.by_case
        deviance = float(np.sum((self.sizes - 1) * np.log(residual) + np.log(inner)))
        sums = np.column_stack(
            [
                np.bincount(self.patients, weights=column / inner, minlength=self.patient_count)
                for column in self.by_case.T
            ]
        )
        share = np.bincount(self.patients, weights=self.sizes / inner, minlength=self.patient_count)
        total -= (sums * (patient / (1 + patient * share))[:, None]).T @ sums
        deviance += float(np.sum(np.log1p(patient * share)))
        information, moment = total[:-1, :-1], total[:-1, -1]
        covariance = np.asarray(np.linalg.inv(information), dtype=np.float64)
        beta = covariance @ moment
        deviance += float(np.linalg.slogdet(information)[1]) + float(total[-1, -1] - moment @ beta)
        return Fit(beta, covariance, deviance)


@dataclass(frozen=True)
class Estimate:
    """Variances in the order of COMPONENTS, the two halves' fits there, and whether the search converged."""

    variances: Float
    sums: Fit
    differences: Fit
    converged: bool


def estimate(sums: Half, differences: Half, free: tuple[str, ...], start: Float) -> Estimate:
    """Variances that maximize the restricted likelihood; those not named in `free` are 0, none is negative.

    `start` (6,) gives positive first values in the order of COMPONENTS, and the scale of the search. It starts twice,
    and has converged when both ends agree and no free variance can be moved to advantage.
    """
    from scipy.optimize import minimize

    places = [COMPONENTS.index(name) for name in free]
    scale = start[places]
    smallest = np.where([name == "residual" for name in free], 1e-6, 0.0)

    def variances(scaled: Float) -> Float:
        whole = np.zeros(len(COMPONENTS))
        whole[places] = scaled * scale
        return whole

    def fits(scaled: Float) -> tuple[Fit, Fit]:
        found = variances(scaled)
        return sums.fit(*(_OF_SUM @ found)), differences.fit(*(_OF_DIFFERENCE @ found))

    def deviance(scaled: Float) -> float:
        return sum(fit.deviance for fit in fits(scaled))

    ends = [
        minimize(
            deviance,
            np.full(len(places), factor),
            jac="3-point",
            bounds=[(low, None) for low in smallest],
            method="L-BFGS-B",
            options={"maxiter": 2000, "maxfun": 20_000, "ftol": 1e-13, "gtol": 1e-5},
        )
        for factor in (1.0, 0.3)
    ]
    best = min(ends, key=lambda end: float(end.fun))
    slope = best.jac * np.maximum(best.x, 1.0 * (best.x <= smallest))
    held = (best.x <= smallest) & (best.jac >= 0)
    still = bool(np.all(held | (np.abs(slope) < 1e-2)))
    agree = abs(float(ends[0].fun) - float(ends[1].fun)) < 1e-3
    return Estimate(variances(best.x), *fits(best.x), still and agree and bool(np.isfinite(best.fun)))
