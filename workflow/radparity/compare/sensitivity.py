"""The equivalence question asked in other ways: does the verdict hang on one choice?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from radparity.compare.logit import MARGIN as LOGIT_MARGIN
from radparity.compare.logit import logit
from radparity.compare.margin import Equivalence, margin_test, robust_t, verdict
from radparity.compare.patients import Float, checked, number
from radparity.compare.scores import Case, EmptyPolicy, averaged, score
from radparity.compare.wilcoxon import SignedRank, signed_rank, signed_rank_by_patient
from radparity.consensus import Rule

Row = dict[str, object]
Test = Callable[..., Equivalence]
COLUMNS: dict[str, str] = {
    "analysis": "name of the analysis; the first row is the primary one, for comparison",
    "estimand": "what is estimated; network minus readers",
    "scale": '"dice" or "logit" (Dice clipped to 0.001 and 0.999, then its logit)',
    "references": "rule that made the references, and what an empty one does",
    "n": "number of cases used",
    "patients": "number of patients of those cases",
    "margin": "equivalence margin, on that scale",
    "estimate": "estimate of the estimand, on that scale",
    "low": "lower bound, on that scale; -inf where no bound can be given",
    "high": "upper bound, on that scale; inf where no bound can be given",
    "level": "level of the interval, 1 - 2 alpha",
    "p_by_patient": "larger of the two one-sided p against the margin, patients as clusters",
    "p_cases": "larger of the two one-sided p against the margin, cases independent (as the paper)",
    "verdict": "read from the interval",
    "note": "what the row can not claim, or why a figure is missing",
}
MEAN = "mean over cases of the difference, each averaged over the case's usable references"
MEAN_LOGIT = "mean over cases of the difference of logits of the averaged Dice"
PSEUDO_MEDIAN = "pseudo-median of the difference (median of the means of all pairs of cases)"
STUDENT_NOTE = "with few or skewed cases it declares equivalence too often"
WILCOXON_NOTE = "the pseudo-median does not see a tail of failures: it can be equivalent where the mean is not"
CASES_NOTE = "as the paper: the interval takes a patient's cases as independent and is too narrow where they are alike"
MAJORITY_NOTE = "with two other readers the majority is their intersection"


def sensitivity(
    cases: Sequence[Case],
    *,
    rule: Rule = "intersection",
    empty: EmptyPolicy = "drop",
    margin: float = 0.05,
    alpha: float = 0.05,
    draws: int = 10_000,
    seed: int = 0,
    minimum_cases: int = 50,
) -> pd.DataFrame:
    """The primary test, then one row for each other way to ask; `COLUMNS` explains every column.

    Other references; the other policy for empty ones; each reference alone; cases independent; the patient-robust t;
    t on the logit with its own margin; Wilcoxon on shifted differences, whose estimand is the pseudo-median. Rows are
    read beside the primary test and never instead of it. Raises ValueError as `score` does for a fault in the cases.
    """
    if not cases:
        return pd.DataFrame(columns=list(COLUMNS))
    bootstrap = partial(margin_test, margin=margin, alpha=alpha, draws=draws, seed=seed, minimum_cases=minimum_cases)
    student = partial(robust_t, alpha=alpha, minimum_cases=minimum_cases)
    shifted = partial(shifted_wilcoxon, margin=margin, alpha=alpha, minimum_cases=minimum_cases)
    scores = score(cases, rule, empty)
    primary = averaged(scores)
    own = f"{rule}; empty: {empty}"

    def row(name: str, table: pd.DataFrame, test: Test = bootstrap, **other: object) -> Row:
        return _row(table, test) | {"analysis": name, "estimand": MEAN, "scale": "dice", "margin": margin} | other

    rows = [row("margin test, the primary", primary, references=own)]
    for each in get_args(Rule):
        if each != rule:
            two = len(cases[0].readers) == 3 and "majority" in (each, rule) and each in ("majority", "intersection")
            name, references = f"margin test, {each} references", f"{each}; empty: {empty}"
            rows.append(row(name, averaged(score(cases, each, empty)), references=references))
            rows[-1]["note"] = MAJORITY_NOTE if two else rows[-1]["note"]
    for policy in get_args(EmptyPolicy):
        if policy != empty:
            name, references = f"margin test, empty references: {policy}", f"{rule}; empty: {policy}"
            rows.append(row(name, averaged(score(cases, rule, policy)), references=references))
    for reader, of_reader in scores.groupby("reference", sort=False):
        estimand = f"mean over cases of the difference to reader {reader}, both on that reader's reference"
        rows.append(row(f"margin test, reference {reader}", of_reader, references=own, estimand=estimand))
    rows.append(row("margin test, cases independent", primary.assign(patient=primary["case"]), references=own))
    rows[-1] |= {"patients": rows[0]["patients"], "p_by_patient": np.nan, "note": CASES_NOTE}
    robust = partial(student, margin=margin)
    rows.append(row("patient-robust t", primary, robust, references=own, note=STUDENT_NOTE))
    on_logit = primary.assign(dice_network=logit(primary["dice_network"]), dice_reader=logit(primary["dice_reader"]))
    robust = partial(student, margin=LOGIT_MARGIN)
    rows.append(row("patient-robust t on the logit", on_logit, robust, references=own, note=STUDENT_NOTE))
    rows[-1] |= {"estimand": MEAN_LOGIT, "scale": "logit", "margin": LOGIT_MARGIN}
    rows.append(row("Wilcoxon on shifted differences", primary, shifted, references=own, estimand=PSEUDO_MEDIAN))
    rows[-1]["note"] = WILCOXON_NOTE
    return pd.DataFrame(rows).assign(level=1 - 2 * alpha)[list(COLUMNS)]


def shifted_wilcoxon(
    differences: ArrayLike,
    patients: Sequence[str] | ArrayLike,
    *,
    margin: float = 0.05,
    alpha: float = 0.05,
    minimum_cases: int = 50,
) -> Equivalence:
    """Two one-sided signed rank tests of `differences` (n,) shifted by +margin and -margin, patients as clusters.

    The estimate is the pseudo-median (Hodges, Lehmann 1963), the interval of level 1 - 2 alpha holds the shifts that
    neither one-sided test rejects, infinite where even the largest shift is not rejected. With every case its own
    patient the tests are the paper's, cases independent. There is no standard error.
    """
    values = checked(differences, patients)
    _, count = number(patients)

    def test(shift: float) -> SignedRank:
        moved = values - shift
        return signed_rank(moved) if count == len(values) else signed_rank_by_patient(moved, patients)

    nan = float("nan")
    if count < 2:
        said = verdict(nan, nan, margin, len(values), minimum_cases)
        return Equivalence(len(values), count, pseudo_median(values), nan, nan, nan, nan, nan, said, False)
    bounds = (float(values.min()) - 1e-9, float(values.max()) + 1e-9)
    low = _boundary(lambda shift: test(shift).p_greater < alpha, *bounds)
    high = _boundary(lambda shift: test(shift).p_less < alpha, *reversed(bounds))
    p_low, p_high = test(-margin).p_greater, test(margin).p_less
    said = verdict(low, high, margin, len(values), minimum_cases)
    non_inferior = len(values) >= minimum_cases and low > -margin
    return Equivalence(len(values), count, pseudo_median(values), nan, low, high, p_low, p_high, said, non_inferior)


def pseudo_median(values: Float) -> float:
    """Median of the means of all pairs of values (n,), each value with itself too; nan without a value."""
    if not len(values):
        return float("nan")
    first, second = np.triu_indices(len(values))
    return float(np.median((values[first] + values[second]) / 2))


def _row(table: pd.DataFrame, test: Test) -> Row:
    """What a test says of a table with the columns case, patient, dice_network and dice_reader."""
    used = table.dropna(subset=["dice_network"])
    difference = (used["dice_network"] - used["dice_reader"]).to_numpy()
    by_patient, by_case = (test(difference, used[unit].to_numpy()) for unit in ("patient", "case"))
    return {
        "n": by_patient.cases,
        "patients": by_patient.patients,
        "estimate": by_patient.estimate,
        "low": by_patient.low,
        "high": by_patient.high,
        "p_by_patient": by_patient.p,
        "p_cases": by_case.p,
        "verdict": by_patient.verdict,
        "note": "fewer than two patients with a usable reference" if by_patient.patients < 2 else "",
    }


def _boundary(rejected: Callable[[float], bool], outside: float, inside: float) -> float:
    """Where a test stops rejecting on the way from `outside` to `inside`; infinite where it never rejects."""
    if not rejected(outside):
        return float(np.copysign(np.inf, outside - inside))
    for _ in range(60):
        middle = (outside + inside) / 2
        outside, inside = (middle, inside) if rejected(middle) else (outside, middle)
    return outside
