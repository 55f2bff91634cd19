"""Operating points: test Dice at the tuned fraction, at one half, and at fractions tuned on other references.

A threshold tuned on one reference costs Dice on another, and no reader was told the operating point; so the difference
that the comparison judges is shown at each of them. All of it is sensitivity: one operating point was fixed beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radparity.compare.margin import margin_test
from radparity.compare.scores import Case, EmptyPolicy, averaged, score
from radparity.consensus import Rule
from radparity.segment import segment_section

RULES: tuple[Rule, ...] = ("intersection", "union", "majority")
HALF = 0.5
STUDY, FIXED, RETUNED = "study", "half", "retuned"
NO_RETUNING = "the configuration fixes the fraction, or no tuning case has such a reference: nothing was tuned on it"
ONE_PATIENT = "fewer than two patients: no interval"

COLUMNS = {
    "reference": "how the references of the test cases are made; the study's own rule first",
    "operating_point": "study: the study's fraction; half: 0.5; retuned: tuned on this reference's tuning cases",
    "role": "primary: what the comparison uses; sensitivity: all others",
    "fraction": "threshold as a fraction of the section's maximum",
    "n": "test cases with a usable reference",
    "patients": "their patients",
    "network_mean": "mean over cases of the network's Dice, averaged over references",
    "network_median": "median of the same",
    "reader_mean": "mean over cases of the readers' Dice; no threshold moves it",
    "reader_median": "median of the same",
    "mean_difference": "mean of network minus readers, Dice",
    "low": "lower bound of its interval (studentized bootstrap over patients)",
    "high": "upper bound of its interval",
    "level": "level of the interval",
    "change": "mean change of the network's Dice against the study's fraction on the same references",
    "change_low": "lower bound of its interval (studentized bootstrap over patients)",
    "change_high": "upper bound of its interval",
    "empty_masks": "cases whose mask is empty at this fraction",
    "note": "why a cell is empty",
}


def thresholds(
    cases: Sequence[Case],
    sections: Mapping[str, NDArray[Any]],
    fraction: float,
    retuned: Mapping[str, float],
    component: float,
    *,
    rule: Rule = "intersection",
    empty: EmptyPolicy = "drop",
    alpha: float = 0.05,
    draws: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Network and readers at each operating point and reference; `COLUMNS` explains the table.

    cases: as the comparison has them (their network's mask is not looked at); sections: case to the judged section of
    its probability map (anterior, superior); fraction: the study's own; retuned: rule to the fraction tuned on it;
    component: share of the maximum that a component must reach. Intervals have level 1 - 2 alpha.

    Raises KeyError for a case without a section, ValueError as `score` does.
    """
    rows: list[dict[str, object]] = []
    for reference in [rule, *(other for other in RULES if other != rule)] if cases else []:
        points = [(STUDY, fraction), (FIXED, HALF)]
        points += [(RETUNED, retuned.get(reference, float("nan")))] if reference != rule else []
        base = pd.Series(dtype=float)
        for point, value in points:
            row: dict[str, object] = {
                "reference": reference,
                "operating_point": point,
                "role": "primary" if (reference, point) == (rule, STUDY) else "sensitivity",
                "fraction": value,
            }
            if np.isnan(value):
                rows.append(row | {"note": NO_RETUNING})
                continue
            moved = [replace(c, network=segment_section(sections[c.case], value, component)) for c in cases]
            table = averaged(score(moved, reference, empty)).set_index("case").dropna(subset=["difference"])
            base = table["dice_network"] if point == STUDY else base
            how = {"alpha": alpha, "draws": draws, "seed": seed}
            row |= _row(table, base, how) | {"empty_masks": sum(not case.network.any() for case in moved)}
            rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({n: "Int64" for n in ("n", "patients", "empty_masks")})


def _row(table: pd.DataFrame, base: pd.Series, how: Mapping[str, Any]) -> dict[str, object]:
    """One operating point; `table` and `base` (Dice at the study's fraction) have the case as index."""
    patients = table["patient"].to_numpy()
    network, reader = table["dice_network"].to_numpy(), table["dice_reader"].to_numpy()
    apart = margin_test(network - reader, patients, **how)
    change = margin_test(network - base.loc[table.index].to_numpy(), patients, **how)
    many = len(table) > 0
    return {
        "n": len(table),
        "patients": len(set(patients)),
        "network_mean": network.mean() if many else np.nan,
        "network_median": np.median(network) if many else np.nan,
        "reader_mean": reader.mean() if many else np.nan,
        "reader_median": np.median(reader) if many else np.nan,
        "mean_difference": apart.estimate,
        "low": apart.low,
        "high": apart.high,
        "level": 1 - 2 * how["alpha"],
        "change": change.estimate,
        "change_low": change.low,
        "change_high": change.high,
        "note": "" if len(set(patients)) > 1 else ONE_PATIENT,
    }
