"""The primary comparison of a study: scores in, tables out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from radparity.compare import claims
from radparity.compare.bracket import REFUSED, bracket
from radparity.compare.columns import COLUMNS
from radparity.compare.effect import holm, vargha_delaney, vargha_delaney_interval
from radparity.compare.margin import TOO_FEW, Equivalence, margin_test, robust_t
from radparity.compare.patients import Float
from radparity.compare.scores import AVERAGED, NETWORK, READERS, Case, averaged, empties, score
from radparity.compare.settings import Settings
from radparity.compare.wilcoxon import signed_rank, signed_rank_by_patient

__all__ = ["COLUMNS", "Case", "Settings", "compare"]


def compare(cases: Sequence[Case], settings: Settings) -> dict[str, pd.DataFrame]:
    """Compare a network with its readers; `COLUMNS` explains every column.

    Returns the tables `scores` (case x reference), `cases` (averaged over references), `main` (tests and effect sizes:
    averaged, then each reference), `equivalence` (margin test, bracket, sensitivity) and `tails`. Same input and
    settings, same tables. Cases without a usable reference leave all statistics and are counted in `main`.

    Raises ValueError as `score` does (no cases, a repeated case, differing readers or shapes).
    """
    scores = score(cases, settings.rule, settings.empty)
    per_case = averaged(scores)
    return {
        "scores": scores,
        "cases": per_case,
        "main": _main(scores, per_case, settings),
        "equivalence": _equivalence(scores, per_case, settings),
        "tails": _tails(scores, per_case),
    }


def _main(scores: pd.DataFrame, per_case: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    empty = empties(scores).set_index("reference")
    unusable = (~scores["usable"]).groupby(scores["reference"]).sum()
    rows = [_row(AVERAGED, per_case, settings)]
    rows[0] |= {
        "unusable_pairs": int(unusable.sum()),
        "emptied_by": "; ".join(f"reference {k}: {v}" for k, v in empty["emptied_by"].items() if v),
        "note": claims.AVERAGED_WILCOXON,
    }
    for reader in empty.index:
        rows.append(_row(reader, scores[scores["reference"] == reader], settings))
        rows[-1] |= {"unusable_pairs": int(unusable[reader]), "emptied_by": empty.loc[reader, "emptied_by"]}
        rows[-1]["note"] = claims.EXPLORATORY
    table = pd.DataFrame(rows)
    references = table["reference"] != AVERAGED
    for raw, adjusted in (("wilcoxon_p", "holm_p"), ("wilcoxon_p_by_patient", "holm_p_by_patient")):
        table.loc[references, adjusted] = holm(table.loc[references, raw].to_numpy())
    if settings.rule == "majority" and len(empty) == 3:
        table["note"] += claims.MAJORITY_OF_TWO
    if settings.location_given:
        table["note"] += "; " + claims.LOCATION_GIVEN
    return table[list(COLUMNS["main"])]


def _row(reference: str, table: pd.DataFrame, settings: Settings) -> dict[str, object]:
    used = table.dropna(subset=["dice_network"])
    network, reader = used["dice_network"].to_numpy(), used["dice_reader"].to_numpy()
    difference, patients = network - reader, used["patient"].to_numpy()
    test, clustered = signed_rank(difference), signed_rank_by_patient(difference, patients)
    low, high = vargha_delaney_interval(
        reader, network, patients, alpha=settings.alpha, draws=settings.draws, seed=settings.seed
    )
    return {
        "reference": reference,
        "n": len(used),
        "patients": used["patient"].nunique(),
        "cases_left_out": len(table) - len(used),
        "network_median": _quantile(network, 0.5),
        "network_iqr": _quantile(network, 0.75) - _quantile(network, 0.25),
        "reader_median": _quantile(reader, 0.5),
        "reader_iqr": _quantile(reader, 0.75) - _quantile(reader, 0.25),
        "median_of_differences": _quantile(difference, 0.5),
        "difference_of_medians": _quantile(network, 0.5) - _quantile(reader, 0.5),
        "mean_difference": float(difference.mean()) if len(used) else np.nan,
        "wilcoxon_p": test.p,
        "wilcoxon_method": test.method,
        "wilcoxon_p_by_patient": clustered.p,
        "a_reader_above_network": vargha_delaney(reader, network),
        "a_low": low,
        "a_high": high,
        "rank_biserial": test.rank_biserial,
    }


def _equivalence(scores: pd.DataFrame, per_case: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    used = per_case.dropna(subset=["difference"])
    difference, patients, cases = (used[name].to_numpy() for name in ("difference", "patient", "case"))
    student = partial(robust_t, margin=settings.margin, alpha=settings.alpha, minimum_cases=settings.minimum_cases)
    bootstrap = partial(
        margin_test,
        margin=settings.margin,
        alpha=settings.alpha,
        draws=settings.draws,
        seed=settings.seed,
        minimum_cases=settings.minimum_cases,
    )
    readers = scores["reference"].nunique()
    primary, primary_by_case = bootstrap(difference, patients), bootstrap(difference, cases)
    t, t_by_case = student(difference, patients), student(difference, cases)
    rows = [
        _interval_row("margin", settings.role, primary, primary_by_case, settings) | {"claim": claims.margin(readers)},
        _bracket_row(scores, settings),
        _interval_row("patient-robust t", "sensitivity", t, t_by_case, settings) | {"claim": claims.robust_t(readers)},
    ]
    table = pd.DataFrame(rows)[list(COLUMNS["equivalence"])]
    if settings.location_given:
        table["claim"] += f" ({claims.LOCATION_GIVEN})"
    return table


def _interval_row(
    test: str, role: str, by_patient: Equivalence, by_case: Equivalence, settings: Settings
) -> dict[str, object]:
    shown = "yes" if by_patient.non_inferior else "not shown"
    return {
        "test": test,
        "role": role,
        "estimand": claims.MEAN_DIFFERENCE,
        "n": by_patient.cases,
        "patients": by_patient.patients,
        "margin": settings.margin,
        "estimate": by_patient.estimate,
        "low": by_patient.low,
        "high": by_patient.high,
        "level": 1 - 2 * settings.alpha,
        "p_by_patient": by_patient.p,
        "p_cases": by_case.p,
        "verdict": by_patient.verdict,
        "non_inferior": TOO_FEW if by_patient.verdict == TOO_FEW else shown,
        "detail": f"p against -margin {by_patient.p_low:.4g}, against +margin {by_patient.p_high:.4g}",
    }


def _bracket_row(scores: pd.DataFrame, settings: Settings) -> dict[str, object]:
    row: dict[str, object] = {
        "test": "bracket",
        "role": "the paper's",
        "estimand": claims.BRACKET_ESTIMAND,
        "non_inferior": "",
        "claim": claims.BRACKET,
    }
    row |= dict.fromkeys(["margin", "estimate", "low", "high", "level", "p_by_patient", "p_cases"], np.nan)
    used = scores[scores["usable"]]
    row |= {"n": used["case"].nunique(), "patients": used["patient"].nunique()}
    if settings.anonymous:
        return row | {"verdict": REFUSED, "detail": claims.BRACKET_REFUSED}
    result = bracket(scores, anonymous=False, alpha=settings.alpha)
    detail = (
        f"lowest reader {result.lowest}: p {result.p_lowest:.4g} ({result.cases_lowest} cases); "
        f"highest reader {result.highest}: p {result.p_highest:.4g} ({result.cases_highest} cases)"
    )
    return row | {
        "p_by_patient": result.p_by_patient,
        "p_cases": result.p,
        "verdict": result.verdict,
        "detail": detail if result.lowest else claims.BRACKET_NOT_TESTABLE,
    }


def _tails(scores: pd.DataFrame, per_case: pd.DataFrame) -> pd.DataFrame:
    columns = [(NETWORK, AVERAGED, per_case["dice_network"]), (READERS, AVERAGED, per_case["dice_reader"])]
    for reader, rows in scores.groupby("reference", sort=False):
        columns += [(NETWORK, str(reader), rows["dice_network"]), (str(reader), str(reader), rows["dice_reader"])]
    return pd.DataFrame([_tail(rater, reference, values.dropna().to_numpy()) for rater, reference, values in columns])


def _tail(rater: str, reference: str, values: Float) -> dict[str, object]:
    return {
        "rater": rater,
        "reference": reference,
        "n": len(values),
        "percentile_5": _quantile(values, 0.05),
        "percentile_95": _quantile(values, 0.95),
        "share_under_half": float(np.mean(values < 0.5)) if len(values) else np.nan,
    }


def _quantile(values: Float, share: float) -> float:
    return float(np.quantile(values, share)) if len(values) else float("nan")
