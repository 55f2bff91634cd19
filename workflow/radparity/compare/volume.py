"""Volume (in a section: area) of network and readers, and Bland-Altman of the network against each reader's own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from radparity.compare.distances import quantile
from radparity.compare.margin import standard_error
from radparity.compare.patients import Float, number
from radparity.compare.scores import NETWORK, READERS, Case

NO_SPACING = "no voxel size: size in voxels"
LIMITS = 1.959963984540054  # standard deviations on each side that hold 95 per cent of a normal variable

COLUMNS: dict[str, str] = {
    "case": "case id",
    "patient": "patient id, the cluster of the case",
    "rater": '"network" or a reader',
    "size": "what the rater marked: volume, of a section its area, in `unit`",
    "unit": "mm3 of volumes, mm2 of sections; voxels where their size is not known",
    "note": "that the voxel size is not known; empty otherwise",
}
SUMMARY: dict[str, str] = {
    "rater": '"network", or a reader, for comparison: how far readers are from each other',
    "against": 'the reader whose own size it is compared with; "readers": the mean of all readers\' sizes in each case',
    "unit": "of all sizes in the row: mm3, mm2 or voxels",
    "n": "number of cases",
    "patients": "number of patients of those cases",
    "rater_median": "median size by the rater",
    "against_median": "median size by the other",
    "bias": "mean over cases of rater minus the other",
    "bias_se": "its standard error, patients as clusters",
    "bias_low": "lower bound of the bias, level 1 - alpha, t with patients - 1 degrees of freedom",
    "bias_high": "upper bound of the bias",
    "spread": "standard deviation over cases of rater minus the other",
    "limit_low": "lower 95 % limit of agreement: bias - 1.96 spread",
    "limit_high": "upper 95 % limit of agreement: bias + 1.96 spread",
    "relative_median": "median over cases of (rater - other)/other, per cent",
    "relative_q25": "its lower quartile, per cent",
    "relative_q75": "its upper quartile, per cent",
    "relative_left_out": "cases without a relative difference, since the other marked nothing",
    "note": "what could not be computed, and why; empty otherwise",
}


def volume_table(cases: Sequence[Case]) -> pd.DataFrame:
    """Size of every rater's mask of every case, one row each; `COLUMNS` explains the columns.

    Raises ValueError for a spacing that does not fit the masks.
    """
    rows = []
    for case in cases:
        for rater, mask in {NETWORK: case.network, **case.readers}.items():
            voxels = int(np.count_nonzero(mask))
            if case.spacing_mm is None:
                rows.append((case.case, case.patient, rater, float(voxels), "voxels", NO_SPACING))
                continue
            if len(case.spacing_mm) != mask.ndim:
                raise ValueError(f"case {case.case}: {mask.ndim} axes, but voxel sizes {case.spacing_mm}: one an axis")
            size = voxels * float(np.prod(case.spacing_mm))
            rows.append((case.case, case.patient, rater, size, f"mm{mask.ndim}", ""))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def bland_altman(table: pd.DataFrame, *, alpha: float = 0.05) -> pd.DataFrame:
    """Network against each reader and against the readers' mean, then readers against each other, of `volume_table`.

    `SUMMARY` explains the columns. An empty mask has size 0 and stays. A reference made of other readers is no measure
    of size (their intersection is smaller than each of them), so every size is compared with a reader's own. Cases of
    different units have rows of their own.
    """
    rows = []
    for unit, of_unit in table.groupby("unit", sort=False):
        sizes = of_unit.pivot(index="case", columns="rater", values="size")
        patients = of_unit.drop_duplicates("case").set_index("case")["patient"].loc[sizes.index].to_numpy()
        readers = [str(rater) for rater in of_unit["rater"].unique() if rater != NETWORK]
        sizes[READERS] = sizes[readers].mean(axis=1)
        pairs = [(NETWORK, other) for other in (READERS, *readers)] + list(combinations(readers, 2))
        for rater, other in pairs:
            ours, theirs = (sizes[each].to_numpy(dtype=np.float64) for each in (rater, other))
            rows.append({"rater": rater, "against": other, "unit": unit} | _row(ours, theirs, patients, alpha))
    return pd.DataFrame(rows, columns=list(SUMMARY))


def _row(ours: Float, theirs: Float, patients: Sequence[str], alpha: float) -> dict[str, object]:
    difference = ours - theirs
    bias, count = float(difference.mean()), number(patients)[1]
    error = standard_error(difference, patients)
    half = float(stdtrit(count - 1, 1 - alpha / 2)) * error if count > 1 else float("nan")
    spread = float(difference.std(ddof=1)) if len(difference) > 1 else float("nan")
    relative = 100 * difference[theirs > 0] / theirs[theirs > 0]
    return {
        "n": len(difference),
        "patients": count,
        "rater_median": quantile(ours, 0.5),
        "against_median": quantile(theirs, 0.5),
        "bias": bias,
        "bias_se": error,
        "bias_low": bias - half,
        "bias_high": bias + half,
        "spread": spread,
        "limit_low": bias - LIMITS * spread,
        "limit_high": bias + LIMITS * spread,
        "relative_median": quantile(relative, 0.5),
        "relative_q25": quantile(relative, 0.25),
        "relative_q75": quantile(relative, 0.75),
        "relative_left_out": int(np.count_nonzero(theirs == 0)),
        "note": "" if count > 1 else "fewer than two patients: no standard error",
    }
