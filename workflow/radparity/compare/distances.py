"""Distances between outlines in mm: HD95 and ASSD of network and readers on leave-one-out references."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from radparity.compare.patients import Float
from radparity.compare.scores import AVERAGED, Case, Mask
from radparity.compare.wilcoxon import signed_rank, signed_rank_by_patient
from radparity.consensus import Rule, box, leave_one_out

NO_SPACING, EMPTY = "no voxel size", "empty reference"
MEASURES = ("hd95", "assd")
NOTE = "exploratory; a missed reference is infinitely far: in medians and ranks, not in means"

COLUMNS: dict[str, str] = {
    "case": "case id",
    "patient": "patient id, the cluster of the case",
    "reference": "reader whose reference this is: made from all other readers",
    "hd95_network": "HD95 of the network to the reference, mm; inf when the network marked nothing",
    "hd95_reader": "HD95 of the left-out reader to the reference, mm; inf when the reader marked nothing",
    "assd_network": "ASSD of the network to the reference, mm; inf when the network marked nothing",
    "assd_reader": "ASSD of the left-out reader to the reference, mm; inf when the reader marked nothing",
    "note": "why there is no distance: empty reference, or no voxel size; empty otherwise",
}
SUMMARY: dict[str, str] = {
    "measure": '"hd95": 95th percentile of the distances between outlines; "assd": their mean',
    "reference": '"averaged" over the case\'s references, or the reader whose reference (and own distance) it is',
    "n": "number of cases used",
    "patients": "number of patients of those cases",
    "cases_left_out": "cases without a usable reference or without a voxel size",
    "network_median": "median distance of the network, mm, missed cases among them",
    "network_q25": "its lower quartile, mm",
    "network_q75": "its upper quartile, mm",
    "network_mean": "mean distance of the network over the cases that it did not miss, mm",
    "network_missed": "number of cases that the network missed (infinite distance)",
    "reader_median": "median distance of the reader (readers, where averaged), mm, missed cases among them",
    "reader_q25": "its lower quartile, mm",
    "reader_q75": "its upper quartile, mm",
    "reader_mean": "mean distance of the reader over the cases that the reader did not miss, mm",
    "reader_missed": "number of cases that the reader missed (infinite distance); averaged: that any reader missed",
    "median_of_differences": "median over cases of network minus reader, mm; positive: the network is farther",
    "wilcoxon_p": "two-sided Wilcoxon signed rank p, cases independent; infinite differences share the highest rank",
    "wilcoxon_method": "how wilcoxon_p was made",
    "wilcoxon_p_by_patient": "the same with patients as clusters (Rosner, Glynn, Lee 2006)",
    "note": "standing of the row",
}


class Distances(NamedTuple):
    """HD95 and ASSD of a mask to a reference, mm."""

    hd95: float
    assd: float


def boundary(mask: Mask) -> Float:
    """Indices (points, axes) of the voxels of a mask that have a neighbour outside it, 4 in a section, 6 in a volume.

    What lies beyond the image's border is outside.
    """
    within = box(mask)
    padded = np.pad(mask[within], 1)
    middle = (slice(1, -1),) * mask.ndim
    inner = padded[middle].copy()
    for axis in range(mask.ndim):
        for side in (slice(None, -2), slice(2, None)):
            inner &= padded[middle[:axis] + (side,) + middle[axis + 1 :]]
    corner = np.array([side.start for side in within])
    return np.asarray(np.argwhere(padded[middle] & ~inner) + corner, dtype=np.float64)


def directed_distances(mask: Mask, reference: Mask, spacing_mm: Sequence[float]) -> tuple[Float, Float]:
    """Distance in mm from each boundary voxel of the mask to the nearest one of the reference, and the other way.

    Masks are boolean with one shape, a section or a volume; `spacing_mm` has a voxel size an axis. Distances are
    between centres of voxels. Neither mask may be empty.

    Raises ValueError for an empty mask, differing shapes, or a spacing that does not fit.
    """
    from scipy.spatial import KDTree

    if mask.shape != reference.shape:
        raise ValueError(f"distances need masks on one grid, got shapes {mask.shape} and {reference.shape}")
    if len(spacing_mm) != mask.ndim or not np.all(np.asarray(spacing_mm) > 0):
        raise ValueError(f"masks with {mask.ndim} axes need as many voxel sizes above 0, got {tuple(spacing_mm)}")
    if not mask.any() or not reference.any():
        raise ValueError("an empty mask has no boundary to measure from")
    own, other = (boundary(each) * np.asarray(spacing_mm) for each in (mask, reference))
    return KDTree(other).query(own)[0], KDTree(own).query(other)[0]


def distances(mask: Mask, reference: Mask, spacing_mm: Sequence[float]) -> Distances:
    """HD95, the larger of the two directed 95th percentiles, and ASSD, the mean of all directed distances pooled; mm.

    An empty mask is infinitely far from a non-empty reference; an empty reference is nan, whatever the mask.
    Otherwise as `directed_distances` (reader_statistics, section 2).
    """
    if not reference.any():
        return Distances(float("nan"), float("nan"))
    if not mask.any():
        return Distances(float("inf"), float("inf"))
    there, back = directed_distances(mask, reference, spacing_mm)
    larger = max(float(np.quantile(there, 0.95)), float(np.quantile(back, 0.95)))
    return Distances(larger, float(np.concatenate([there, back]).mean()))


def distance_table(cases: Sequence[Case], *, rule: Rule = "intersection") -> pd.DataFrame:
    """Distances of network and left-out reader for each case and reference; `COLUMNS` explains the columns.

    Raises ValueError for a spacing that does not fit the masks, and as `leave_one_out` does.
    """
    rows = []
    for case in cases:
        for reader, reference in leave_one_out(case.readers, rule).items():
            note = NO_SPACING if case.spacing_mm is None else "" if reference.any() else EMPTY
            nothing = Distances(float("nan"), float("nan"))
            network = nothing if note else distances(case.network, reference, case.spacing_mm or ())
            own = nothing if note else distances(case.readers[reader], reference, case.spacing_mm or ())
            measured = (network.hd95, own.hd95, network.assd, own.assd)
            rows.append((case.case, case.patient, reader, *measured, note))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def distance_summary(table: pd.DataFrame) -> pd.DataFrame:
    """Each measure averaged over the case's references, then on each reference; `SUMMARY` explains the columns.

    `table` is that of `distance_table`. The tests are on network minus reader. An infinite difference (one of the two
    missed the case) is farther than any finite one: such differences share the highest rank, with their sign. Where
    both missed it the difference is 0.
    """
    rows = []
    for measure in MEASURES if len(table) else ():
        pairs = table.rename(columns={f"{measure}_network": "network", f"{measure}_reader": "reader"})
        groups = pairs.groupby("case", sort=False)
        whole = groups.agg(patient=("patient", "first"), network=("network", _mean), reader=("reader", _mean))
        rows.append(_row(measure, AVERAGED, whole))
        rows += [_row(measure, str(reader), own) for reader, own in pairs.groupby("reference", sort=False)]
    return pd.DataFrame(rows, columns=list(SUMMARY))


def difference(network: ArrayLike, reader: ArrayLike) -> Float:
    """Network minus reader, of distances (n,) that may be infinite; 0 where both are."""
    ours, theirs = np.asarray(network, dtype=np.float64), np.asarray(reader, dtype=np.float64)
    both = np.isinf(ours) & np.isinf(theirs)
    result: Float = np.where(both, 0.0, ours) - np.where(both, 0.0, theirs)
    return result


def for_ranks(differences: Float) -> Float:
    """Differences (n,) with infinite ones set a mm beyond the largest finite one, which gives them the same rank."""
    finite = np.abs(differences[np.isfinite(differences)])
    return np.nan_to_num(differences, posinf=finite.max(initial=0.0) + 1, neginf=-finite.max(initial=0.0) - 1)


def quantile(values: Float, share: float) -> float:
    """Linear (type 7) quantile of values (n,) that may be infinite; nan without values, or between -inf and inf."""
    if not len(values):
        return float("nan")
    ordered = np.sort(values)
    position = share * (len(ordered) - 1)
    below, above = float(ordered[int(np.floor(position))]), float(ordered[int(np.ceil(position))])
    if np.isfinite(below) and np.isfinite(above):
        return float(below + (position - np.floor(position)) * (above - below))
    return below if below == above or position == np.floor(position) else below + above


def _row(measure: str, reference: str, pairs: pd.DataFrame) -> dict[str, object]:
    used = pairs.dropna(subset=["network"])
    values = {rater: used[rater].to_numpy(dtype=np.float64) for rater in ("network", "reader")}
    apart = difference(values["network"], values["reader"])
    test = signed_rank(for_ranks(apart))
    row: dict[str, object] = {
        "measure": measure,
        "reference": reference,
        "n": len(used),
        "patients": used["patient"].nunique(),
        "cases_left_out": len(pairs) - len(used),
    }
    for rater, mm in values.items():
        row |= {f"{rater}_{name}": quantile(mm, at) for name, at in (("median", 0.5), ("q25", 0.25), ("q75", 0.75))}
        row[f"{rater}_mean"] = _mean(mm[np.isfinite(mm)])
        row[f"{rater}_missed"] = int(np.isinf(mm).sum())
    return row | {
        "median_of_differences": quantile(apart, 0.5),
        "wilcoxon_p": test.p,
        "wilcoxon_method": test.method,
        "wilcoxon_p_by_patient": signed_rank_by_patient(for_ranks(apart), used["patient"].to_numpy()).p,
        "note": NOTE,
    }


def _mean(values: ArrayLike) -> float:
    """Mean of the values that are not nan; inf where one is infinite, nan without any."""
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else float("nan")
