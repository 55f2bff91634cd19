from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from radparity.compare.wilcoxon import EXACT, signed_rank, signed_rank_by_patient

SIDES = (("two-sided", "p"), ("greater", "p_greater"), ("less", "p_less"))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("n", [5, 30, 80, 400])
def test_normal_p_is_scipys_with_ties_and_zeros(seed: int, n: int) -> None:
    differences = np.random.default_rng(seed).integers(-4, 7, n) / 20
    differences[0], differences[1] = 0.05, 0.05
    ours = signed_rank(differences)
    assert ours.method.startswith("normal")
    assert ours.zeros == np.count_nonzero(differences == 0)
    for alternative, name in SIDES:
        theirs = stats.wilcoxon(
            differences.round(12), zero_method="wilcox", correction=False, alternative=alternative, method="asymptotic"
        )
        assert getattr(ours, name) == pytest.approx(theirs.pvalue, rel=1e-10)


@pytest.mark.parametrize("n", [1, 2, 3, 12, 49, 50])
@pytest.mark.parametrize("seed", range(5))
def test_exact_p_is_scipys(seed: int, n: int) -> None:
    differences = np.random.default_rng(seed).normal(0.3, 1, n)
    ours = signed_rank(differences)
    assert ours.method == EXACT
    for alternative, name in SIDES:
        theirs = stats.wilcoxon(differences, alternative=alternative, method="exact")
        assert getattr(ours, name) == pytest.approx(theirs.pvalue, rel=1e-10)


def test_exact_p_by_enumerating_all_signs() -> None:
    differences = np.array([0.5, -0.1, 0.3, 0.7, -0.2, 0.9])
    ranks = stats.rankdata(np.abs(differences))
    sums = np.array([ranks[list(map(bool, signs))].sum() for signs in itertools.product((0, 1), repeat=6)])
    observed = signed_rank(differences)
    assert observed.p_greater == np.mean(sums >= observed.plus)
    assert observed.p_less == np.mean(sums <= observed.plus)


def test_exact_only_up_to_50_without_zeros_or_ties() -> None:
    distinct = np.arange(1, 52) / 100
    assert signed_rank(distinct[:50]).method == EXACT
    assert signed_rank(distinct).method.startswith("normal")
    assert signed_rank(np.append(distinct[:9], 0.0)).method.startswith("normal")
    assert signed_rank(np.append(distinct[:9], -0.01)).method.startswith("normal")


def test_floating_point_dust_is_a_tie_and_a_zero() -> None:
    dusty = signed_rank(np.array([0.1 + 0.2, 0.3, 0.1 + 0.2 - 0.3, -0.5]))
    assert dusty == signed_rank(np.array([0.3, 0.3, 0.0, -0.5]))
    assert dusty.zeros == 1


def test_degenerate_inputs_say_so() -> None:
    assert signed_rank(np.zeros(7)).p == 1 and signed_rank(np.zeros(7)).method == "no differences"
    assert np.isnan(signed_rank(np.zeros(7)).rank_biserial)
    assert np.isnan(signed_rank(np.array([])).p) and signed_rank(np.array([])).method == "no cases"
    assert signed_rank(np.full(60, 0.2)).p < 1e-9
    assert signed_rank_by_patient(np.zeros(3), ["a", "b", "c"]).p == 1
    assert np.isnan(signed_rank_by_patient(np.array([0.1, 0.2]), ["a", "a"]).p)
    assert np.isnan(signed_rank_by_patient(np.array([]), []).p)
    assert signed_rank_by_patient(np.array([0.1, -0.1]), ["a", "a"]).method == "fewer than two patients"
    # each patient's signed ranks cancel: no spread, and nothing shown
    assert signed_rank_by_patient(np.array([0.1, -0.1, 0.1, -0.1]), ["a", "a", "b", "b"]).p == 1


def test_nan_is_refused_rather_than_ranked() -> None:
    with pytest.raises(ValueError, match="unusable"):
        signed_rank(np.array([0.1, np.nan]))
    with pytest.raises(ValueError, match="one patient a case"):
        signed_rank_by_patient(np.array([0.1, 0.2]), ["a"])


@given(
    st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 6)), min_size=1, max_size=40).filter(
        lambda rows: any(d for d, _ in rows) and len({g for _, g in rows}) > 1
    )
)
def test_by_patient_follows_the_formula(rows: list[tuple[int, int]]) -> None:
    nonzero = [(d, g) for d, g in rows if d]
    ranks = stats.rankdata([abs(d) for d, _ in nonzero])
    sums = {g: 0.0 for _, g in rows}
    for (d, g), rank in zip(nonzero, ranks, strict=True):
        sums[g] += float(np.sign(d)) * rank
    spread = sum(t**2 for t in sums.values()) ** 0.5
    z = sum(sums.values()) / spread if spread else 0.0
    ours = signed_rank_by_patient(np.array([d for d, _ in rows]) / 7, [str(g) for _, g in rows])
    assert ours.z == pytest.approx(z, abs=1e-12)
    assert ours.p == pytest.approx(2 * stats.norm.sf(abs(z)), abs=1e-12)
    assert ours.p_greater == pytest.approx(stats.norm.sf(z), abs=1e-12)


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=60))
def test_swapping_network_and_reader_mirrors_the_test(values: list[int]) -> None:
    differences = np.array(values) / 13
    forth, back = signed_rank(differences), signed_rank(-differences)
    assert forth.p == pytest.approx(back.p) and forth.p_greater == pytest.approx(back.p_less)
    assert (forth.plus, forth.minus) == (back.minus, back.plus)
    assert forth.plus + forth.minus == pytest.approx((len(values) - forth.zeros) * (len(values) - forth.zeros + 1) / 2)
