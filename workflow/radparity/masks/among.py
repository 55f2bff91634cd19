"""Readers among themselves, where there is no network to judge: pair by pair, on references, and pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from radparity.compare import agreement as pairs
from radparity.compare import distances as apart
from radparity.compare import volume
from radparity.compare.scores import NETWORK, Case, EmptyPolicy, Mask, score
from radparity.consensus import Rule

PAIRS = "two readers"
POOLED: dict[str, str] = {
    "figure": f'"{PAIRS}", or "a reader on the ... of the others"',
    "n": "number of Dice values: pairs, or readers, of cases",
    "unusable": "pairs that both marked nothing, or empty references",
    "cases": "number of cases that they come from",
    "mean": "mean Dice, 0 to 1",
    "median": "median Dice",
    "q25": "lower quartile of Dice",
    "q75": "upper quartile of Dice",
    "share_under_half": "share with Dice under 0.5, 0 to 1",
}
DISTANCES: dict[str, str] = {
    "measure": "hd95: 95th percentile of the distances between the outlines; assd: their mean",
    "rater": f'a reader, or "{PAIRS}": all pairs of all cases',
    "against": "the other reader; empty of all pairs",
    "n": "number of distances",
    "unusable": "pairs without one: both marked nothing, or the voxel size is not known",
    "missed": "pairs of which one marked nothing: infinitely far apart",
    "median": "median distance, mm",
    "q25": "its lower quartile, mm",
    "q75": "its upper quartile, mm",
}
COLUMNS: dict[str, Mapping[str, str]] = {
    "pooled": POOLED,
    "agreement": pairs.COLUMNS,
    "references": pairs.REFERENCES,
    "distances": DISTANCES,
    "sizes": volume.SUMMARY,
}
"""Table to column to meaning, with unit."""


def among(cases: Sequence[Case], rule: Rule, empty: EmptyPolicy, alpha: float = 0.05) -> dict[str, pd.DataFrame]:
    """The tables of `COLUMNS` over the readers alone; the cases' network masks are not looked at.

    rule: of the pooled figure on references; alpha: error a side of the intervals of sizes. Where reader ids are slots,
    not persons, the pooled figures are what can be said. Without a case the tables have their headers and no row.
    """
    agreed, sizes = pairs.agreement(cases), volume.bland_altman(volume.volume_table(cases), alpha=alpha)
    return {
        "pooled": pooled(cases, rule, empty),
        "agreement": agreed[agreed["rater"] != NETWORK].reset_index(drop=True),
        "references": pairs.references(cases, empty=empty, network=False),
        "distances": distances(cases),
        "sizes": sizes[sizes["rater"] != NETWORK].reset_index(drop=True),
    }


def pooled(cases: Sequence[Case], rule: Rule, empty: EmptyPolicy) -> pd.DataFrame:
    """Dice of all pairs of readers of all cases, and of all readers on the reference made from their others."""
    if not cases:
        return pd.DataFrame(columns=list(POOLED))
    of_pairs = [pairs.between(*two) for case in cases for two in combinations(case.readers.values(), 2)]
    on_references = score(cases, rule, empty)["dice_reader"].to_numpy(float)
    figures = {PAIRS: np.array(of_pairs), f"a reader on the {rule} of the others": on_references}
    rows = [{"figure": name, "cases": len(cases)} | _spread(values) for name, values in figures.items()]
    return pd.DataFrame(rows)[list(POOLED)]


def distances(cases: Sequence[Case]) -> pd.DataFrame:
    """Both distances of every two readers' masks, mm: all pairs together, then pair by pair; `DISTANCES` explains them.

    A mask against a blank one is infinitely far; two blank ones have no distance. Raises ValueError for a spacing that
    does not fit the masks.
    """
    if not cases:
        return pd.DataFrame(columns=list(DISTANCES))
    found: dict[tuple[str, str], list[apart.Distances]] = {}
    for case in cases:
        for (one, first), (other, second) in combinations(case.readers.items(), 2):
            found.setdefault((one, other), []).append(_apart(first, second, case.spacing_mm))
    groups = {(PAIRS, ""): [each for of_pair in found.values() for each in of_pair], **found}
    rows = [
        {"measure": measure, "rater": one, "against": other} | _far([getattr(each, measure) for each in values])
        for measure in apart.MEASURES
        for (one, other), values in groups.items()
    ]
    return pd.DataFrame(rows)[list(DISTANCES)]


def _apart(one: Mask, other: Mask, spacing_mm: Sequence[float] | None) -> apart.Distances:
    if spacing_mm is None:
        return apart.Distances(float("nan"), float("nan"))
    # Of two masks the one that is not blank is the reference: which of the readers it is makes no difference.
    return apart.distances(one, other, spacing_mm) if other.any() else apart.distances(other, one, spacing_mm)


def _far(values: Sequence[float]) -> dict[str, object]:
    known = np.array([value for value in values if not np.isnan(value)], dtype=np.float64)
    return {
        "n": len(known),
        "unusable": len(values) - len(known),
        "missed": int(np.count_nonzero(np.isinf(known))),
        "median": apart.quantile(known, 0.5),
        "q25": apart.quantile(known, 0.25),
        "q75": apart.quantile(known, 0.75),
    }


def _spread(values: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, object]:
    used = values[~np.isnan(values)]
    q25, median, q75 = np.quantile(used, [0.25, 0.5, 0.75]) if len(used) else [np.nan] * 3
    return {
        "n": len(used),
        "unusable": len(values) - len(used),
        "mean": float(used.mean()) if len(used) else np.nan,
        "median": float(median),
        "q25": float(q25),
        "q75": float(q75),
        "share_under_half": float(np.mean(used < 0.5)) if len(used) else np.nan,
    }
