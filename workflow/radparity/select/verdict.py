"""Verdict: what the tables of the experiments say, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

Row = dict[str, Any]


def beyond_chance(row: Row, alpha: float) -> bool:
    """Whether both adjusted p, with cases independent and with patients as clusters, are below alpha."""
    return bool(row["holm_p"] < alpha and row["holm_p_by_patient"] < alpha)


def selection_verdict(
    table: pd.DataFrame, tests: pd.DataFrame, reference: str, primary: str, alpha: float, minimum_cases: int
) -> list[str]:
    """Is any arm better than the one that was chosen beforehand? The bad news first.

    table, tests: as select.tables makes them; reference: the arm that all others were set against; primary: the
    study's primary arm.
    """
    who = f"the primary arm {primary}" if reference == primary else f"{reference}"
    rows: list[Row] = tests.to_dict("records")
    clear = [row for row in rows if beyond_chance(row, alpha)]
    better = [row for row in clear if row["mean_difference"] > 0 and row["rank_biserial"] > 0]
    worse = [row for row in clear if row["mean_difference"] < 0 and row["rank_biserial"] < 0]
    open_ones = [row for row in rows if row not in better and row not in worse]
    said = []
    if better:
        verb = "is" if len(better) == 1 else "are"
        said.append(f"{_listed(better)} {verb} better than {who} on the development cases.")
        if reference == primary:
            said.append(
                f"{primary} was locked before this was known. Another primary arm may be chosen only while nobody has"
                " seen the test set; otherwise report it as it is."
            )
    else:
        said.append(f"No arm is better than {who} beyond chance.")
    if worse:
        said.append(f"Worse than {who}: {_listed(worse)}.")
    if open_ones:
        said.append(f"Not told apart from {who}: {_listed(open_ones)}.")
    said += _cautions(rows, clear)
    fewest = int(table["cases"].min())
    if fewest < minimum_cases:
        said.append(f"With {fewest} cases only a large difference can be told from chance.")
    return said


def curve_verdict(table: pd.DataFrame, tests: pd.DataFrame, alpha: float, minimum_cases: int) -> list[str]:
    """Does more data help, and does it still help at the end of each curve?"""
    said = []
    for curve, points in table.groupby("curve", sort=False):
        rows: list[Row] = tests[tests["curve"] == curve].to_dict("records")
        means = ", ".join(f"{mean:.3f}" for mean in points["mean"])
        last = rows[-1]
        what = f"Curve {curve}: mean Dice {means}. Its last step, from {_breasts(points.iloc[-2])} to"
        what += f" {_breasts(points.iloc[-1])}, changes it by {_amount(last)}"
        if not beyond_chance(last, alpha):
            said.append(f"{what}, which is not told from chance.")
        elif last["mean_difference"] > 0:
            said.append(f"{what}: it still rises at its end.")
        else:
            said.append(f"{what}: more data made it worse.")
        shares = points[["malignant_share", "benign_share"]]
        if (shares["malignant_share"] / shares["benign_share"]).round(9).nunique() > 1:
            said.append(f"Curve {curve} changes the ratio of malignant to benign breasts too, not their number alone.")
    fewest = int(table["cases"].min())
    if fewest < minimum_cases:
        said.append(f"With {fewest} cases only a large difference can be told from chance.")
    return said


def _cautions(rows: list[Row], clear: list[Row]) -> list[str]:
    found = []
    noisy = [f"{row['arm']}" for row in clear if abs(row["mean_difference"]) < 2 * row["error_of_repeats"]]
    if noisy:
        found.append(
            f"Of {_and(noisy)} the difference is less than twice what the repeats alone would make: train more repeats"
            " before relying on it."
        )
    fewer = [f"{row['arm']} ({row['cases']})" for row in rows if row["only_first"] or row["only_second"]]
    if fewer:
        found.append(f"Compared on a part of the cases, those that both arms have: {_and(fewer)}.")
    return found


def _listed(rows: Iterable[Row]) -> str:
    return _and([f"{row['arm']} ({_amount(row)})" for row in rows])


def _amount(row: Row) -> str:
    if not row["cases"]:
        return "no case in common"
    chance = [_p(row[name]) for name in ("holm_p", "holm_p_by_patient")]
    return f"{row['mean_difference']:+.3f}, Holm p {chance[0]} / {chance[1]}".replace("-", "−")


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _breasts(point: Any) -> str:
    return f"{point['malignant']:g} malignant and {point['benign']:g} benign breasts"


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
