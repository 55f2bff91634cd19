"""Readers as a random sample: the published formula written out, the plain variance in a balanced study, its limits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reader_tables import made, table, tables, wide
from scipy import stats

from radparity.compare.margin import margin_test
from radparity.compare.paired import paired
from radparity.compare.random_readers import COLUMNS, NO_SPREAD, RandomReaders, obuchowski_rockette, random_readers


def by_loops(x: np.ndarray, y: np.ndarray, patients: list[str]) -> tuple[float, float, float]:
    """The definition, index by index: estimate, standard error, degrees of freedom."""
    n, readers = x.shape
    theta = [float(np.mean(x[:, k] - y[:, k])) for k in range(readers)]
    groups = sorted(set(patients))
    s = {
        (g, k): sum(x[i, k] - y[i, k] - theta[k] for i in range(n) if patients[i] == g)
        for g in groups
        for k in range(readers)
    }
    scale = len(groups) / (len(groups) - 1) / n**2
    pairs = [(k, m) for k in range(readers) for m in range(readers) if k != m]
    covariance = float(np.mean([scale * sum(s[g, k] * s[g, m] for g in groups) for k, m in pairs]))
    between = float(np.var(theta, ddof=1))
    total = between + max(readers * covariance, 0)
    return float(np.mean(theta)), (total / readers) ** 0.5, total**2 * (readers - 1) / between**2


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["plain", "ties", "zeros", "misses", "constant network"]), st.integers(0, 10_000), st.booleans())
def test_the_formula_index_by_index(kind: str, seed: int, pairs: bool) -> None:
    scores = made(kind, seed, 12, 2 + seed % 3, pairs=pairs)
    patients = scores.drop_duplicates("case")["patient"].tolist()
    found = obuchowski_rockette(paired(scores), patients)
    expected = by_loops(wide(scores, "dice_network"), wide(scores, "dice_reader"), patients)
    if np.isfinite(found.df):
        assert (found.estimate, found.standard_error, found.df) == pytest.approx(expected, rel=1e-8, abs=1e-12)
    low, high = found.interval(0.05)
    assert low == pytest.approx(stats.t.ppf(0.05, found.df, found.estimate, found.standard_error), rel=1e-8, abs=1e-9)
    assert high == pytest.approx(stats.t.ppf(0.95, found.df, found.estimate, found.standard_error), rel=1e-8, abs=1e-9)
    t = (found.estimate + np.array([0.05, -0.05])) / found.standard_error
    p = max(stats.t.sf(t[0], found.df), stats.t.cdf(t[1], found.df))
    assert found.p(0.05) == pytest.approx(p, rel=1e-6, abs=1e-300)


def test_readers_who_do_not_differ_leave_the_cases_alone() -> None:
    """All readers have one and the same difference: infinite df, and the standard error of the fixed readers."""
    difference = np.random.default_rng(0).normal(0, 0.05, (30, 1)) + np.zeros((30, 4))
    scores = table(0.7 + difference, np.full((30, 4), 0.7), [f"p{i // 2}" for i in range(30)])
    found = obuchowski_rockette(paired(scores), scores.drop_duplicates("case")["patient"])
    fixed = margin_test(difference[:, 0], [f"p{i // 2}" for i in range(30)], draws=100)
    assert found.df == np.inf and found.standard_error == pytest.approx(fixed.standard_error, rel=1e-9)
    assert found.interval()[1] == pytest.approx(found.estimate + stats.norm.ppf(0.95) * found.standard_error)


def test_cases_that_do_not_vary_leave_the_readers_alone() -> None:
    """Each reader differs by a constant: the one-sample t-test of the readers' constants, K - 1 df."""
    constants = np.array([-0.03, 0.01, 0.05])
    scores = table(np.full((20, 3), 0.7), 0.7 - np.tile(constants, (20, 1)), [f"p{i}" for i in range(20)])
    found = obuchowski_rockette(paired(scores), np.arange(20))
    assert found.df == pytest.approx(2) and found.standard_error == pytest.approx(stats.sem(constants))
    assert found.interval(0.05) == pytest.approx(stats.t.interval(0.9, 2, constants.mean(), stats.sem(constants)))


def test_readers_alike_whose_cases_share_nothing_have_no_interval() -> None:
    """Equal means and a negative covariance: the formula's zero is no certainty."""
    apart = np.random.default_rng(2).normal(0, 0.05, 30)
    difference = np.stack([apart - apart.mean(), apart.mean() - apart], axis=1)
    scores = table(0.7 + difference, np.full((30, 2), 0.7), [f"p{i:02d}" for i in range(30)])
    found = obuchowski_rockette(paired(scores), np.arange(30))
    assert found.estimate == pytest.approx(0, abs=1e-12) and found.reader_variance == 0 > found.covariance
    assert np.isnan([found.standard_error, found.df, *found.interval(), found.p(0.05)]).all()
    fixed, sample, used = (row for _, row in random_readers(scores, anonymous=False, draws=200).iterrows())
    assert np.isnan(sample["low"]) and sample["note"] == NO_SPREAD and sample["verdict"] != "equivalent"
    assert used["claim"] == fixed["claim"]


def test_the_interval_covers_when_readers_and_patients_are_drawn() -> None:
    """Reader effects beside patient effects: 90 % intervals cover 90 %, the fixed readers' far fewer."""
    generator = np.random.default_rng(1)
    trials, covered, covered_fixed = 250, 0, 0
    names = [f"p{i:02d}" for i in range(40)]
    for _ in range(trials):
        difference = (
            generator.normal(0, 0.02, (1, 4)) + generator.normal(0, 0.05, (40, 1)) + generator.normal(0, 0.03, (40, 4))
        )
        found = obuchowski_rockette(paired(table(0.5 + difference, np.full((40, 4), 0.5), names)), names)
        low, high = found.interval(0.05)
        covered += low <= 0 <= high
        mean = difference.mean(axis=1)
        covered_fixed += abs(mean.mean()) <= stats.t.ppf(0.95, 39) * stats.sem(mean)
    assert covered / trials == pytest.approx(0.9, abs=0.05)
    assert covered_fixed / trials < 0.85


@settings(max_examples=20, deadline=None)
@given(tables(), st.booleans())
def test_the_wider_interval_is_used_and_the_claim_follows(scores: pd.DataFrame, anonymous: bool) -> None:
    result = random_readers(scores, anonymous=anonymous, draws=200)
    assert list(result.columns) == list(COLUMNS)
    fixed, sample, used = (row for _, row in result.iterrows())
    widths = [row["high"] - row["low"] for row in (fixed, sample)]
    readers = scores["reference"].nunique()
    if anonymous or np.isnan(sample["low"]):
        assert used["claim"] == f"these {readers} readers" and sample["note"]
        assert (used["low"] == fixed["low"]) | np.isnan(fixed["low"])
    else:
        assert used["high"] - used["low"] == max(widths) and "random sample" in used["claim"]
        assert not used["verdict"] == "equivalent"  # under 50 cases


def test_refused_for_anonymous_readers() -> None:
    result = random_readers(made("plain", 1, 60, 3), anonymous=True, draws=200).set_index("readers_are")
    assert result.loc["a sample", ["estimate", "standard_error", "df", "p_by_patient", "p_cases"]].isna().all()
    assert result.loc["a sample", "note"].startswith("refused") and "anonymous" in result.loc["a sample", "verdict"]
    assert result.loc["used", "claim"] == "these 3 readers"


def test_readers_far_apart_turn_a_verdict_about_these_into_inconclusive_about_others() -> None:
    generator = np.random.default_rng(3)
    y = 0.8 + generator.normal(0, 0.02, (80, 3)) + np.array([-0.08, 0.0, 0.08])
    scores = table(0.8 + generator.normal(0, 0.02, (80, 3)), y, [f"p{i}" for i in range(80)])
    result = random_readers(scores, anonymous=False, draws=1000).set_index("readers_are")
    assert result["verdict"].tolist() == ["equivalent", "inconclusive", "inconclusive"]


def test_unusable_pairs_and_what_cannot_be_had() -> None:
    scores = made("plain", 4, 40, 3, unusable=True)
    sample = random_readers(scores, anonymous=False, draws=200).iloc[1]
    x, y = wide(scores, "dice_network"), wide(scores, "dice_reader")
    assert sample["estimate"] == pytest.approx(np.nanmean(x - y, axis=0).mean())
    assert f"{np.isnan(x).sum()} unusable pairs" in sample["note"]
    one = random_readers(scores.assign(patient="p"), anonymous=False, draws=200)
    assert one[["low", "high", "p_by_patient"]].isna().all().all() and "two patients" in one.iloc[1]["note"]
    blank = scores.assign(dice_network=scores["dice_network"].where(scores["reference"] != "R1"))
    blank["dice_reader"] = blank["dice_reader"].where(blank["dice_network"].notna())
    assert "without a usable reference" in random_readers(blank, anonymous=False, draws=200).iloc[1]["note"]
    same = random_readers(made("perfect agreement", 1, 9, 3), anonymous=False, draws=200).iloc[1]
    assert same["note"] == NO_SPREAD and same[["standard_error", "low", "high", "p_by_patient"]].isna().all()
    assert random_readers(pd.DataFrame(), anonymous=False).empty
    assert np.isnan(RandomReaders(0.0, np.nan, np.nan, 0.0, 0.0).p(0.05))
