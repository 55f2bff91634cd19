"""Dice of network and readers on leave-one-out references, with the one empty-mask policy of the study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radparity.consensus import Rule, leave_one_out

Mask = NDArray[np.bool_]
EmptyPolicy = Literal["drop", "zero"]
EMPTY_POLICIES: tuple[str, ...] = get_args(EmptyPolicy)
NETWORK, BASELINE, READERS, AVERAGED = "network", "baseline", "readers", "averaged"
NO_OVERLAP = "no overlap"


@dataclass(frozen=True)
class Case:
    """One case (a breast, a nodule): boolean masks of one shape, a section (2 axes) or a volume (3 axes).

    `patient` is the cluster: cases of one patient are never treated as independent in the primary test.
    `readers` maps reader to outline. `spacing_mm` has a voxel size an axis, and is only needed for distances, areas and
    volumes; none where it is not known. `by_rule`: a rule made every outline, whose specks are no lesions.
    """

    case: str
    patient: str
    network: Mask
    readers: dict[str, Mask]
    spacing_mm: tuple[float, ...] | None = None
    by_rule: bool = False


def dice(mask: Mask, reference: Mask, empty: EmptyPolicy = "drop") -> float:
    """Dice overlap 2|A and B| / (|A| + |B|) of a boolean mask with a boolean reference of the same shape, 0 to 1.

    An empty mask against a non-empty reference is 0, always. An empty reference makes the pair unusable, whatever the
    mask: nan under `drop`, 0 under `zero`. This is the only place where the policy lives.

    Raises ValueError when the shapes differ or the policy is unknown, TypeError when a mask is not boolean.
    """
    if empty not in EMPTY_POLICIES:
        raise ValueError(f"unknown policy {empty!r} for empty references: write one of {', '.join(EMPTY_POLICIES)}")
    if mask.dtype != np.bool_ or reference.dtype != np.bool_:
        raise TypeError(f"Dice needs boolean masks, got {mask.dtype} and {reference.dtype}: pass mask > 0")
    if mask.shape != reference.shape:
        raise ValueError(f"Dice needs masks on one grid, got shapes {mask.shape} and {reference.shape}")
    reference_voxels = int(np.count_nonzero(reference))
    if reference_voxels == 0:
        return float("nan") if empty == "drop" else 0.0
    return 2 * int(np.count_nonzero(mask & reference)) / (int(np.count_nonzero(mask)) + reference_voxels)


def score(cases: Sequence[Case], rule: Rule = "intersection", empty: EmptyPolicy = "drop") -> pd.DataFrame:
    """Dice of the network and of each reader on that reader's leave-one-out reference.

    One row per case and reference: case, patient, reference (the reader left out), dice_network, dice_reader,
    reference_voxels, usable, emptied_by (for an empty reference the readers whose own mask is empty, joined by "+",
    or "no overlap" when none is). Readers keep the order they have in the first case.

    Raises ValueError for no cases, a repeated case, or a case whose readers are not those of the first.
    """
    readers = _check(cases)
    rows: list[dict[str, object]] = []
    for case in cases:
        try:
            references = leave_one_out(case.readers, rule)
            rows += [_pair(case, reader, references[reader], empty) for reader in readers]
        except (TypeError, ValueError) as error:
            raise type(error)(f"case {case.case}: {error}") from error
    return pd.DataFrame(rows)


def averaged(scores: pd.DataFrame) -> pd.DataFrame:
    """One row a case: both Dice averaged over that case's usable references, the same for network and readers.

    Columns case, patient, dice_network, dice_reader, difference (network minus reader), references_used. A case with
    no usable reference keeps its row, with 0 references_used and nan scores, so that it can be counted.
    """
    groups = scores.assign(usable=scores["usable"].astype(int)).groupby("case", sort=False)
    table = groups.agg(
        patient=("patient", "first"),
        dice_network=("dice_network", "mean"),
        dice_reader=("dice_reader", "mean"),
        references_used=("usable", "sum"),
    ).reset_index()
    table.insert(4, "difference", table["dice_network"] - table["dice_reader"])
    return table


def empties(scores: pd.DataFrame) -> pd.DataFrame:
    """Empty references, one row a reference: reference, empty (number), emptied_by ("reader: number; ...")."""
    rows = []
    for reference, of_reference in scores.groupby("reference", sort=False):
        causes = of_reference.loc[of_reference["reference_voxels"] == 0, "emptied_by"].value_counts().sort_index()
        text = "; ".join(f"{cause}: {count}" for cause, count in causes.items())
        rows.append({"reference": reference, "empty": int(causes.sum()), "emptied_by": text})
    return pd.DataFrame(rows)


def _pair(case: Case, reader: str, reference: Mask, empty: EmptyPolicy) -> dict[str, object]:
    dice_network = dice(case.network, reference, empty)
    voxels = int(np.count_nonzero(reference))
    return {
        "case": case.case,
        "patient": case.patient,
        "reference": reader,
        "dice_network": dice_network,
        "dice_reader": dice(case.readers[reader], reference, empty),
        "reference_voxels": voxels,
        "usable": not np.isnan(dice_network),
        "emptied_by": "" if voxels else _emptied_by(case, reader),
    }


def _emptied_by(case: Case, left_out: str) -> str:
    blank = [reader for reader, mask in case.readers.items() if reader != left_out and not mask.any()]
    return "+".join(blank) or NO_OVERLAP


def _check(cases: Sequence[Case]) -> list[str]:
    if not cases:
        raise ValueError("no cases to score: the study has no case with a prediction and all readers' outlines")
    readers = list(cases[0].readers)
    reserved = {NETWORK, BASELINE, READERS, AVERAGED} & set(readers)
    if reserved:
        raise ValueError(f"a reader may not be called {sorted(reserved)[0]!r}: the tables use that word; rename them")
    seen: set[str] = set()
    for case in cases:
        if case.case in seen:
            raise ValueError(f"case {case.case} is there twice: each case may be scored once")
        seen.add(case.case)
        if set(case.readers) != set(readers):
            raise ValueError(
                f"case {case.case} has readers {sorted(case.readers)}, case {cases[0].case} has {sorted(readers)}: "
                "every case needs an outline (it may be empty) of every reader"
            )
    return readers
