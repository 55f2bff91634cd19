"""Repeated-measures analysis of variance: rater type (network or reader) by reference, within cases."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.linalg import helmert
from scipy.special import fdtrc

from radparity.compare.logit import logit
from radparity.compare.margin import ROUNDING
from radparity.compare.paired import paired
from radparity.compare.patients import Float, number

COLUMNS: dict[str, str] = {
    "scale": '"dice", or "logit": Dice clipped to 0.001 and 0.999, then its logit',
    "effect": 'type: network against reader; ref: between references; type:ref: whether "type" differs between them',
    "n": "number of cases used: those of which every reference is usable",
    "patients": "number of patients of those cases",
    "cases_left_out": "cases with an unusable reference; a repeated-measures design cannot take them",
    "f": "F, cases independent; that of type is the square of the paired t of the averaged difference",
    "df_effect": "its numerator degrees of freedom",
    "df_error": "its denominator degrees of freedom, before Greenhouse and Geisser's correction",
    "epsilon": "Greenhouse-Geisser epsilon, 1/df_effect to 1; 1 means sphericity",
    "p_cases": "p with both degrees of freedom multiplied by epsilon, cases independent (as the paper)",
    "p_uncorrected": "p without that correction, cases independent",
    "f_by_patient": "F of Hotelling's T2 of the same contrasts with the patient-robust covariance",
    "df_error_by_patient": "its denominator degrees of freedom: patients minus df_effect",
    "p_by_patient": "its p, patients as clusters; it needs no sphericity",
    "note": "why a figure is missing",
}


def anova(scores: pd.DataFrame) -> pd.DataFrame:
    """Rater type x reference on a table made by `score`, on Dice and on its logit; `COLUMNS` explains every column.

    Each effect is a set of orthonormal contrasts within a case, z (n, q): F = n |mean z|^2 / trace(S) on q and
    q(n - 1), S their covariance, epsilon = trace(S)^2 / (q trace(S^2)) (Greenhouse, Geisser 1959). With patients as
    clusters the contrasts' mean is tested by Hotelling's T2 with the covariance G/(G-1) sum_g s_g s_g' / n^2, s_g the
    sum over patient g's cases of z minus its mean; with one contrast that is the square of the patient-robust t.
    """
    if scores.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    table = paired(scores)
    used = table.complete
    left_out = len(table.patients) - len(used.patients)
    contrasts = helmert(len(table.references))
    rows = []
    for scale, transform in (("dice", np.asarray), ("logit", logit)):
        network, reader = transform(used.network), transform(used.reader)
        difference, level = network - reader, (network + reader) / 2
        effects = {
            "type": difference.mean(axis=1, keepdims=True),
            "ref": level @ contrasts.T,
            "type:ref": difference @ contrasts.T,
        }
        for effect, z in effects.items():
            row: dict[str, object] = {"scale": scale, "effect": effect, "n": len(z), "cases_left_out": left_out}
            rows.append(row | {"patients": len(set(used.patients))} | _test(z, used.patients))
    return pd.DataFrame(rows)[list(COLUMNS)]


def _test(z: Float, patients: object) -> dict[str, object]:
    """F, epsilon and p of contrasts z (case, contrast)."""
    n, q = z.shape
    names = ("f", "epsilon", "p_cases", "p_uncorrected", "f_by_patient", "p_by_patient")
    row: dict[str, object] = dict.fromkeys(names, np.nan)
    numbers, count = number(patients)  # type: ignore[arg-type]
    row |= {"df_effect": q, "df_error": q * max(n - 1, 0), "df_error_by_patient": max(count - q, 0), "note": ""}
    if n < 2:
        return row | {"note": "fewer than two cases with every reference usable"}
    mean = z.mean(axis=0)
    centred = z - mean
    covariance = centred.T @ centred / (n - 1)
    trace = float(np.trace(covariance))
    if trace <= ROUNDING**2:
        return row | {"note": "the contrast is the same in every case: there is no variation to test against"}
    epsilon = min(1.0, trace**2 / (q * float(np.sum(covariance**2))))
    f = n * float(mean @ mean) / trace
    row |= {
        "f": f,
        "epsilon": epsilon,
        "p_cases": float(fdtrc(q * epsilon, q * (n - 1) * epsilon, f)),
        "p_uncorrected": float(fdtrc(q, q * (n - 1), f)),
    }
    sums = np.zeros((count, q))
    np.add.at(sums, numbers, centred)
    # the patients' sums add up to 0, so their rank is one less than their number at most
    if count <= q or np.linalg.matrix_rank(sums) < q:
        return row | {"note": "too few patients, or no variation between them, for the test with patients as clusters"}
    robust = count / (count - 1) * (sums.T @ sums) / n**2
    statistic = float(mean @ np.linalg.solve(robust, mean)) * (count - q) / (q * (count - 1))
    return row | {"f_by_patient": statistic, "p_by_patient": float(fdtrc(q, count - q, statistic))}
