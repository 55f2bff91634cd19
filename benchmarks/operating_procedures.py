"""The procedures of the comparison on many simulated studies at once, for operating_characteristics.py.

Studies lie along the first axis, cases along the second; a patient's cases follow one another, `per_patient` of them.
Each returns one-sided p or bounds of a study; `against_the_library` proves on some studies that they are the library's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr, stdtr, stdtrit
from scipy.stats import rankdata

from radparity.compare.bracket import bracket
from radparity.compare.many import margin_tests, mean_and_error, resampled
from radparity.compare.margin import margin_test, robust_t
from radparity.compare.paired import Paired
from radparity.compare.random_readers import obuchowski_rockette
from radparity.compare.sensitivity import shifted_wilcoxon

Array = NDArray[Any]
ALPHA = 0.05
EXACT_LIMIT = 50
DECIMALS = 12


def by_patient(differences: Array, per_patient: int) -> tuple[Array, Array]:
    """Sums and numbers of cases of each patient, (studies, patients)."""
    studies, cases = differences.shape
    sums = differences.reshape(studies, cases // per_patient, per_patient).sum(axis=2)
    return sums, np.full(sums.shape, float(per_patient))


def student(differences: Array, per_patient: int) -> tuple[Array, Array]:
    """Bounds of the t interval at level 1 - 2 alpha; per_patient 1 is the naive one."""
    theta, error = mean_and_error(*by_patient(differences, per_patient))
    half = stdtrit(differences.shape[1] // per_patient - 1, 1 - ALPHA) * error
    return theta - half, theta + half


def studentized(differences: Array, per_patient: int, draws: int, seed: int) -> tuple[Array, Array]:
    """Bounds of the margin test."""
    found = margin_tests(*by_patient(differences, per_patient), alpha=ALPHA, draws=draws, seed=seed)
    return found.low, found.high


def percentile(differences: Array, per_patient: int, draws: int, seed: int) -> tuple[Array, Array]:
    """Bounds of the percentile bootstrap over patients, on the margin test's draws."""
    sums, sizes = by_patient(differences, per_patient)
    theta, _ = mean_and_error(sums, sizes)
    bounds = np.empty((2, len(theta)))
    for rows, shift, _ in resampled(sums, sizes, draws=draws, seed=seed):
        bounds[:, rows] = theta[rows] + np.quantile(shift, [ALPHA, 1 - ALPHA], axis=1)
    return bounds[0], bounds[1]


def signed_ranks(differences: Array) -> Array:
    """Signed midranks; zeros have rank 0 and do not count."""
    rounded = differences.round(DECIMALS)
    ranks = rankdata(np.abs(rounded), axis=1) - np.count_nonzero(rounded == 0, axis=1)[:, None]
    return np.sign(rounded) * ranks


def wilcoxon(differences: Array, per_patient: int = 1) -> tuple[Array, Array]:
    """One-sided p of the signed rank test for differences above and below 0, as the library chooses its method."""
    ranks = signed_ranks(differences)
    cases = differences.shape[1]
    if per_patient == 1 and cases <= EXACT_LIMIT:
        ways = _ways(cases)
        plus = np.where(ranks > 0, ranks, 0).sum(axis=1).astype(int)
        return np.cumsum(ways[::-1])[::-1][plus], np.cumsum(ways)[plus]
    return _by_normal(ranks.reshape(len(ranks), cases // per_patient, per_patient).sum(axis=2))


def normal_wilcoxon(differences: Array) -> tuple[Array, Array]:
    """One-sided p of the signed rank test by its normal approximation with the tie term, cases independent."""
    return _by_normal(signed_ranks(differences))


def _by_normal(sums: Array) -> tuple[Array, Array]:
    # Of single cases the sum of squared midranks over 4 is the variance with the tie term.
    z = sums.sum(axis=1) / np.sqrt((sums**2).sum(axis=1))
    return ndtr(-z), ndtr(z)


def _ways(cases: int) -> Array:
    """Probability of each sum of positive ranks, 0 to n (n + 1)/2, when every sign is a fair coin."""
    ways = np.array([1.0])
    for rank in range(1, cases + 1):
        ways = (np.append(ways, np.zeros(rank)) + np.append(np.zeros(rank), ways)) / 2
    return ways


def random_readers(differences: Array, per_patient: int) -> tuple[Array, Array]:
    """Bounds of Obuchowski and Rockette's interval; differences (studies, cases, readers)."""
    studies, cases, readers = differences.shape
    theta = differences.mean(axis=1)
    sums = (differences - theta[:, None]).reshape(studies, cases // per_patient, per_patient, readers).sum(axis=2)
    patients = sums.shape[1]
    covariances = patients / (patients - 1) * np.einsum("spk,spl->skl", sums, sums) / cases**2
    own = np.trace(covariances, axis1=1, axis2=2)
    covariance = (covariances.sum(axis=(1, 2)) - own) / (readers * (readers - 1))
    between = theta.var(axis=1, ddof=1)
    total = between + np.maximum(readers * covariance, 0)
    half = stdtrit(total**2 * (readers - 1) / between**2, 1 - ALPHA) * np.sqrt(total / readers)
    return theta.mean(axis=1) - half, theta.mean(axis=1) + half


def bracket_passes(network: Array, reader: Array) -> Array:
    """Whether the paper's bracket is passed; Dice (studies, cases, readers) on each reader's reference."""
    medians = np.median(reader, axis=1).round(DECIMALS)
    order = np.lexsort((reader.mean(axis=1).round(DECIMALS), medians), axis=-1)
    found = []
    for place, side in ((0, 0), (-1, 1)):
        own = order[:, place][:, None, None]
        difference = np.take_along_axis(network, own, 2)[..., 0] - np.take_along_axis(reader, own, 2)[..., 0]
        found.append(normal_wilcoxon(difference)[side] < ALPHA)
    return found[0] & found[1]


def two_sided_t(differences: Array) -> tuple[Array, Array]:
    """One-sided p of the paired t-test, cases independent, for means above and below 0."""
    theta, error = mean_and_error(differences, np.ones_like(differences))
    below = stdtr(differences.shape[1] - 1, theta / error)
    return 1 - below, below


def against_the_library(differences: Array, readers: Array, per_patient: int, draws: int, seed: int) -> int:
    """Compare with the library on every study given; the number of equal results. Raises AssertionError."""
    bounds = {
        "margin": studentized(differences, per_patient, draws, seed),
        "percentile": percentile(differences, per_patient, draws, seed),
        "naive": student(differences, 1),
        "robust": student(differences, per_patient),
        "wilcoxon": wilcoxon(differences, per_patient),
        "readers": random_readers(readers, per_patient),
    }
    checked = 0
    for row, values in enumerate(differences):
        patients = [f"{number // per_patient:04d}" for number in range(len(values))]
        cases = np.arange(len(values))
        single = margin_test(values, patients, draws=draws, seed=seed, alpha=ALPHA)
        naive, robust = (robust_t(values, unit, alpha=ALPHA) for unit in (cases, patients))
        shifted = shifted_wilcoxon(values, patients, margin=1e-15, alpha=ALPHA)
        own = readers[row]
        names = [f"R{k}" for k in range(own.shape[1])]
        sample = obuchowski_rockette(Paired(names, np.array(patients, dtype=object), own, np.zeros_like(own)), patients)
        expected = {
            "margin": (single.low, single.high),
            "percentile": _percentile(values, per_patient, draws, seed),
            "naive": (naive.low, naive.high),
            "robust": (robust.low, robust.high),
            "wilcoxon": (shifted.p_low, shifted.p_high),
            "readers": sample.interval(ALPHA),
        }
        for name, pair in expected.items():
            np.testing.assert_allclose([side[row] for side in bounds[name]], pair, rtol=1e-7, err_msg=name)
            checked += 1
    return checked


def _percentile(values: Array, per_patient: int, draws: int, seed: int) -> Array:
    patients = len(values) // per_patient
    groups = values.reshape(patients, per_patient)
    generator, means = np.random.default_rng(seed), []
    for start in range(0, draws, 1000):
        rows = generator.integers(0, patients, size=(min(1000, draws - start), patients))
        means += [groups[row].mean() for row in rows]
    return np.quantile(means, [ALPHA, 1 - ALPHA])


def bracket_against_the_library(network: Array, reader: Array) -> int:
    """The library's bracket on every study given; the number of equal verdicts. Raises AssertionError."""
    passes = bracket_passes(network, reader)
    for row, passed in enumerate(passes):
        cases, readers = reader[row].shape
        table = pd.DataFrame(
            {
                "case": np.repeat(np.arange(cases), readers),
                "patient": np.repeat([f"p{i}" for i in range(cases)], readers),
                "reference": np.tile([f"R{k}" for k in range(readers)], cases),
                "dice_network": network[row].reshape(-1),
                "dice_reader": reader[row].reshape(-1),
                "usable": True,
            }
        )
        assert (bracket(table, anonymous=False, alpha=ALPHA).verdict == "passed") == passed
    return len(passes)
