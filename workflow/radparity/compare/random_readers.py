"""Readers as a random sample of readers: Obuchowski and Rockette's interval with Hillis' degrees of freedom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from radparity.compare.margin import ROUNDING, margin_test, verdict
from radparity.compare.paired import Paired, paired
from radparity.compare.patients import number
from radparity.compare.scores import averaged

COLUMNS: dict[str, str] = {
    "readers_are": '"fixed": these persons; "a sample": readers like them; "used": the wider of the two intervals',
    "estimate": "mean over references and cases of network minus reader, Dice",
    "standard_error": "its standard error, patients as clusters",
    "df": "Hillis' degrees of freedom; empty for the bootstrap; inf when readers do not differ",
    "low": "lower bound, Dice",
    "high": "upper bound, Dice",
    "level": "level of the interval, 1 - 2 alpha",
    "n": "number of cases used",
    "patients": "number of patients of those cases",
    "readers": "number of readers",
    "margin": "equivalence margin, Dice",
    "p_by_patient": "larger of the two one-sided p against the margin, patients as clusters",
    "p_cases": "larger of the two one-sided p against the margin, cases independent (as the paper)",
    "verdict": "read from the interval over patients",
    "claim": "whom the verdict is about",
    "note": "why a figure is missing, or what else has to be known",
}
REFUSED = (
    "refused: reader ids are slots that change persons between cases, so how much persons differ cannot be estimated"
)
NO_SPREAD = "readers do not differ and have no covariance: no interval for readers like them"


@dataclass(frozen=True)
class RandomReaders:
    """Mean difference over readers, its standard error with readers and patients as random, Hillis' df."""

    estimate: float
    standard_error: float
    df: float
    reader_variance: float
    """MS_R: variance over readers of their own mean difference, squared Dice."""
    covariance: float
    """Cov2: mean covariance of two readers' mean differences, squared Dice."""

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """Bounds at level 1 - 2 alpha."""
        t = ndtri(1 - alpha) if np.isinf(self.df) else stdtrit(self.df, 1 - alpha)
        return float(self.estimate - t * self.standard_error), float(self.estimate + t * self.standard_error)

    def p(self, margin: float) -> float:
        """Larger of the two one-sided p against -margin and +margin; nan without a standard error."""
        if not self.standard_error > 0:
            return float("nan")
        t = np.array([-(self.estimate + margin), self.estimate - margin]) / self.standard_error
        return float(np.max(ndtr(t) if np.isinf(self.df) else stdtr(self.df, t)))


def obuchowski_rockette(table: Paired, patients: ArrayLike) -> RandomReaders:
    """Mean over readers of network minus reader, generalized to readers like these (for named persons).

    theta_k = mean_i(x_ik - y_ik) over the n_k cases with a usable reference of reader k; MS_R = var(theta_k) on K-1;
    Cov2 = mean over pairs of readers of G/(G-1) sum_g S_gk S_gl / (n_k n_l), S_gk = sum over patient g's cases of
    (x_ik - y_ik - theta_k); SE^2 = (MS_R + max(K Cov2, 0))/K; df = (MS_R + max(K Cov2, 0))^2 (K-1)/MS_R^2
    (Obuchowski, Rockette 1995; Hillis 2007). `patients` (case,) gives the clusters. nan for fewer than two patients or
    readers, or a reader without a usable reference. Where readers do not differ and have no covariance the formula
    says 0, which is no certainty but nothing to estimate from: standard error and df are nan then.
    """
    numbers, count = number(patients)
    differences = table.network - table.reader
    usable = np.isfinite(differences)
    sizes = usable.sum(axis=0)
    readers = len(table.references)
    nan = float("nan")
    if count < 2 or readers < 2 or not sizes.all():
        return RandomReaders(nan, nan, nan, nan, nan)
    theta = np.nansum(differences, axis=0) / sizes
    sums = np.zeros((count, readers))
    np.add.at(sums, numbers, np.where(usable, differences - theta, 0.0))
    covariances = count / (count - 1) * (sums.T @ sums) / np.outer(sizes, sizes)
    covariance = float(covariances[~np.eye(readers, dtype=bool)].mean())
    reader_variance = float(theta.var(ddof=1))
    if reader_variance <= ROUNDING**2:
        reader_variance = 0.0
    total = reader_variance + max(readers * covariance, 0.0)
    error = float(np.sqrt(total / readers))
    if error <= ROUNDING:
        return RandomReaders(float(theta.mean()), nan, nan, reader_variance, covariance)
    df = total**2 * (readers - 1) / reader_variance**2 if reader_variance else float("inf")
    return RandomReaders(float(theta.mean()), error, df, reader_variance, covariance)


def random_readers(
    scores: pd.DataFrame,
    *,
    anonymous: bool,
    margin: float = 0.05,
    alpha: float = 0.05,
    draws: int = 10_000,
    seed: int = 0,
    minimum_cases: int = 50,
) -> pd.DataFrame:
    """The margin test's interval (these readers), that for readers like them, and the wider, which is to be used.

    `scores` is a table made by `score`. For anonymous readers the sample's row says that it is refused, and the claim
    stays with these readers.
    """
    if scores.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    table, cases = paired(scores), averaged(scores).dropna(subset=["difference"])
    differences = cases["difference"].to_numpy()
    by_patient, by_case = (
        margin_test(differences, cases[unit].to_numpy(), margin=margin, alpha=alpha, draws=draws, seed=seed)
        for unit in ("patient", "case")
    )
    count = len(table.references)
    these, like_them = f"these {count} readers", f"readers of whom these {count} are a random sample"
    common = {"level": 1 - 2 * alpha, "n": len(cases), "patients": cases["patient"].nunique(), "readers": count}
    common |= {"margin": margin, "note": ""}
    fixed: dict[str, object] = common | {
        "readers_are": "fixed",
        "estimate": by_patient.estimate,
        "standard_error": by_patient.standard_error,
        "df": np.nan,
        "low": by_patient.low,
        "high": by_patient.high,
        "p_by_patient": by_patient.p,
        "p_cases": by_case.p,
        "claim": these,
    }
    sample = common | {"readers_are": "a sample", "claim": like_them}
    sample |= _refused() if anonymous else _sampled(table, margin, alpha)
    rows = [fixed, sample, _wider(fixed, sample) | {"readers_are": "used"}]
    for row in rows:
        row["verdict"] = verdict(row["low"], row["high"], margin, len(cases), minimum_cases)
    if anonymous:
        rows[1]["verdict"] = "refused: anonymous readers"
    return pd.DataFrame(rows)[list(COLUMNS)]


def _refused() -> dict[str, object]:
    names = ("estimate", "standard_error", "df", "low", "high", "p_by_patient", "p_cases")
    return dict.fromkeys(names, np.nan) | {"note": REFUSED}


def _sampled(table: Paired, margin: float, alpha: float) -> dict[str, object]:
    result = obuchowski_rockette(table, table.patients)
    low, high = result.interval(alpha)
    missing = int(np.count_nonzero(np.isnan(table.network)))
    note = f"{missing} unusable pairs: each reader's mean is over the own usable cases" if missing else ""
    if np.isnan(result.estimate):
        note = "fewer than two patients, or a reader without a usable reference"
    elif np.isnan(result.standard_error):
        note = NO_SPREAD
    return {
        "estimate": result.estimate,
        "standard_error": result.standard_error,
        "df": result.df,
        "low": low,
        "high": high,
        "p_by_patient": result.p(margin),
        "p_cases": obuchowski_rockette(table, np.arange(len(table.patients))).p(margin),
        "note": note,
    }


def _wider(fixed: dict[str, object], sample: dict[str, object]) -> dict[str, object]:
    """The row with the wider interval; a claim about readers in general needs the sample's to exist."""
    width, other = (float(row["high"]) - float(row["low"]) for row in (fixed, sample))  # type: ignore[arg-type]
    if np.isnan(other):
        return dict(fixed)
    return dict(sample) if other >= width or np.isnan(width) else fixed | {"claim": sample["claim"]}
