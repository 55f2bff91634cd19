from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reader_tables import made, tables
from scipy import stats

from radparity.compare.margin import margin_test, robust_t, standard_error, verdict
from radparity.compare.patients import draw
from radparity.compare.scores import averaged


def clustered(seed: int, patients: int = 40) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    names = np.repeat([f"p{i:03d}" for i in range(patients)], generator.integers(1, 4, patients))
    effect = dict(zip(np.unique(names), generator.normal(0, 0.05, patients), strict=True))
    return np.array([effect[name] for name in names]) + generator.normal(0, 0.05, len(names)), names


def error_by_formula(values: np.ndarray, names: np.ndarray) -> float:
    theta, groups = values.mean(), sorted(set(names))
    squares = sum(float(np.sum(values[names == name] - theta)) ** 2 for name in groups)
    return float(np.sqrt(len(groups) / (len(groups) - 1) * squares) / len(values))


@given(st.integers(0, 10_000), st.integers(2, 40))
def test_robust_standard_error_follows_the_formula(seed: int, patients: int) -> None:
    values, names = clustered(seed, patients)
    assert standard_error(values, names) == pytest.approx(error_by_formula(values, names), rel=1e-10)
    assert standard_error(values, np.arange(len(values))) == pytest.approx(stats.sem(values), rel=1e-10)


def test_bootstrap_by_a_plain_loop_over_the_same_draws() -> None:
    values, names = clustered(1, 15)
    theta, error, limit = values.mean(), error_by_formula(values, names), 0.03
    groups = [values[names == name] for name in sorted(set(names))]
    t = []
    for row in np.random.default_rng(5).integers(0, len(groups), size=(400, len(groups))):
        sample = np.concatenate([groups[g] for g in row])
        drawn = np.repeat(np.arange(len(row)), [len(groups[g]) for g in row])
        t.append((sample.mean() - theta) / error_by_formula(sample, drawn))
    result = margin_test(values, names, margin=limit, draws=400, seed=5)
    q05, q95 = np.quantile(t, [0.05, 0.95])
    assert [result.low, result.high] == pytest.approx([theta - q95 * error, theta - q05 * error], rel=1e-9)
    assert result.p_low == (1 + sum(x >= (theta + limit) / error for x in t)) / 401
    assert result.p_high == (1 + sum(x <= (theta - limit) / error for x in t)) / 401
    assert result.p == max(result.p_low, result.p_high)


def test_robust_t_with_one_case_a_patient_is_the_paired_t() -> None:
    values = np.random.default_rng(3).normal(0.01, 0.1, 80)
    result = robust_t(values, np.arange(80), margin=0.03)
    assert result.p_low == pytest.approx(stats.ttest_1samp(values, -0.03, alternative="greater").pvalue, rel=1e-9)
    assert result.p_high == pytest.approx(stats.ttest_1samp(values, 0.03, alternative="less").pvalue, rel=1e-9)
    expected = stats.t.interval(0.90, 79, values.mean(), stats.sem(values))
    assert [result.low, result.high] == pytest.approx(list(expected), rel=1e-9)


def test_bootstrap_nears_t_for_many_normal_patients() -> None:
    values = np.random.default_rng(4).normal(0, 0.1, 500)
    bootstrap, t = margin_test(values, np.arange(500), draws=10_000), robust_t(values, np.arange(500))
    assert [bootstrap.low, bootstrap.high] == pytest.approx([t.low, t.high], abs=4e-4)


def test_seed_decides_and_case_order_does_not() -> None:
    values, names = clustered(2, 60)
    order = np.random.default_rng(0).permutation(len(values))
    first = margin_test(values, names, draws=1500, seed=1)
    assert margin_test(values, names, draws=1500, seed=1) == first
    assert margin_test(values, names, draws=1500, seed=2).low != first.low
    assert margin_test(values[order], names[order], draws=1500, seed=1).low == pytest.approx(first.low, rel=1e-9)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-0.02, 0.03, "equivalent"),
        (0.02, 0.04, "equivalent"),
        (0.06, 0.09, "superior beyond the margin"),
        (-0.09, -0.06, "inferior"),
        (-0.09, 0.01, "inconclusive"),
        (0.03, 0.07, "inconclusive"),
        (-0.2, 0.2, "inconclusive"),
        (-0.05, 0.0, "inconclusive"),
        (0.0, 0.05, "inconclusive"),
        (-np.inf, np.inf, "inconclusive"),
        (np.nan, np.nan, "inconclusive"),
    ],
)
def test_verdict_reads_the_interval(low: float, high: float, expected: str) -> None:
    assert verdict(low, high, 0.05, 50) == expected
    assert verdict(low, high, 0.05, 49) == "too few cases"


def test_non_inferior_is_said_separately() -> None:
    above = np.random.default_rng(0).normal(0.05, 0.03, 200)
    result = margin_test(above, np.arange(200), draws=500)
    assert (result.verdict, result.non_inferior) == ("inconclusive", True)
    assert not margin_test(above[:49], np.arange(49), draws=500).non_inferior
    assert not margin_test(-above, np.arange(200), draws=500).non_inferior


def test_many_cases_of_one_patient_show_nothing() -> None:
    for result in (margin_test(np.zeros(60), ["p"] * 60), robust_t(np.zeros(60), ["p"] * 60)):
        assert np.isnan([result.low, result.high, result.p]).all()
        assert (result.verdict, result.non_inferior) == ("inconclusive", False)


def test_two_patients_give_an_infinite_interval_not_a_narrow_one() -> None:
    values = np.r_[np.full(30, 0.01), np.full(30, 0.02)]
    result = margin_test(values, ["a"] * 30 + ["b"] * 30, draws=1000)
    assert (result.low, result.high, result.verdict) == (-np.inf, np.inf, "inconclusive")


def test_a_quantile_between_a_finite_and_an_infinite_resample_is_infinite() -> None:
    values, names, draws = np.array([0.01, 0.02]), ["a", "b"], 101
    rows = np.concatenate(list(draw(2, draws, seed=3)))
    only_a = np.count_nonzero((rows == 0).all(axis=1))  # t* = -inf, the mixed resamples have t* = 0
    result = margin_test(values, names, alpha=(only_a - 0.5) / (draws - 1), draws=draws, seed=3)
    assert result.high == np.inf
    inside = margin_test(values, names, alpha=(only_a + 0.5) / (draws - 1), draws=draws, seed=3)
    assert inside.high == pytest.approx(0.015)


@pytest.mark.parametrize(
    ("shift", "expected", "p"),
    [(0.0, "equivalent", 0.0), (0.1, "superior beyond the margin", 1.0), (-0.1, "inferior", 1.0)],
)
def test_differences_without_spread(shift: float, expected: str, p: float) -> None:
    for result in (
        margin_test(np.full(60, shift), np.arange(60), draws=999),
        robust_t(np.full(60, shift), np.arange(60)),
    ):
        assert (result.low, result.high) == pytest.approx((shift, shift))
        assert result.verdict == expected
        assert result.p == pytest.approx(p, abs=0.0011)


def test_no_cases_and_nan() -> None:
    for test in (margin_test, robust_t):
        empty = test(np.array([]), [])
        assert np.isnan(empty.estimate) and empty.verdict == "too few cases"
        with pytest.raises(ValueError, match="unusable"):
            test(np.array([0.1, np.nan]), ["a", "b"])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_swapping_network_and_reader_mirrors_the_t(seed: int) -> None:
    values, names = clustered(seed)
    forth, back = robust_t(values, names), robust_t(-values, names)
    assert (forth.low, forth.p_low) == pytest.approx((-back.high, back.p_high))


def test_level_at_the_boundary_with_skewed_failures_and_two_cases_a_patient() -> None:
    """True mean at -margin: the studentized test may not claim non-inferiority much more often than 5 %."""
    generator = np.random.default_rng(11)
    trials, patients, names = 300, 100, np.repeat(np.arange(100), 2)
    rejected = 0
    for trial in range(trials):
        failure = np.repeat(generator.random(patients) < 0.1, 2)
        values = np.where(failure, -0.4, 0.0) + generator.normal(0, 0.05, 2 * patients) + 0.04 - 0.05
        rejected += margin_test(values, names, draws=300, seed=trial).p_low < 0.05
    assert 0.02 < rejected / trials < 0.09


@settings(max_examples=40, deadline=None)
@given(tables())
def test_awkward_tables_have_an_interval_around_the_mean_or_none(scores: pd.DataFrame) -> None:
    """Ties, zeros, perfect agreement, a constant network, misses, unusable pairs, two breasts a patient, n = 3."""
    used = averaged(scores).dropna()
    values, names = used["difference"].to_numpy(), used["patient"].to_numpy()
    for result in (margin_test(values, names, draws=200), robust_t(values, names)):
        assert result.verdict == "too few cases" and not result.non_inferior
        if len(set(names)) < 2:
            assert np.isnan([result.low, result.high, result.p]).all()
            continue
        assert result.estimate == pytest.approx(values.mean(), abs=1e-15)
        assert result.low <= result.high and 0 <= result.p <= 1
        if np.ptp(values) < 1e-12:
            assert (result.low, result.high) == pytest.approx((values.mean(), values.mean()), abs=1e-12)


def test_three_patients_give_the_t_of_three_and_no_verdict() -> None:
    values = np.array([0.01, 0.02, 0.06])
    result = robust_t(values, list("abc"))
    expected = stats.t.interval(0.9, 2, values.mean(), stats.sem(values))
    assert (result.low, result.high) == pytest.approx(expected)
    bootstrap = margin_test(values, list("abc"), draws=500)
    assert bootstrap.high == np.inf and bootstrap.verdict == "too few cases"


def test_a_second_identical_breast_changes_nothing_by_patient() -> None:
    used = averaged(made("plain", 3, 20, 3, pairs=False))
    values, names = used["difference"].to_numpy(), used["patient"].to_numpy()
    once = margin_test(values, names, draws=300)
    twice = margin_test(np.r_[values, values], np.r_[names, names], draws=300)
    assert (twice.low, twice.high, twice.p) == pytest.approx((once.low, once.high, once.p))
