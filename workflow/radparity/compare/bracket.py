"""The paper's bracket: does the network score above the lowest reader and below the highest?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radparity.compare.patients import Float
from radparity.compare.wilcoxon import DECIMALS, signed_rank, signed_rank_by_patient

PASSED, NOT_PASSED, NOT_TESTABLE = "passed", "not passed", "not testable"
REFUSED = "refused: anonymous readers"


class AnonymousReaders(ValueError):
    """The bracket asks which person is lowest and which highest; anonymous slots mix persons."""


@dataclass(frozen=True)
class Bracket:
    """The lowest and the highest reader, and one-sided p for "network above lowest" and "network below highest".

    `p_*` take cases as independent, as the paper did, and give the verdict; `p_*_by_patient` take patients as clusters.
    """

    lowest: str
    highest: str
    cases_lowest: int
    cases_highest: int
    p_lowest: float
    p_highest: float
    p_lowest_by_patient: float
    p_highest_by_patient: float
    verdict: str

    @property
    def p(self) -> float:
        return float(np.maximum(self.p_lowest, self.p_highest))

    @property
    def p_by_patient(self) -> float:
        return float(np.maximum(self.p_lowest_by_patient, self.p_highest_by_patient))


def bracket(scores: pd.DataFrame, *, anonymous: bool, alpha: float = 0.05) -> Bracket:
    """The paper's two one-sided Wilcoxon tests (Hirsch et al. 2022, Statistical analysis) on a table made by `score`.

    Lowest and highest reader by median Dice on the own reference (ties: mean, then id); the network is scored on that
    same reference; passed when both p are under `alpha`. It is not an equivalence test: the wider the readers spread,
    the easier it passes. "not testable" when fewer than two readers have a usable reference.

    Raises AnonymousReaders when the readers are anonymous.
    """
    if anonymous:
        raise AnonymousReaders(
            "the bracket compares the network with the lowest and the highest person, but these readers are anonymous "
            "slots that change persons from case to case: use the margin test, or set anonymous to false for persons"
        )
    usable = scores[scores["usable"]]
    levels = usable.groupby("reference")["dice_reader"].agg(["median", "mean"]).round(DECIMALS).reset_index()
    order = levels.sort_values(["median", "mean", "reference"])["reference"].tolist()
    if len(order) < 2:
        nan = float("nan")
        return Bracket("", "", 0, 0, nan, nan, nan, nan, NOT_TESTABLE)
    lowest, highest = order[0], order[-1]
    low, low_patients = _differences(usable, lowest)
    high, high_patients = _differences(usable, highest)
    p_low, p_high = signed_rank(low).p_greater, signed_rank(high).p_less
    return Bracket(
        lowest,
        highest,
        len(low),
        len(high),
        p_low,
        p_high,
        signed_rank_by_patient(low, low_patients).p_greater,
        signed_rank_by_patient(high, high_patients).p_less,
        PASSED if max(p_low, p_high) < alpha else NOT_PASSED,
    )


def _differences(usable: pd.DataFrame, reader: str) -> tuple[Float, NDArray[np.object_]]:
    rows = usable[usable["reference"] == reader]
    return (rows["dice_network"] - rows["dice_reader"]).to_numpy(), rows["patient"].to_numpy(dtype=object)
