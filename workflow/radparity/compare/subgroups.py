"""Subgroups: the mean difference network minus readers by tumour type, background enhancement, size.

Exploratory throughout: no equivalence is claimed of a subgroup, and no p is given where it has fewer than 10 cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from radparity.compare.margin import margin_test
from radparity.compare.scores import Case, averaged
from radparity.compare.size import band_names, band_of, case_diameter
from radparity.compare.welch import Welch, welch

FEWEST = 10
"""Cases below which a value of a subgroup has no p."""
SIZE = "size"
TEST = "interaction rater type x subgroup: Welch's ANOVA of the differences"
FEW = f"fewer than {FEWEST} cases: no p, and not in the interaction"
NO_CASE, ONE_PATIENT = "no case", "fewer than two patients: no interval"
NOT_STATED, UNKNOWN_SIZE = (
    "the sheet does not say: not in the interaction",
    "voxel size unknown: not in the interaction",
)
NO_INTERACTION = f"fewer than two values with {FEWEST} cases: no interaction"

COLUMNS = {
    "subgroup": "a column of the breasts sheet, or size: equivalent diameter of the readers' median area or volume",
    "value": "the value that these cases share; empty where the sheet does not say",
    "n": "cases with a usable reference",
    "patients": "their patients",
    "cases_left_out": "cases of this value without a usable reference",
    "network_median": "median of the network's Dice, averaged over references",
    "reader_median": "median of the readers' Dice, averaged over references",
    "mean_difference": "mean of network minus readers, Dice",
    "low": "lower bound of its interval (studentized bootstrap over patients); no claim of equivalence",
    "high": "upper bound of its interval",
    "level": "level of the interval",
    "interaction_test": "does the difference depend on this subgroup? The same in all rows that take part",
    "interaction_f": "its F, cases independent",
    "interaction_p_cases": "its p, cases independent",
    "interaction_p_by_patient": "its p, patients as clusters",
    "note": "why a cell is empty",
}


def subgroups(
    cases: Sequence[Case],
    scores: pd.DataFrame,
    groups: Mapping[str, Mapping[str, str]],
    bands_mm: Sequence[float],
    *,
    alpha: float = 0.05,
    draws: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """One row a value of each subgroup and a band of size; `COLUMNS` explains the table.

    scores: what `score` made of the cases; groups: column of the breasts sheet to case to its value, "" where it says
    none; bands_mm: bounds between sizes, from small to large. Intervals have level 1 - 2 alpha.

    Raises KeyError for a column that lacks a case, ValueError for a column that is called size.
    """
    if SIZE in groups:
        raise ValueError(
            f"compare: subgroups: {SIZE} is made from the outlines; rename that column of the breasts sheet"
        )
    if not cases:
        return pd.DataFrame(columns=list(COLUMNS))
    table = averaged(scores)
    sizes = {case.case: band_of(case_diameter(case), bands_mm) for case in cases}
    rows: list[dict[str, object]] = []
    for name, values in {**groups, SIZE: sizes}.items():
        labels = np.array([values[case] for case in table["case"]], dtype=object)
        stated = band_names(bands_mm) if name == SIZE else sorted({value for value in labels if value})
        enough = [v for v in stated if table.loc[labels == v, "difference"].notna().sum() >= FEWEST]
        tests = _interaction(table, labels, enough)
        for value in [*stated, *([""] if "" in labels else [])]:
            own = table[labels == value]
            row: dict[str, object] = {"subgroup": name, "value": value} | _row(own, alpha, draws, seed)
            if value in enough:
                row |= tests
                why = str(tests["why"])
            else:
                why = FEW if value else UNKNOWN_SIZE if name == SIZE else NOT_STATED
            notes = [str(row["note"]), why if row["n"] else ""]
            rows.append(row | {"note": "; ".join(note for note in notes if note)})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(own: pd.DataFrame, alpha: float, draws: int, seed: int) -> dict[str, object]:
    used = own.dropna(subset=["difference"])
    test = margin_test(used["difference"], used["patient"].to_numpy(), alpha=alpha, draws=draws, seed=seed)
    return {
        "n": len(used),
        "patients": test.patients,
        "cases_left_out": len(own) - len(used),
        "network_median": float(used["dice_network"].median()) if len(used) else np.nan,
        "reader_median": float(used["dice_reader"].median()) if len(used) else np.nan,
        "mean_difference": test.estimate,
        "low": test.low,
        "high": test.high,
        "level": 1 - 2 * alpha,
        "note": NO_CASE if not len(used) else ONE_PATIENT if test.patients < 2 else "",
    }


def _interaction(table: pd.DataFrame, labels: np.ndarray, enough: Sequence[str]) -> dict[str, object]:
    """The test over the values with enough cases; `why` says why there is none."""
    if len(enough) < 2:
        by_case = by_patient = Welch(*(float("nan"),) * 4, NO_INTERACTION)
    else:
        used = table.assign(label=labels)
        used = used[used["label"].isin(enough)].dropna(subset=["difference"])
        difference, label = used["difference"].to_numpy(), used["label"].to_numpy(dtype=str)
        by_case = welch(difference, label, used["case"].to_numpy())
        by_patient = welch(difference, label, used["patient"].to_numpy())
    return {
        "interaction_test": TEST,
        "interaction_f": by_case.f,
        "interaction_p_cases": by_case.p,
        "interaction_p_by_patient": by_patient.p,
        "why": by_case.note or by_patient.note,
    }
