"""Agreement among raters: Dice of every two, and of each with the leave-one-out references of every rule."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from radparity.compare.distances import quantile
from radparity.compare.scores import NETWORK, READERS, Case, EmptyPolicy, Mask, dice
from radparity.consensus import RULES, leave_one_out

MAJORITY_OF_TWO = "with two other readers the majority is their intersection"
NONE_USABLE = "no case is usable"

COLUMNS: dict[str, str] = {
    "rater": '"network" or a reader',
    "other": 'a reader; or "readers": the mean, in each case, over all readers but the rater',
    "n": "number of cases where at least one of the two marked something",
    "both_empty": "cases left out since neither marked anything",
    "mean": "mean Dice of the two over those cases, 0 to 1; 0 where only one of them marked something",
    "median": "median Dice of the two",
    "q25": "its lower quartile",
    "q75": "its upper quartile",
    "note": "why there is no value; empty otherwise",
}
REFERENCES: dict[str, str] = {
    "rule": "how a reference is made of the other readers: intersection, union, majority or staple",
    "reference": "reader whose reference this is: made from all other readers",
    "rater": '"network", or that reader',
    "n": "number of cases used",
    "unusable": "cases left out since the reference is empty",
    "mean": "mean Dice of the rater on the reference, 0 to 1",
    "median": "median Dice",
    "q25": "its lower quartile",
    "q75": "its upper quartile",
    "note": "what the rule amounts to with few readers, or why there is no value; empty otherwise",
}


def between(one: Mask, other: Mask) -> float:
    """Dice of two raters' masks, neither of them a reference: 0 where one of them is empty, nan where both are."""
    return dice(one, other) if other.any() else dice(other, one)


def agreement(cases: Sequence[Case]) -> pd.DataFrame:
    """The agreement matrix as a list: Dice of every two raters, the network among them, each pair once.

    Then each rater with the readers: in each case the mean over all readers but the rater, which is where the network
    can be set beside a reader. `COLUMNS` explains the columns.

    Raises ValueError for a case with other readers than the first.
    """
    if not cases:
        return pd.DataFrame(columns=list(COLUMNS))
    readers = _readers(cases)
    raters = [NETWORK, *readers]
    pairs = list(combinations(raters, 2))
    found = np.array([[between(*(masks[rater] for rater in pair)) for pair in pairs] for masks in map(_masks, cases)])
    rows = [(*pair, *_agreed(found[:, k])) for k, pair in enumerate(pairs)]
    for rater in raters:
        with_readers = [k for k, pair in enumerate(pairs) if rater in pair and set(pair) - {rater} <= set(readers)]
        rows.append((rater, READERS, *_agreed(_mean_of_known(found[:, with_readers]))))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def references(
    cases: Sequence[Case], *, rules: Sequence[str] = RULES, empty: EmptyPolicy = "drop", network: bool = True
) -> pd.DataFrame:
    """Each rater on the leave-one-out references of every rule: how much of a score is the choice of the rule.

    One row a rule, reference and rater (the network, where `network`, and the left-out reader); `REFERENCES` explains
    the columns. The policy for empty references is that of `scores.dice`.

    Raises ValueError as `leave_one_out` does, and for a case with other readers than the first.
    """
    if not cases:
        return pd.DataFrame(columns=list(REFERENCES))
    readers = _readers(cases)
    rows = []
    for rule in rules:
        made = [leave_one_out(case.readers, rule) for case in cases]  # type: ignore[arg-type]
        amounts = MAJORITY_OF_TWO if rule == "majority" and len(readers) == 3 else ""
        for reader in readers:
            for rater in (NETWORK, reader) if network else (reader,):
                pairs = zip(map(_masks, cases), made, strict=True)
                found = np.array([dice(masks[rater], reference[reader], empty) for masks, reference in pairs])
                *numbers, note = _agreed(found)
                rows.append((rule, reader, rater, *numbers, note or amounts))
    return pd.DataFrame(rows, columns=list(REFERENCES))


def _masks(case: Case) -> dict[str, Mask]:
    return {NETWORK: case.network, **case.readers}


def _readers(cases: Sequence[Case]) -> list[str]:
    readers = list(cases[0].readers)
    for case in cases:
        if set(case.readers) != set(readers):
            raise ValueError(f"case {case.case} has readers {sorted(case.readers)}, the first has {sorted(readers)}")
    return readers


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is not nan; nan where nothing is known."""
    known = ~np.isnan(values)
    number = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.where(number, total / np.maximum(number, 1), np.nan)


def _agreed(values: np.ndarray) -> tuple[object, ...]:
    """n, number left out, mean, median, quartiles and note of Dice values (n,), nan where unusable."""
    used = values[~np.isnan(values)]
    mean = float(used.mean()) if len(used) else float("nan")
    quartiles = (quantile(used, share) for share in (0.5, 0.25, 0.75))
    return len(used), len(values) - len(used), mean, *quartiles, "" if len(used) else NONE_USABLE
