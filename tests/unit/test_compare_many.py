"""Many studies at once must be what the margin test says of each of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radparity.compare.many import margin_tests, mean_and_error, resampled
from radparity.compare.margin import margin_test, robust_t, standard_error


def studies(seed, sizes):
    """Some studies as (sums, sizes) and as (differences, patients) each; the last columns of small studies are zero."""
    generator = np.random.default_rng(seed)
    sums, cases, each = np.zeros((len(sizes), max(map(len, sizes)))), None, []
    cases = np.zeros_like(sums)
    for row, own in enumerate(sizes):
        values = generator.normal(0.01, 0.1, sum(own)) - 0.5 * (generator.random(sum(own)) < 0.15)
        patients = np.repeat([f"p{number:03d}" for number in range(len(own))], own)
        sums[row, : len(own)] = np.bincount(np.repeat(np.arange(len(own)), own), weights=values)
        cases[row, : len(own)] = own
        each.append((values, patients))
    return sums, cases, each


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.lists(st.lists(st.integers(1, 3), min_size=2, max_size=9), min_size=1, max_size=6))
def test_every_study_is_what_the_margin_test_says(seed, sizes):
    sums, cases, each = studies(seed, sizes)
    found = margin_tests(sums, cases, margin=0.07, alpha=0.1, draws=300, seed=seed)
    for row, (values, patients) in enumerate(each):
        one = margin_test(values, patients, margin=0.07, alpha=0.1, draws=300, seed=seed)
        assert found.estimate[row] == pytest.approx(one.estimate, rel=1e-9)
        assert found.standard_error[row] == pytest.approx(one.standard_error, rel=1e-9)
        bounds = [found.low[row], found.high[row], found.p_low[row], found.p_high[row]]
        assert bounds == pytest.approx([one.low, one.high, one.p_low, one.p_high], rel=1e-6, nan_ok=True)


def test_the_default_draws_at_a_real_size():
    sums, cases, each = studies(3, [[2] * 20 + [1] * 30, [1] * 60])
    found = margin_tests(sums, cases)
    for row, (values, patients) in enumerate(each):
        one = margin_test(values, patients)
        assert [found.low[row], found.high[row]] == pytest.approx([one.low, one.high], rel=1e-9)
        assert (found.p_low[row], found.p_high[row]) == (one.p_low, one.p_high)


def test_a_study_without_spread_and_one_of_one_patient():
    sums = np.array([[0.01] * 4, [0.2, 0.0, 0.0, 0.0]])
    sizes = np.array([[1.0] * 4, [2.0, 0.0, 0.0, 0.0]])
    found = margin_tests(sums, sizes, draws=200)
    one = margin_test([0.01] * 4, list("abcd"), draws=200)
    assert (found.low[0], found.high[0], found.p_low[0], found.p_high[0]) == (one.low, one.high, one.p_low, one.p_high)
    assert np.isnan([found.low[1], found.high[1], found.standard_error[1]]).all()
    assert found.estimate[1] == pytest.approx(0.1)


def test_mean_and_error_are_those_of_the_library():
    sums, cases, each = studies(5, [[1, 2, 3, 1], [2, 2]])
    theta, error = mean_and_error(sums, cases)
    for row, (values, patients) in enumerate(each):
        assert theta[row] == pytest.approx(robust_t(values, patients).estimate)
        assert error[row] == pytest.approx(standard_error(values, patients))


def test_shifts_are_those_of_drawn_patients():
    sums, cases, each = studies(8, [[1, 2, 1, 2, 1]])
    values, patients = each[0]
    groups = [values[patients == name] for name in np.unique(patients)]
    rows = np.random.default_rng(4).integers(0, 5, size=(50, 5))
    expected = [np.concatenate([groups[g] for g in row]).mean() - values.mean() for row in rows]
    (found,) = resampled(sums, cases, draws=50, seed=4)
    assert found.shift[0] == pytest.approx(expected, abs=1e-12)
