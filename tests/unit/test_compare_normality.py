"""Shapiro and Wilk's test of the differences, with scipy's shape measures and the inputs that have none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reader_tables import KINDS, made, table, tables, wide
from scipy import stats

from radparity.compare.logit import CLIP, MARGIN, logit
from radparity.compare.normality import COLUMNS, LARGEST, normality, shapiro


def rows(scores: pd.DataFrame) -> pd.DataFrame:
    result = normality(scores)
    assert list(result.columns) == list(COLUMNS)
    return result.set_index(["reference", "scale"])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "perfect agreement"])
def test_by_reference_and_averaged_it_is_scipys(kind: str) -> None:
    scores = made(kind, 2, 40, 3)
    x, y = wide(scores, "dice_network"), wide(scores, "dice_reader")
    ours = rows(scores)
    expected = {("R2", "dice"): x[:, 1] - y[:, 1], ("R2", "logit"): special(x[:, 1]) - special(y[:, 1])}
    expected |= {("averaged", "dice"): (x - y).mean(axis=1)}
    expected |= {("averaged", "logit"): special(x.mean(axis=1)) - special(y.mean(axis=1))}
    patients = scores.drop_duplicates("case")["patient"].to_numpy()
    for key, values in expected.items():
        row, values = ours.loc[key], values.round(12)
        assert (row["w"], row["p_cases"]) == pytest.approx(tuple(stats.shapiro(values)), rel=1e-6)
        means = pd.Series(values).groupby(patients).mean()
        assert (row["w_by_patient"], row["p_by_patient"]) == pytest.approx(tuple(stats.shapiro(means)), rel=1e-6)
        assert row["skewness"] == pytest.approx(stats.skew(values), rel=1e-8)
        assert row["excess_kurtosis"] == pytest.approx(stats.kurtosis(values), rel=1e-8)
        assert (row["mean"], row["sd"]) == pytest.approx((values.mean(), values.std(ddof=1)))


def special(dice: np.ndarray) -> np.ndarray:
    from scipy.special import logit as theirs

    return theirs(np.clip(dice, 0.001, 0.999))


@given(st.floats(0, 1))
def test_logit_is_odd_around_a_half_finite_and_undone_by_expit(dice: float) -> None:
    assert logit(dice) == pytest.approx(-logit(1 - dice), abs=1e-9)
    assert stats.logistic.cdf(logit(dice)) == pytest.approx(min(max(dice, CLIP), 1 - CLIP))


def test_the_margin_is_the_papers_planned_difference_and_nan_stays() -> None:
    assert MARGIN == pytest.approx(float(logit(0.80) - logit(0.75)), abs=5e-5)
    assert np.isnan(logit(np.nan))


@settings(max_examples=25, deadline=None)
@given(tables(least=1))
def test_awkward_tables_give_a_figure_or_the_reason(scores: pd.DataFrame) -> None:
    for _, row in rows(scores).iterrows():
        if np.isnan(row["p_cases"]) or np.isnan(row["p_by_patient"]):
            assert row["note"]
        else:
            assert 0 <= row["p_cases"] <= 1 and 0 < row["w"] <= 1


def test_what_cannot_be_tested_says_why() -> None:
    assert shapiro(np.zeros(2))[2] == "fewer than three values"
    assert shapiro(np.full(9, 0.1))[2] == "all differences are equal"
    assert str(LARGEST) in shapiro(np.random.default_rng(0).normal(size=LARGEST + 1))[2]
    equal = rows(made("perfect agreement", 0, 10, 3))
    assert (equal["note"] == "all differences are equal").all() and equal["skewness"].isna().all()
    dust = table(np.full((6, 2), 0.1 + 0.2), np.array([[0.3, 0.2], [0.1 + 0.2, 0.2]] * 3), list("abcdef"))
    assert rows(dust).loc[("R1", "dice"), "note"] == "all differences are equal"
    one = rows(made("plain", 0, 10, 3).assign(patient="p"))
    assert one["p_cases"].notna().all() and one["note"].str.startswith("patients: fewer than three").all()
    assert normality(pd.DataFrame()).empty and list(normality(pd.DataFrame()).columns) == list(COLUMNS)
