"""Scores: the Dice of the external test beside that of the internal one, by cohort, by site and by scanner."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from radparity.compare.margin import margin_test
from radparity.compare.patients import CHUNK, Float, checked, number
from radparity.shift.columns import COLUMNS, FEWEST_PATIENTS, INTERNAL_TEST, TESTED, TOO_FEW

RATERS = {"network": "dice_network", "reader": "dice_reader", "network minus reader": "difference"}


def both_tests(external: pd.DataFrame, internal: pd.DataFrame) -> pd.DataFrame:
    """The tables `cases` of two tests as one, with the column `test`, without cases that have no usable reference."""
    whole = pd.concat(
        [each.assign(test=name) for name, each in ((TESTED, external), (INTERNAL_TEST, internal)) if len(each)]
        or [external.assign(test="")],
        ignore_index=True,
    )
    return whole[whole["dice_network"].notna()].reset_index(drop=True)


def group_table(
    scores: pd.DataFrame, groups: Mapping[str, Mapping[str, str]], alpha: float, draws: int, seed: int
) -> pd.DataFrame:
    """One row a value of each grouping and a kind of test; `COLUMNS["groups"]` explains the table.

    scores: as `both_tests`; groups: `cohort`, `site`, `scanner` to case to its value. Intervals have level 1 - 2 alpha.
    """
    rows = []
    for by, values in groups.items():
        labels = scores["case"].map(values)
        for (value, test), own in scores.groupby([labels.rename("value"), "test"], sort=True):
            row = {"by": by, "value": value, "test": test, "n": len(own), "patients": own["patient"].nunique()}
            rows.append(row | _means(own, alpha, draws, seed))
    return pd.DataFrame(rows, columns=list(COLUMNS["groups"]))


def drop_table(scores: pd.DataFrame, alpha: float, draws: int, seed: int) -> pd.DataFrame:
    """What changes from the internal to the external test; `COLUMNS["drop"]` explains the table."""
    rows = []
    for rater, column in RATERS.items():
        inside, outside = (_rated(scores[scores["test"] == test], column) for test in (INTERNAL_TEST, TESTED))
        if not len(inside) and not len(outside):
            continue
        counts = inside["patient"].nunique(), outside["patient"].nunique()
        low = high = float("nan")
        few = min(counts) < FEWEST_PATIENTS
        if not few:
            low, high = change_interval(
                inside[column], inside["patient"], outside[column], outside["patient"], alpha, draws, seed
            )
        means = [float(each[column].mean()) if len(each) else float("nan") for each in (inside, outside)]
        rows.append(
            dict(
                zip(
                    COLUMNS["drop"],
                    [rater, len(inside), len(outside), *counts, *means, means[1] - means[0], low, high],
                    strict=False,
                )
            )
            | {"level": 1 - 2 * alpha, "note": TOO_FEW if few else ""}
        )
    return pd.DataFrame(rows, columns=list(COLUMNS["drop"]))


def change_interval(
    inside: ArrayLike,
    inside_patients: ArrayLike,
    outside: ArrayLike,
    outside_patients: ArrayLike,
    alpha: float,
    draws: int,
    seed: int,
) -> tuple[float, float]:
    """Interval of level 1 - 2 alpha for mean(outside) - mean(inside), two vectors of cases of different patients.

    Studentized bootstrap: whole patients of each side are drawn; t* = (change* - change)/SE*, SE the root of the two
    patient-robust variances. nan with fewer than two patients on a side. Raises ValueError for a nan.
    """
    generator = np.random.default_rng(seed)
    sides = [
        _Side(checked(values, patients), patients)
        for values, patients in ((inside, inside_patients), (outside, outside_patients))
    ]
    if min(side.count for side in sides) < 2:
        return float("nan"), float("nan")
    change = sides[1].mean - sides[0].mean
    error = float(np.hypot(sides[0].error, sides[1].error))
    t = []
    for start in range(0, draws, CHUNK):
        size = min(CHUNK, draws - start)
        (mean, spread), (other_mean, other_spread) = (side.drawn(generator, size) for side in sides)
        moved, own = other_mean - mean - change, np.hypot(spread, other_spread)
        with np.errstate(divide="ignore", invalid="ignore"):
            t.append(np.nan_to_num(moved / own, nan=0.0, posinf=np.inf, neginf=-np.inf))
    low, high = np.quantile(np.concatenate(t), [alpha, 1 - alpha])
    return change - float(high) * error, change - float(low) * error


class _Side:
    """One vector of cases with its patients: mean, patient-robust standard error, and both of resamples."""

    def __init__(self, values: Float, patients: ArrayLike) -> None:
        numbers, self.count = number(patients)
        self.sums = np.bincount(numbers, weights=values).astype(np.float64)
        self.sizes = np.bincount(numbers).astype(np.float64)
        mean, error = self._mean_and_error(self.sums[None], self.sizes[None])
        self.mean, self.error = float(mean[0]), float(error[0])

    def drawn(self, generator: np.random.Generator, size: int) -> tuple[Float, Float]:
        """Mean and standard error of so many resamples of the patients."""
        rows = generator.integers(0, self.count, size=(size, self.count))
        return self._mean_and_error(self.sums[rows], self.sizes[rows])

    def _mean_and_error(self, sums: NDArray[np.float64], sizes: NDArray[np.float64]) -> tuple[Float, Float]:
        cases = sizes.sum(axis=1)
        mean = sums.sum(axis=1) / cases
        left = np.sum((sums - sizes * mean[:, None]) ** 2, axis=1)
        return mean, np.sqrt(self.count / max(1, self.count - 1) * left) / cases


def _rated(own: pd.DataFrame, column: str) -> pd.DataFrame:
    return own[own[column].notna()] if column in own else own.iloc[:0]


def _means(own: pd.DataFrame, alpha: float, draws: int, seed: int) -> dict[str, object]:
    few = own["patient"].nunique() < FEWEST_PATIENTS
    found: dict[str, object] = {"level": 1 - 2 * alpha, "note": TOO_FEW if few else ""}
    for name, column in RATERS.items():
        rated, key = _rated(own, column), "difference" if name == "network minus reader" else name
        found[f"{key}_mean"] = float(rated[column].mean()) if len(rated) else float("nan")
        if key == "network":
            found["network_median"] = float(rated[column].median())
        if not few and len(rated) and key != "reader":
            test = margin_test(rated[column], rated["patient"].to_numpy(), alpha=alpha, draws=draws, seed=seed)
            found |= {f"{key}_low": test.low, f"{key}_high": test.high}
    return found
