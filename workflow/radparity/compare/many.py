"""The margin test of many studies at once, for simulations: the same numbers as `margin_test` on each of them.

Every study is resampled with the same draws, as `margin_test` with one seed would do. So a resample is a row of counts
(how often each patient was drawn), and all that a study's resamples need are products of these counts with its sums.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radparity.compare.margin import ROUNDING
from radparity.compare.patients import Float, draw

DUST = 1e-14  # a resample's sum of squares below this share of the study's is rounding, not variation
HELD = 4_000_000  # resamples (studies x draws) held in memory at once


@dataclass(frozen=True)
class Margins:
    """Estimate, patient-robust standard error, interval and one-sided p of each study, all of shape (studies,)."""

    estimate: Float
    standard_error: Float
    low: Float
    high: Float
    p_low: Float
    p_high: Float


class Resamples(NamedTuple):
    """The resamples of some studies: `studies` are their rows; `shift` (mean minus the study's mean) and the
    studentized `t` have shape (studies, draws)."""

    studies: NDArray[np.intp]
    shift: Float
    t: Float


def mean_and_error(sums: Float, sizes: Float) -> tuple[Float, Float]:
    """Mean difference and patient-robust standard error of each study, shape (studies,); nan below two patients.

    `sums` (studies, patients): each patient's sum of differences; `sizes`, of the same shape: her number of cases. A
    study with fewer patients than columns has zeros at the end of its row.
    """
    cases, patients = sizes.sum(axis=1), np.count_nonzero(sizes, axis=1)
    theta = sums.sum(axis=1) / cases
    squares = np.sum((sums - sizes * theta[:, None]) ** 2, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(patients / np.where(patients > 1, patients - 1, np.nan) * squares) / cases
    return theta, np.where(error <= ROUNDING, 0.0, error)


def resampled(sums: Float, sizes: Float, *, draws: int, seed: int) -> Iterator[Resamples]:
    """The bootstrap over patients of every study with two patients or more, some studies at a time; as in
    `mean_and_error`. Resamples without spread count as infinite t, as in `margin_test`."""
    theta, _ = mean_and_error(sums, sizes)
    patients = np.count_nonzero(sizes, axis=1)
    for count in np.unique(patients[patients > 1]):
        drawn = _counts(int(count), draws, seed)
        of_count = np.flatnonzero(patients == count)
        step = max(1, HELD // draws)
        for start in range(0, len(of_count), step):
            rows = of_count[start : start + step]
            yield _resampled(rows, sums[rows, :count], sizes[rows, :count], theta[rows], drawn)


def margin_tests(
    sums: Float, sizes: Float, *, margin: float = 0.05, alpha: float = 0.05, draws: int = 10_000, seed: int = 0
) -> Margins:
    """`margin_test` on each study (arguments as in `mean_and_error`), to the last digits of floating point.

    Studies of fewer than two patients have nan for interval and p.
    """
    theta, error = mean_and_error(sums, sizes)
    low, high, p_low, p_high = np.full((4, len(theta)), np.nan)
    for rows, _, t in resampled(sums, sizes, draws=draws, seed=seed):
        t.sort(axis=1)
        low[rows] = theta[rows] - _times(_quantile(t, 1 - alpha), error[rows])
        high[rows] = theta[rows] - _times(_quantile(t, alpha), error[rows])
        below, above = _ratio(theta[rows] + margin, error[rows]), _ratio(theta[rows] - margin, error[rows])
        p_low[rows] = (1 + np.count_nonzero(t >= below[:, None], axis=1)) / (draws + 1)
        p_high[rows] = (1 + np.count_nonzero(t <= above[:, None], axis=1)) / (draws + 1)
    return Margins(theta, error, low, high, p_low, p_high)


def _counts(count: int, draws: int, seed: int) -> Float:
    """How often each of `count` patients is in each resample, shape (patients, draws)."""
    chunks = []
    for rows in draw(count, draws, seed):
        place = np.arange(len(rows))[:, None] * count + rows
        chunks.append(np.bincount(place.reshape(-1), minlength=len(rows) * count).reshape(len(rows), count))
    return np.concatenate(chunks).T.astype(np.float64)


def _resampled(rows: NDArray[np.intp], sums: Float, sizes: Float, theta: Float, drawn: Float) -> Resamples:
    count = sums.shape[1]
    centred = sums - sizes * theta[:, None]
    cases = sizes @ drawn
    shift = (centred @ drawn) / cases
    squares = centred**2 @ drawn - 2 * shift * ((centred * sizes) @ drawn) + shift**2 * (sizes**2 @ drawn)
    squares[squares <= DUST * np.sum(centred**2, axis=1)[:, None]] = 0.0
    error = np.sqrt(count / (count - 1) * squares) / cases
    error[error <= ROUNDING] = 0.0
    moved = np.where(np.abs(shift) <= ROUNDING, 0.0, shift)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = moved / error
    return Resamples(rows, shift, np.where(np.isnan(t), 0.0, t))


def _quantile(ordered: Float, share: float) -> Float:
    """Linear (type 7) quantile of each row; beside an infinite value the outer neighbour."""
    position = share * (ordered.shape[1] - 1)
    below, above = ordered[:, int(np.floor(position))], ordered[:, int(np.ceil(position))]
    with np.errstate(invalid="ignore"):
        between = below + (position - np.floor(position)) * (above - below)
    return np.where(np.isfinite(below) & np.isfinite(above), between, above if share > 0.5 else below)


def _ratio(distance: Float, error: Float) -> Float:
    """distance/error; without spread the sign of the distance decides, and 0 means that nothing was shown."""
    flat = np.where(np.abs(distance) > ROUNDING, np.copysign(np.inf, distance), 0.0)
    return np.where(error > 0, distance / np.where(error > 0, error, 1.0), flat)


def _times(quantile: Float, error: Float) -> Float:
    """Their product; as in `margin_test`, an infinite quantile of a study without spread has no bound (nan)."""
    with np.errstate(invalid="ignore"):
        return quantile * error
