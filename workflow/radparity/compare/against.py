"""Network against reference, where one or two raters outlined each case: estimates with intervals, and no claim.

With two raters the network is also scored against each, and the raters against each other: a description, since two
raters cannot show how far raters are from one another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from radparity.compare import against_tables, volume
from radparity.compare.against_columns import COLUMNS, DESCRIPTIVE, ESTIMATE, LOCATION, NO_INTERVAL, NO_MEDIAN
from radparity.compare.intervals import mean_interval, median_interval
from radparity.compare.patients import Float
from radparity.compare.scores import NETWORK, READERS, Case, Mask, dice
from radparity.compare.settings import Settings
from radparity.consensus import Rule, common_reference
from radparity.raters import REFERENCE, TAKEN


def against_in_full(
    cases: Sequence[Case],
    settings: Settings,
    groups: Mapping[str, Mapping[str, str]] | None = None,
    facts: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, pd.DataFrame]:
    """Every table of `COLUMNS` for a study with one or two raters. Without a case only their headers.

    groups: column of the breasts sheet to case to value; facts: case to what is known of its map (see `outliers`).
    All intervals have level 1 - alpha, patients as clusters. Raises ValueError as `score_against` does.
    """
    if not cases:
        return {name: pd.DataFrame(columns=list(own)) for name, own in COLUMNS.items()}
    chance: dict[str, Any] = {"alpha": settings.alpha, "draws": settings.draws, "seed": settings.seed}
    scores = score_against(cases, settings)
    whole = scores[(scores["rater"] == NETWORK) & (scores["reference"] == REFERENCE)]
    pairs = {case.case: list(pairs_of(case, settings.rule)) for case in cases}
    apart = against_tables.distance_table(cases, pairs)
    sizes = volume.volume_table(cases)
    agreement = volume.bland_altman(sizes, alpha=settings.alpha)
    found = against_tables.detection_table(cases, pairs, settings.detection_overlap)
    return {
        "main": main_table(scores, settings.location_given, **chance),
        "cases": _cases(whole),
        "scores": scores,
        "distances": apart,
        "distance_summary": against_tables.distance_summary(apart, **chance),
        "sizes": sizes,
        # The mean of two raters' sizes is nobody's, and of one rater it is that rater's own.
        "size_summary": agreement[agreement["against"] != READERS].reset_index(drop=True),
        "detection": found,
        "detection_summary": against_tables.detection_summary(found, **chance),
        "subgroups": against_tables.subgroups(cases, whole, groups or {}, settings.size_bands_mm, **chance),
        "outliers": against_tables.outliers(cases, whole, settings.outliers, facts or {}),
    }


def pairs_of(case: Case, rule: Rule) -> Iterator[tuple[str, str, Mask, Mask]]:
    """What is compared in a case: rater, reference, their masks. First the network with the common reference; of two
    raters then the network with each of them, and one rater with the other."""
    yield NETWORK, REFERENCE, case.network, common_reference(case.readers, rule)
    if len(case.readers) == 2:
        (one, first), (other, second) = case.readers.items()
        yield NETWORK, one, case.network, first
        yield NETWORK, other, case.network, second
        yield one, other, first, second


def score_against(cases: Sequence[Case], settings: Settings) -> pd.DataFrame:
    """Dice of every pair of `pairs_of` in every case; an empty reference as the study's `empty_reference` says.

    Raises ValueError for no cases, a repeated case, a case whose raters are not those of the first, a rater with a name
    that the tables use, or as `common_reference` does.
    """
    raters = list(cases[0].readers) if cases else []
    if not cases or len({case.case for case in cases}) < len(cases):
        raise ValueError("the comparison needs cases, each of them once")
    if taken := TAKEN & set(raters):
        raise ValueError(f"a rater may not be called {min(taken)!r}: the tables use that word; rename them")
    rows = []
    for case in cases:
        if list(case.readers) != raters:
            raise ValueError(f"case {case.case} has outlines by {list(case.readers)}, the first case by {raters}")
        for rater, reference, mask, against in pairs_of(case, settings.rule):
            found = dice(mask, against, settings.empty)
            voxels = int(np.count_nonzero(against))
            rows.append((case.case, case.patient, rater, reference, found, voxels, not np.isnan(found)))
    return pd.DataFrame(rows, columns=list(COLUMNS["scores"]))


def main_table(
    scores: pd.DataFrame, location_given: bool = False, *, alpha: float, draws: int, seed: int
) -> pd.DataFrame:
    """A row a pair of rater and reference, of the table `scores`; the first is the study's estimate."""
    rows = []
    for (rater, reference), own in scores.groupby(["rater", "reference"], sort=False):
        used = own.dropna(subset=["dice"])
        values, patients = used["dice"].to_numpy(dtype=np.float64), used["patient"].to_numpy()
        row = estimate(values, patients, alpha=alpha, draws=draws, seed=seed)
        role = ESTIMATE if (rater, reference) == (NETWORK, REFERENCE) else DESCRIPTIVE
        told = [LOCATION] if location_given else []
        absent = [(row["mean_low"], NO_INTERVAL), (row["median_low"], NO_MEDIAN)]
        row["note"] = "; ".join([role, *told, *(said for low, said in absent if np.isnan(low))])
        row |= {"rater": rater, "reference": reference, "cases_left_out": len(own) - len(used), "level": 1 - alpha}
        rows.append(row)
    return pd.DataFrame(rows)[list(COLUMNS["main"])]


def estimate(values: Float, patients: Sequence[str], *, alpha: float, draws: int, seed: int) -> dict[str, Any]:
    """Mean and median of Dice (n,) with their intervals, quartiles, tail and misses."""
    how: dict[str, Any] = {"alpha": alpha, "draws": draws, "seed": seed}
    mean, median = mean_interval(values, patients, **how), median_interval(values, patients, **how)
    ends = np.quantile(values, [0.05, 0.25, 0.5, 0.75]) if len(values) else np.full(4, np.nan)
    return {
        "n": len(values),
        "patients": len(set(patients)),
        "mean": float(values.mean()) if len(values) else float("nan"),
        "mean_low": mean[0],
        "mean_high": mean[1],
        "median": float(ends[2]),
        "median_low": median[0],
        "median_high": median[1],
        "q25": float(ends[1]),
        "q75": float(ends[3]),
        "percentile_5": float(ends[0]),
        "share_under_half": float(np.mean(values < 0.5)) if len(values) else float("nan"),
        "missed": int(np.count_nonzero(values == 0)),
    }


def _cases(whole: pd.DataFrame) -> pd.DataFrame:
    """A row a case: the network's Dice on the common reference, and whether it is usable."""
    table = whole.rename(columns={"dice": "dice_network"}).assign(references_used=whole["usable"].astype(int))
    return table[list(COLUMNS["cases"])].reset_index(drop=True)
