"""Mixed model of Dice with random effects of patient and case: dice ~ type * ref, sum-coded."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import fdtrc, stdtrit

from radparity.compare.margin import ROUNDING
from radparity.compare.paired import Paired, paired
from radparity.compare.patients import number
from radparity.compare.reml import COMPONENTS, Estimate, Fit, Half, estimate

COLUMNS: dict[str, str] = {
    "term": "type: network minus readers; ref; type:ref; then the random effects by name",
    "kind": '"fixed" or "random"',
    "estimate": "type: the difference in Dice, network minus readers; a random effect: its standard deviation, Dice",
    "standard_error": "standard error of type, Dice, with patients and cases random",
    "low": "lower bound of type, Dice",
    "high": "upper bound of type, Dice",
    "level": "level of that interval, 1 - 2 alpha",
    "f": "Wald F of a fixed effect",
    "df_effect": "its numerator degrees of freedom",
    "df_error": "its denominator degrees of freedom: patients minus 1, fewer than the model would allow itself",
    "p_by_patient": "its p, patients and cases random",
    "p_cases": "its p from the model without the patients' random effects: cases independent",
    "n": "number of cases used",
    "patients": "number of patients of those cases",
    "pairs": "number of usable pairs (case, reference)",
    "converged": "whether the fit with patients converged: yes or no",
    "note": "why a figure is missing",
}
_BY_CASE = ("case", "case:type", "case:ref", "residual")


def mixed(scores: pd.DataFrame, *, alpha: float = 0.05) -> pd.DataFrame:
    """Mixed model on a table made by `score`, by restricted maximum likelihood; `COLUMNS` explains every column.

    dice ~ type * ref, sum-coded, with (1|patient) + (1|patient:type) + (1|case) + (1|case:type) + (1|case:ref).
    Unusable pairs are left out, and a case's other references stay, unlike in the analysis of variance. Where every
    patient has one case, patient and case are one effect and the patient's terms are dropped. A fit that does not
    converge has no figures.
    """
    if scores.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    table = paired(scores)
    usable = np.isfinite(table.network)
    some = usable.any(axis=1)
    table = Paired(table.references, table.patients[some], table.network[some], table.reader[some])
    usable = usable[some]
    count = len(set(table.patients))
    q = len(table.references)
    terms: list[tuple[str, str, float]] = [("type", "fixed", 1), ("ref", "fixed", q - 1), ("type:ref", "fixed", q - 1)]
    terms += [(name, "random", np.nan) for name in COMPONENTS]
    note = _impossible(table, count)
    figures = ("estimate", "standard_error", "low", "high", "f", "df_error", "p_by_patient", "p_cases")
    common: dict[str, object] = dict.fromkeys(figures, np.nan)
    common |= {"level": 1 - 2 * alpha, "n": len(usable), "patients": count, "pairs": int(usable.sum())}
    common |= {"converged": "no", "note": note}
    rows = [common | {"term": term, "kind": kind, "df_effect": df} for term, kind, df in terms]
    if not note:
        _fill(rows, table, count, alpha)
    return pd.DataFrame(rows)[list(COLUMNS)]


def _impossible(table: Paired, patients: int) -> str:
    """Why the model cannot be fitted; "" where it can."""
    usable = np.isfinite(table.network)
    if patients < 2 or len(usable) < 3:
        return "fewer than three cases, or fewer than two patients"
    if not usable.any(axis=0).all():
        return "a reference is unusable in every case"
    if usable.sum() - len(usable) < len(table.references):
        return "too few cases with two usable references to tell the case's effect from the residual"
    difference = table.network - table.reader
    if np.nanmax(np.abs(difference - np.nanmean(difference, axis=0))) <= ROUNDING:
        return "network minus reader is the same in every case: there is no variation to model"
    return ""


def _fill(rows: list[dict[str, object]], table: Paired, count: int, alpha: float) -> None:
    by_case = fit_mixed(table, by_patient=False)
    clustered = count < len(table.patients)
    fitted = fit_mixed(table) if clustered else by_case
    note = "" if clustered else "one case a patient: patient and case are one effect, called case"
    if not by_case.converged:
        note = "the model with cases independent did not converge: no p_cases"
    if not fitted.converged:
        note = "the model did not converge: no figures; see the analysis of variance and the margin test"
    for row in rows:
        row |= {"converged": "yes" if fitted.converged else "no", "note": note}
    q = len(table.references)
    tests = [_tests(fitted, q, count - 1), _tests(by_case, q, len(table.patients) - 1)]
    for i, row in enumerate(rows[:3]):
        if by_case.converged:
            row["p_cases"] = tests[1][i][1]
        if fitted.converged:
            row |= {"f": tests[0][i][0], "p_by_patient": tests[0][i][1], "df_error": count - 1}
    if not fitted.converged:
        return
    difference, error = effect_of_type(fitted)
    half = float(stdtrit(count - 1, 1 - alpha)) * error
    rows[0] |= {"estimate": difference, "standard_error": error, "low": difference - half, "high": difference + half}
    for row, variance in zip(rows[3:], fitted.variances, strict=True):
        left_out = not clustered and str(row["term"]).startswith("patient")
        row["estimate"] = np.nan if left_out else float(np.sqrt(variance))


def fit_mixed(table: Paired, *, by_patient: bool = True) -> Estimate:
    """Variances and fixed effects by restricted maximum likelihood; without `by_patient` cases are independent."""
    sums, differences = halves(table)
    spread, inner = (half.variance / 2 for half in (sums, differences))
    inner, outer = inner / 3, max(spread - inner, inner) / 6
    start = np.array([outer, inner, outer, inner, outer, inner])
    return estimate(sums, differences, COMPONENTS if by_patient else _BY_CASE, start)


def halves(table: Paired) -> tuple[Half, Half]:
    """Sums and differences of the usable pairs, for the likelihood.

    The fixed effects of the sums are the intercept and the sum-coded references, those of the differences the type (+1
    network, -1 reader) and its interactions.
    """
    usable = np.isfinite(table.network)
    cases, references = np.nonzero(usable)
    x, y = table.network[usable], table.reader[usable]
    q = len(table.references)
    codes = np.vstack([np.eye(q - 1), np.full((1, q - 1), -1.0)])
    design = np.sqrt(2) * np.column_stack([np.ones(len(cases)), codes[references]])
    patients, _ = number(table.patients)
    return Half((x + y) / np.sqrt(2), design, cases, patients), Half((x - y) / np.sqrt(2), design, cases, patients)


def effect_of_type(fitted: Estimate) -> tuple[float, float]:
    """Network minus readers in Dice, at the mean over references, and its standard error."""
    return 2 * float(fitted.differences.beta[0]), 2 * float(np.sqrt(fitted.differences.covariance[0, 0]))


def _tests(fitted: Estimate, q: int, df: int) -> list[tuple[float, float]]:
    """Wald F and p of type, ref and type:ref."""
    tested = ((fitted.differences, slice(0, 1)), (fitted.sums, slice(1, q)), (fitted.differences, slice(1, q)))
    values = [_wald(fit, terms) for fit, terms in tested]
    return [(f, float(fdtrc(k, df, f))) for f, k in values]


def _wald(fit: Fit, terms: slice) -> tuple[float, int]:
    beta, covariance = fit.beta[terms], fit.covariance[terms, terms]
    return float(beta @ np.linalg.solve(covariance, beta)) / len(beta), len(beta)
