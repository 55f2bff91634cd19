"""Baselines: every compared arm beside the network and the readers, on the whole section and where it is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from radparity.report.results import Results
from radparity.report.tables import AVERAGED, Table, interval, location_given, masks_of, missing, number

NOT_GIVEN, GIVEN = "not given", "given"
NOTE = (
    "Dice, each case's averaged over its references. Where the location is given, network, baseline and readers are "
    "judged inside one box: the readers' outlines and 5 mm around them. That tells a method most of the answer, so "
    "such a row may be compared only with rows of the same location. All arms but {primary} are exploratory."
)


def side_by_side(results: Results) -> Table:
    """Median Dice of arms, network and readers in one table, with the location given and not; the paper's at the end.

    The figures on the whole section come from the arms' tables `cases`, those inside the box from `located`.
    """
    paper, readers, own = results.published, results.table("cases").get("dice_reader"), []
    theirs = _published(paper)
    for arm in results.arms:
        dice = results.table("cases", arm).get("dice_network")
        who = masks_of(arm, results.config)
        if not location_given(arm, results.config):
            known = theirs[who, NOT_GIVEN] if arm == results.primary or who == "baseline" else None
            own.append([who, arm, NOT_GIVEN, *_of(dice), "", _number(known)])
    own.append(["readers", "", NOT_GIVEN, *_of(readers), "", _number(theirs["readers", NOT_GIVEN])])
    for arm in (arm for arm in results.arms if location_given(arm, results.config)):
        table = results.table("located", arm)
        for row in table[table["reference"] == AVERAGED].to_dict("records") if len(table) else []:
            name = {"network": results.primary, "baseline": arm}.get(row["rater"], "")
            level = f" ({100 * row['level']:g} %)"
            bounds = interval(row["minus_network_low"], row["minus_network_high"], sign=True)
            minus = number(row["minus_network"], sign=True) + (f", {bounds}{level}" if bounds else "")
            spread = [str(row["n"]), number(row["median"]), interval(row["q25"], row["q75"])]
            own.append([row["rater"], name, GIVEN, *spread, minus, _number(theirs.get((row["rater"], GIVEN)))])
    head = ["masks of", "arm", "location", "cases", "median", "quartiles", "mean minus the network's, in the box"]
    head.append(f"the paper's median, {paper['test_cases']} patients")
    note = NOTE.format(primary=results.primary)
    return Table("baselines", "Arms, network and readers side by side", head, own, note, (0, 1, 2))


def _published(paper: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    """The paper's medians by what made the masks and whether the location was given."""
    whole, baseline = paper["dice"][0], paper["fuzzy_c_means"]
    return {
        ("network", NOT_GIVEN): whole["network"][0],
        ("readers", NOT_GIVEN): whole["readers"][0],
        ("baseline", NOT_GIVEN): baseline["dice"],
        ("baseline", GIVEN): baseline["in_box"],
        ("network", GIVEN): baseline["network_in_box"],
    }


def _of(dice: pd.Series[float] | None) -> list[str]:
    """Number, median and quartiles of a column."""
    values = np.array([] if dice is None else dice.dropna(), dtype=float)
    if not values.size:
        return ["0", "", ""]
    low, middle, high = np.percentile(values, [25, 50, 75])
    return [str(values.size), number(middle), interval(low, high)]


def _number(value: float | None) -> str:
    return "" if missing(value) else number(value, 2)
