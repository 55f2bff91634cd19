from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reader_tables import KINDS, made
from scipy import stats

from radparity.compare.effect import holm, vargha_delaney, vargha_delaney_interval
from radparity.compare.scores import averaged

scores = st.lists(st.integers(0, 8).map(lambda v: v / 8), min_size=1, max_size=25)


@given(scores, scores)
def test_a_is_the_share_of_pairs_won_and_mann_whitneys_u(reader: list[float], network: list[float]) -> None:
    wins = sum((y > x) + (y == x) / 2 for y in reader for x in network) / (len(reader) * len(network))
    assert vargha_delaney(reader, network) == pytest.approx(wins, abs=1e-12)
    u = stats.mannwhitneyu(reader, network).statistic
    assert vargha_delaney(reader, network) == pytest.approx(u / (len(reader) * len(network)), abs=1e-12)
    assert vargha_delaney(reader, network) + vargha_delaney(network, reader) == pytest.approx(1)


def test_direction_reader_above_network_is_over_a_half() -> None:
    assert vargha_delaney([0.8, 0.9], [0.1, 0.2]) == 1.0
    assert vargha_delaney([0.1 + 0.2], [0.3]) == 0.5
    assert np.isnan(vargha_delaney([], []))


def test_interval_by_a_plain_loop_over_the_same_draws() -> None:
    generator = np.random.default_rng(0)
    names = np.repeat([f"p{i:02d}" for i in range(12)], generator.integers(1, 4, 12))
    reader, network = (generator.integers(0, 20, len(names)) / 20 for _ in range(2))
    cases = [np.flatnonzero(names == name) for name in sorted(set(names))]
    draws = [
        vargha_delaney(reader[rows], network[rows])
        for row in np.random.default_rng(9).integers(0, 12, size=(300, 12))
        for rows in [np.concatenate([cases[g] for g in row])]
    ]
    interval = vargha_delaney_interval(reader, network, names, draws=300, seed=9)
    assert interval == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])), abs=1e-12)


def test_interval_needs_two_patients() -> None:
    assert np.isnan(vargha_delaney_interval([0.5, 0.6], [0.5, 0.7], ["a", "a"])).all()
    assert vargha_delaney_interval([0.5] * 4, [0.5] * 4, list("abcd"), draws=200) == (0.5, 0.5)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_is_closed_testing_with_bonferroni(p: list[float]) -> None:
    """A hypothesis is rejected when Bonferroni rejects every set of hypotheses that holds it."""
    families = [c for size in range(1, len(p) + 1) for c in itertools.combinations(range(len(p)), size)]
    for i, adjusted in enumerate(holm(p)):
        worst = max(min(1.0, len(family) * min(p[j] for j in family)) for family in families if i in family)
        assert adjusted == pytest.approx(worst, abs=1e-12)


def test_holm_leaves_out_what_was_not_tested() -> None:
    assert holm([0.01, np.nan, 0.03]).tolist() == pytest.approx([0.02, np.nan, 0.03], nan_ok=True)
    assert np.isnan(holm([np.nan, np.nan])).all() and holm([]).size == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cases", [3, 30])
def test_awkward_tables_have_an_a_inside_its_interval(kind: str, cases: int) -> None:
    used = averaged(made(kind, 5, cases, 3, unusable=True)).dropna()
    network, reader = used["dice_network"], used["dice_reader"]
    a = vargha_delaney(reader, network)
    low, high = vargha_delaney_interval(reader, network, used["patient"], draws=300)
    assert 0 <= low <= a <= high <= 1
    if kind == "perfect agreement":
        assert a == 0.5
