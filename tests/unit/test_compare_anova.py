"""Repeated-measures analysis of variance against statsmodels, Hotelling's closed form and the paired t."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reader_tables import long, made, tables, wide
from scipy import stats

from radparity.compare.anova import COLUMNS, anova
from radparity.compare.logit import logit
from radparity.compare.margin import robust_t

EFFECTS = {"type": "type", "ref": "reference", "type:ref": "type:reference"}


def rows(scores: pd.DataFrame, scale: str = "dice") -> pd.DataFrame:
    result = anova(scores)
    assert list(result.columns) == list(COLUMNS)
    return result[result["scale"] == scale].set_index("effect")


@pytest.mark.parametrize("kind", ["plain", "ties", "zeros", "misses", "constant network"])
@pytest.mark.parametrize(("cases", "references"), [(3, 2), (3, 4), (20, 3), (41, 4)])
def test_f_and_p_are_those_of_statsmodels(kind: str, cases: int, references: int) -> None:
    from statsmodels.stats.anova import AnovaRM

    scores = made(kind, 7, cases, references)
    theirs = AnovaRM(long(scores), "dice", "case", ["type", "reference"]).fit().anova_table
    ours = rows(scores)
    for effect, name in EFFECTS.items():
        assert ours.loc[effect, "f"] == pytest.approx(theirs.loc[name, "F Value"], rel=1e-6)
        assert ours.loc[effect, "p_uncorrected"] == pytest.approx(theirs.loc[name, "Pr > F"], rel=1e-6)
        assert (ours.loc[effect, "df_effect"], ours.loc[effect, "df_error"]) == tuple(
            theirs.loc[name, ["Num DF", "Den DF"]]
        )


@settings(max_examples=25, deadline=None)
@given(tables())
def test_type_is_the_square_of_the_t_of_the_averaged_difference(scores: pd.DataFrame) -> None:
    network, reader = wide(scores, "dice_network"), wide(scores, "dice_reader")
    whole = np.isfinite(network).all(axis=1)
    difference = (network - reader)[whole].mean(axis=1)
    patients = scores.drop_duplicates("case")["patient"].to_numpy()[whole]
    row = rows(scores).loc["type"]
    assert row["n"] == whole.sum() and row["cases_left_out"] == (~whole).sum()
    assume(whole.sum() > 1)
    if difference.std() < 1e-12:
        assert np.isnan([row["f"], row["p_cases"], row["f_by_patient"], row["p_by_patient"]]).all() and row["note"]
        return
    t = stats.ttest_1samp(difference, 0)
    assert (row["f"], row["p_cases"]) == pytest.approx((t.statistic**2, t.pvalue), rel=1e-6)
    if len(set(patients)) > 1:
        clustered = robust_t(difference, patients, margin=0.5)
        assert row["f_by_patient"] == pytest.approx((clustered.estimate / clustered.standard_error) ** 2, rel=1e-6)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 4))
def test_by_patient_is_hotellings_test_where_every_patient_has_one_case(seed: int, references: int) -> None:
    scores = made("plain", seed, 15, references, pairs=False)
    difference = wide(scores, "dice_network") - wide(scores, "dice_reader")
    level = (wide(scores, "dice_network") + wide(scores, "dice_reader")) / 2
    ours = rows(scores)
    for effect, values in (("ref", level), ("type:ref", difference)):
        # differences to the last reference: other contrasts of the same space, so the same T2
        z = values[:, :-1] - values[:, -1:]
        q = z.shape[1]
        t2 = len(z) * z.mean(axis=0) @ np.linalg.inv(np.cov(z.T)) @ z.mean(axis=0)
        f = t2 * (len(z) - q) / (q * (len(z) - 1))
        assert ours.loc[effect, "f_by_patient"] == pytest.approx(f, rel=1e-8)
        assert ours.loc[effect, "p_by_patient"] == pytest.approx(stats.f.sf(f, q, len(z) - q), rel=1e-8)


def epsilon_by_eigenvalues(values: np.ndarray) -> float:
    """Box's form: (sum of eigenvalues)^2 / ((k - 1) sum of their squares) of the doubly centred covariance."""
    k = values.shape[1]
    centre = np.eye(k) - 1 / k
    eigenvalues = np.linalg.eigvalsh(centre @ np.cov(values.T) @ centre)
    return float(eigenvalues.sum() ** 2 / ((k - 1) * (eigenvalues**2).sum()))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 4), st.sampled_from(["plain", "ties", "misses"]))
def test_epsilon_by_eigenvalues_and_its_bounds(seed: int, references: int, kind: str) -> None:
    scores = made(kind, seed, 12, references)
    ours = rows(scores)
    difference = wide(scores, "dice_network") - wide(scores, "dice_reader")
    assert ours.loc["type:ref", "epsilon"] == pytest.approx(epsilon_by_eigenvalues(difference), rel=1e-9)
    assert ((ours["epsilon"] <= 1) & (ours["epsilon"] >= 1 / ours["df_effect"] - 1e-12)).all()
    for _, row in ours.iterrows():
        dfs = row["epsilon"] * row["df_effect"], row["epsilon"] * row["df_error"]
        assert row["p_cases"] == pytest.approx(stats.f.sf(row["f"], *dfs), rel=1e-9)


def test_logit_rows_are_the_test_of_the_logits() -> None:
    scores = made("misses", 3, 25, 3)
    transformed = scores.assign(dice_network=logit(scores["dice_network"]), dice_reader=logit(scores["dice_reader"]))
    assert np.allclose(rows(scores, "logit")["f"], rows(transformed)["f"], rtol=1e-10)


def test_two_alike_breasts_a_patient_count_as_one_by_patient_and_as_two_by_case() -> None:
    single = made("plain", 5, 30, 3, pairs=False)
    twice = pd.concat([single, single.assign(case=single["case"] + "b")])
    once, doubled = rows(single), rows(twice)
    assert doubled["f_by_patient"].to_numpy() == pytest.approx(once["f_by_patient"].to_numpy(), rel=1e-9)
    assert (doubled["f"] > 1.9 * once["f"]).all()


def test_what_cannot_be_tested_says_why() -> None:
    scores = made("plain", 1, 6, 3, pairs=False)
    one_patient = rows(scores.assign(patient="p"))
    assert one_patient["p_by_patient"].isna().all() and one_patient["p_cases"].notna().all()
    assert one_patient["note"].str.contains("too few patients").all()
    two_patients = rows(scores.assign(patient=np.repeat(["a", "b"], 9)))
    assert two_patients["p_by_patient"].notna().tolist() == [True, False, False]
    single = rows(scores[scores["case"] == "c000"])
    assert single["p_cases"].isna().all() and single["note"].str.contains("fewer than two cases").all()
    everything_empty = scores.assign(dice_network=np.nan, dice_reader=np.nan)
    assert rows(everything_empty)["n"].eq(0).all()
    assert anova(pd.DataFrame()).empty and list(anova(pd.DataFrame()).columns) == list(COLUMNS)
