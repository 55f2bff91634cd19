"""Outliers: the test cases where the network does worst, with what can be said about each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import ndimage

from radparity.compare.patients import Float
from radparity.compare.scores import Case, Mask, averaged
from radparity.compare.size import case_diameter, readers_size, size_of
from radparity.compare.wilcoxon import DECIMALS
from radparity.record import read

EMPTY, DISJOINT, OVERLAPPING = "empty", "disjoint", "overlapping"
NO_SPACING, NO_MASK, NO_OUTLINE = "voxel size unknown", "the network's mask is empty", "every reader's outline is empty"

COLUMNS = {
    "case": "the case; the worst first: by the better of its two ranks, then by the rank by difference",
    "patient": "its patient",
    "dice_network": "the network's Dice, averaged over references",
    "dice_reader": "the readers' Dice, averaged over references",
    "difference": "network minus readers",
    "rank_by_difference": "1: the most negative difference of all test cases (ties: the network's Dice, then name)",
    "rank_by_dice": "1: the lowest Dice of the network of all test cases (ties: difference, then name)",
    "network_mask": "empty; disjoint: without a voxel of any reader's outline; overlapping",
    "network_size": "size of the network's mask, mm2 (of a volume: mm3)",
    "readers_size": "median size of the readers' outlines, in the same unit",
    "diameter_mm": "diameter of the circle (sphere) with the readers' median size, mm",
    "centroid_distance_mm": "distance of the mask's centroid from that of the union of the readers' outlines, mm",
    "section_maximum": "largest probability on the section, 0 to 1; empty where the arm records none",
    "disagreement": "mean standard deviation over the folds' networks inside the mask; empty where there is none",
    "note": "why a cell is empty",
}


def outliers(
    cases: Sequence[Case], scores: pd.DataFrame, count: int, facts: Mapping[str, Mapping[str, Any]] | None = None
) -> pd.DataFrame:
    """The `count` worst cases, the worst first; `COLUMNS` explains the table.

    Cases are ranked by the difference network minus readers and by the network's Dice; a case counts by the better of
    its two ranks, so that both lists' worst are in. Cases without a usable reference cannot be ranked and are not
    listed. scores: what `score` made of the cases; facts: case to section_maximum and disagreement, as `read_facts`
    has them.
    """
    if not cases or count < 1:
        return pd.DataFrame(columns=list(COLUMNS))
    table = averaged(scores).dropna(subset=["difference"]).sort_values("case", ignore_index=True)
    rounded = {name: table[name].round(DECIMALS) for name in ("difference", "dice_network")}
    table["rank_by_difference"] = _ranks(rounded["difference"], rounded["dice_network"])
    table["rank_by_dice"] = _ranks(rounded["dice_network"], rounded["difference"])
    table["best"] = table[["rank_by_difference", "rank_by_dice"]].min(axis=1)
    worst = table.sort_values(["best", "rank_by_difference"]).head(count)
    named = {case.case: case for case in cases}
    rows = [row | described(named[row["case"]], (facts or {}).get(row["case"], {})) for row in worst.to_dict("records")]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def read_facts(segments: Iterable[str | Path]) -> dict[str, dict[str, Any]]:
    """Case to section_maximum and, where its arm has several networks, disagreement, from records of `segment`."""
    records = [record for record in map(read, segments) if record["status"] == "ok"]
    names = ("section_maximum", "disagreement")
    return {record["case"]: {name: record[name] for name in names if name in record} for record in records}


def _ranks(first: pd.Series, then: pd.Series) -> pd.Series:
    """Rank of each row, 1 the lowest by the first key, then the other, then the order of the rows."""
    order = np.lexsort((then, first))
    ranks = np.empty(len(order), dtype=int)
    ranks[order] = np.arange(1, len(order) + 1)
    return pd.Series(ranks, index=first.index)


def described(case: Case, known: Mapping[str, Any]) -> dict[str, object]:
    """What can be said of the network's mask of one case beside its Dice; known: section_maximum, disagreement."""
    drawn = np.any(list(case.readers.values()), axis=0)
    empty = not case.network.any()
    notes = [(case.spacing_mm is None, NO_SPACING), (empty, NO_MASK), (not drawn.any(), NO_OUTLINE)]
    distance = float("nan")
    if not any(given for given, _ in notes):
        distance = float(np.linalg.norm((_centroid(case.network) - _centroid(drawn)) * np.array(case.spacing_mm)))
    return {
        "network_mask": EMPTY if empty else OVERLAPPING if (case.network & drawn).any() else DISJOINT,
        "network_size": size_of(case.network, case.spacing_mm),
        "readers_size": readers_size(case),
        "diameter_mm": case_diameter(case),
        "centroid_distance_mm": distance,
        "section_maximum": known.get("section_maximum", float("nan")),
        "disagreement": known.get("disagreement", float("nan")),
        "note": "; ".join(text for given, text in notes if given),
    }


def _centroid(mask: Mask) -> Float:
    """Mean voxel position of a mask that is not empty, in voxels along its axes."""
    return np.array(ndimage.center_of_mass(mask))
