"""Effect sizes: how often a reader outscores the network, and Holm's correction over references."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from radparity.compare.patients import Float, checked, draw, number
from radparity.compare.wilcoxon import DECIMALS


def vargha_delaney(reader: ArrayLike, network: ArrayLike) -> float:
    """A = P(reader > network) + P(reader = network)/2 over all pairs of cases; above 0.5 readers score higher.

    `reader` (n,) and `network` (m,) are Dice, rounded to 12 decimals before comparing. The paper's effect size
    (Vargha, Delaney 2000), in the direction in which its figures read. nan without cases.
    """
    wins = _wins(checked(reader), checked(network))
    return float(wins.mean()) if wins.size else float("nan")


def vargha_delaney_interval(
    reader: ArrayLike,
    network: ArrayLike,
    patients: Sequence[str] | ArrayLike,
    *,
    alpha: float = 0.05,
    draws: int = 10_000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of level 1 - alpha for A, resampling whole patients, so that pairs stay together.

    `reader`, `network` and `patients` are (n,), one entry a case. nan for fewer than two patients.
    """
    numbers, count = number(patients)
    wins = _wins(checked(reader, patients), checked(network, patients))
    if count < 2:
        return float("nan"), float("nan")
    by_patient = np.zeros((count, count))
    np.add.at(by_patient, (numbers[:, None], numbers[None, :]), wins)
    sizes = np.bincount(numbers).astype(float)
    shares = []
    for rows in draw(count, draws, seed):
        offsets = count * np.arange(len(rows))[:, None]
        weights = np.bincount((rows + offsets).ravel(), minlength=rows.size).reshape(rows.shape).astype(float)
        # wins are multiples of 1/2, so the product is exact and does not depend on threads or machine
        shares.append(np.sum((weights @ by_patient) * weights, axis=1) / (weights @ sizes) ** 2)
    low, high = np.quantile(np.concatenate(shares), [alpha / 2, 1 - alpha / 2])
    return float(low), float(high)


def holm(p: ArrayLike) -> Float:
    """Holm's step-down adjusted p of a family (k,). A nan (no test was possible) stays nan and leaves the family."""
    values = np.asarray(p, dtype=np.float64)
    adjusted = np.full(values.shape, np.nan)
    tested = np.flatnonzero(np.isfinite(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(values[order] * factors)) if len(order) else []
    return adjusted


def _wins(reader: Float, network: Float) -> Float:
    """1 where the reader's Dice (rows) is above the network's (columns), 1/2 where equal."""
    above, below = reader.round(DECIMALS)[:, None], network.round(DECIMALS)[None, :]
    return np.where(above == below, 0.5, np.where(above > below, 1.0, 0.0))
