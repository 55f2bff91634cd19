"""Correlation of network and reader over cases: scipy, and a plain loop over the same resamples."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reader_tables import KINDS, made, table, tables, wide
from scipy import stats

from radparity.compare.correlation import COLUMNS, correlate, correlation

THEIRS = {"spearman": stats.spearmanr, "pearson": stats.pearsonr}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "constant network"])
def test_r_and_p_are_scipys_by_reference_and_averaged(kind: str) -> None:
    scores = made(kind, 6, 30, 3)
    x, y = wide(scores, "dice_network").round(12), wide(scores, "dice_reader").round(12)
    result = correlation(scores, draws=200)
    assert list(result.columns) == list(COLUMNS)
    ours = result.set_index(["reference", "method"])
    pairs = {"R3": (x[:, 2], y[:, 2]), "averaged": (x.mean(axis=1), y.mean(axis=1))}
    for reference, (network, reader) in pairs.items():
        for method, theirs in THEIRS.items():
            row = ours.loc[(reference, method)]
            assert row["r"] == pytest.approx(theirs(network, reader).statistic, abs=1e-9)
            assert row["p_cases"] == pytest.approx(theirs(network, reader).pvalue, rel=1e-5, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["spearman", "pearson"]), st.booleans())
def test_interval_by_a_plain_loop_over_the_same_draws(seed: int, method: str, ties: bool) -> None:
    generator = np.random.default_rng(seed)
    patients = np.repeat([f"p{i}" for i in range(8)], generator.integers(1, 4, 8))
    network = generator.random(len(patients)).round(1 if ties else 12)
    reader = (network / 2 + generator.random(len(patients)) / 2).round(1 if ties else 12)
    if np.ptp(network) == 0 or np.ptp(reader) == 0:
        return
    groups = [np.flatnonzero(patients == name) for name in sorted(set(patients))]
    drawn = []
    for row in np.random.default_rng(5).integers(0, 8, size=(100, 8)):
        cases = np.concatenate([groups[g] for g in row])
        x, y = network[cases], reader[cases]
        if np.ptp(x) and np.ptp(y):
            drawn.append(THEIRS[method](x, y).statistic)
    found = correlate(network, reader, patients, method=method, draws=100, seed=5)
    assert (found["low"], found["high"]) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=1e-8)
    sides = min(np.sum(np.array(drawn) <= 1e-12), np.sum(np.array(drawn) >= -1e-12))
    assert found["p_by_patient"] == pytest.approx(min(1.0, 2 * (1 + sides) / (len(drawn) + 1)), abs=0.021)


def test_two_alike_breasts_a_patient_do_not_narrow_the_interval() -> None:
    generator = np.random.default_rng(2)
    network = generator.random(40)
    reader = network + generator.normal(0, 0.3, 40)
    names = [f"p{i:02d}" for i in range(40)]
    once = correlate(network, reader, names, method="spearman", draws=500)
    twice = correlate(np.r_[network, network], np.r_[reader, reader], names + names, method="spearman", draws=500)
    assert (twice["low"], twice["high"]) == pytest.approx((once["low"], once["high"]), abs=1e-9)
    assert twice["p_cases"] < once["p_cases"]  # type: ignore[operator]


@settings(max_examples=20, deadline=None)
@given(tables(least=1))
def test_awkward_tables_give_a_figure_or_the_reason(scores: pd.DataFrame) -> None:
    for _, row in correlation(scores, draws=100).iterrows():
        if np.isnan(row["low"]):
            assert row["note"]
        else:
            assert -1 <= row["low"] <= row["high"] <= 1 and 0 < row["p_by_patient"] <= 1


def test_perfect_agreement_is_one() -> None:
    result = correlation(made("perfect agreement", 0, 20, 3), draws=100)
    assert result[["r", "low", "high"]].to_numpy() == pytest.approx(np.ones((len(result), 3)))
    assert (result["p_by_patient"] == 2 / 101).all()


def test_what_cannot_be_had_says_why() -> None:
    constant = correlation(made("constant network", 0, 20, 3), draws=100)
    assert constant["r"].isna().all() and (constant["note"] == "the network's Dice is the same in every case").all()
    few = correlation(made("plain", 0, 2, 3), draws=100)
    assert few["r"].isna().all() and (few["note"] == "fewer than three cases").all()
    one = correlation(made("plain", 0, 9, 3).assign(patient="p"), draws=100)
    assert one["r"].notna().all() and one["low"].isna().all() and one["note"].str.contains("two patients").all()
    mostly_equal = table(np.array([[0.5]] * 5 + [[0.9]]), np.linspace(0, 1, 6)[:, None], list("abcdef"))
    left_out = correlation(mostly_equal, draws=300)["note"].iloc[0]
    never = np.mean(~(np.concatenate([np.random.default_rng(0).integers(0, 6, size=(300, 6))]) == 5).any(axis=1))
    assert int(left_out.split()[0]) >= round(300 * never)
    assert correlation(pd.DataFrame()).empty and list(correlation(pd.DataFrame()).columns) == list(COLUMNS)


def test_the_seed_decides() -> None:
    scores = made("plain", 1, 20, 3)
    first = correlation(scores, draws=100, seed=1)
    pd.testing.assert_frame_equal(first, correlation(scores, draws=100, seed=1))
    assert (first["low"] != correlation(scores, draws=100, seed=2)["low"]).all()
