"""Beside the Dice of network and reference: distances, detection, subgroups and the worst cases, with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from radparity.compare import outliers as worst
from radparity.compare.against_columns import ALL_ALIKE, COLUMNS, NO_INTERVAL, NO_OUTLINE, NOT_STATED
from radparity.compare.detection import EMPTY as NO_LESION
from radparity.compare.detection import detect, wilson
from radparity.compare.distances import EMPTY, NO_SPACING, distances, quantile
from radparity.compare.intervals import mean_interval, median_interval
from radparity.compare.lesions import lesions_of
from radparity.compare.scores import Case, Mask
from radparity.compare.size import band_names, band_of, case_diameter

Pair = tuple[str, str, Mask, Mask]
MEASURES = ("hd95", "assd")
SIZE = "size"


def distance_table(cases: Sequence[Case], pairs: Mapping[str, Iterable[Pair]]) -> pd.DataFrame:
    """HD95 and ASSD of every pair of a case, mm. pairs: case to rater, reference and their masks."""
    rows = []
    for case in cases:
        for rater, reference, mask, against in pairs[case.case]:
            note = NO_SPACING if case.spacing_mm is None else "" if against.any() else EMPTY
            found = (np.nan, np.nan) if note else distances(mask, against, case.spacing_mm or ())
            rows.append((case.case, case.patient, rater, reference, *found, note))
    return pd.DataFrame(rows, columns=list(COLUMNS["distances"]))


def distance_summary(table: pd.DataFrame, *, alpha: float, draws: int, seed: int) -> pd.DataFrame:
    """Median of each measure with its interval, of every pair; a mask that missed is infinitely far."""
    rows = []
    for measure in MEASURES:
        for (rater, reference), own in table.groupby(["rater", "reference"], sort=False):
            used = own.dropna(subset=[measure])
            mm, patients = used[measure].to_numpy(dtype=np.float64), used["patient"].to_numpy()
            low, high = median_interval(mm, patients, alpha=alpha, draws=draws, seed=seed)
            finite = mm[np.isfinite(mm)]
            head = (measure, rater, reference, len(used), len(set(patients)), len(own) - len(used))
            middle = (quantile(mm, 0.5), low, high, quantile(mm, 0.25), quantile(mm, 0.75))
            mean = float(finite.mean()) if len(finite) else float("nan")
            rows.append((*head, *middle, mean, int(np.isinf(mm).sum()), 1 - alpha))
    return pd.DataFrame(rows, columns=list(COLUMNS["distance_summary"]))


def detection_table(cases: Sequence[Case], pairs: Mapping[str, Iterable[Pair]], overlap: float) -> pd.DataFrame:
    """Lesions of the reference that the rater found, in every pair of a case; see `detect`."""
    rows = []
    for case in cases:
        for rater, reference, mask, lesions in pairs[case.case]:
            found = detect(mask, lesions_of(case, lesions), overlap)
            sections = mask.shape[0] if mask.ndim == 3 else 1
            note = "" if found.lesions else NO_LESION
            rows.append((case.case, case.patient, rater, reference, *found, sections, note))
    return pd.DataFrame(rows, columns=list(COLUMNS["detection"]))


def detection_summary(table: pd.DataFrame, *, alpha: float, draws: int, seed: int) -> pd.DataFrame:
    """Of every pair, the share of cases in which a lesion was found, with its interval, and all lesions."""
    rows = []
    for (rater, reference), own in table.groupby(["rater", "reference"], sort=False):
        used = own[own["lesions"] > 0]
        hit, patients = (used["found"] > 0).to_numpy(), used["patient"].to_numpy()
        low, high = mean_interval(hit.astype(np.float64), patients, alpha=alpha, draws=draws, seed=seed)
        note = NO_INTERVAL if len(set(patients)) < 2 else ""
        if not note and hit.all() | ~hit.any():
            # No patient differs from another, so there is nothing to draw anew; each counts as one case.
            count = len(set(patients))
            low, high = wilson(count if hit.all() else 0, count, alpha)
            note = ALL_ALIKE
        sums = {name: int(used[name].sum()) for name in ("lesions", "found", "false_positives")}
        rows.append(
            {"rater": rater, "reference": reference, "n": len(used), "patients": len(set(patients))}
            | {"cases_left_out": len(own) - len(used), "cases_found": int(hit.sum())}
            | {"rate": float(hit.mean()) if len(hit) else np.nan, "low": low, "high": high, "level": 1 - alpha}
            | sums
            | {"false_positives_per_case": sums["false_positives"] / len(used) if len(used) else np.nan, "note": note}
        )
    return pd.DataFrame(rows)[list(COLUMNS["detection_summary"])]


def subgroups(
    cases: Sequence[Case],
    whole: pd.DataFrame,
    groups: Mapping[str, Mapping[str, str]],
    bands_mm: Sequence[float],
    *,
    alpha: float,
    draws: int,
    seed: int,
) -> pd.DataFrame:
    """Mean Dice of the network on the reference with its interval, for every value of a subgroup and band of size.

    whole: the rows of network and common reference of `scores`. Raises ValueError for a column that is called size.
    """
    if SIZE in groups:
        raise ValueError(
            f"compare: subgroups: {SIZE} is made from the outlines; rename that column of the breasts sheet"
        )
    sizes = {case.case: band_of(case_diameter(case), bands_mm) for case in cases}
    rows = []
    for name, values in {**groups, SIZE: sizes}.items():
        labels = np.array([values[case] for case in whole["case"]], dtype=object)
        stated = band_names(bands_mm) if name == SIZE else sorted({value for value in labels if value})
        for value in [*stated, *([""] if "" in labels else [])]:
            own = whole[labels == value]
            used = own.dropna(subset=["dice"])
            mm, patients = used["dice"].to_numpy(dtype=np.float64), used["patient"].to_numpy()
            low, high = mean_interval(mm, patients, alpha=alpha, draws=draws, seed=seed)
            notes = [NOT_STATED if not value else "", NO_INTERVAL if len(mm) and np.isnan(low) else ""]
            middle = (float(np.median(mm)), float(mm.mean())) if len(mm) else (np.nan,) * 2
            head = (name, value, len(mm), len(set(patients)), len(own) - len(used))
            rows.append((*head, *middle, low, high, 1 - alpha, "; ".join(filter(None, notes))))
    return pd.DataFrame(rows, columns=list(COLUMNS["subgroups"]))


def outliers(
    cases: Sequence[Case], whole: pd.DataFrame, count: int, facts: Mapping[str, Mapping[str, Any]]
) -> pd.DataFrame:
    """The `count` cases with the lowest Dice of the network on the reference, the lowest first (ties by name)."""
    named = {case.case: case for case in cases}
    ranked = whole.dropna(subset=["dice"]).sort_values(["dice", "case"], kind="stable").head(count)
    rows = []
    for rank, row in enumerate(ranked.to_dict("records"), start=1):
        found = worst.described(named[row["case"]], facts.get(row["case"], {}))
        found["outlines_size"] = found.pop("readers_size")
        found["note"] = str(found["note"]).replace(worst.NO_OUTLINE, NO_OUTLINE)
        rows.append({"case": row["case"], "patient": row["patient"], "dice_network": row["dice"], "rank": rank} | found)
    return pd.DataFrame(rows, columns=list(COLUMNS["outliers"]))
