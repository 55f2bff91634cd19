"""The mixed model against a dense likelihood, the balanced analysis of variance and statsmodels."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reader_tables import long, made, table, tables

from radparity.compare.anova import anova
from radparity.compare.mixed import COLUMNS, effect_of_type, fit_mixed, halves, mixed
from radparity.compare.paired import paired
from radparity.compare.reml import COMPONENTS

GROUPS = (["patient"], ["patient", "type"], ["case"], ["case", "type"], ["case", "reference"])


class Dense:
    """The model from its whole covariance matrix, one row a case, reference and rater type."""

    def __init__(self, scores: pd.DataFrame) -> None:
        rows = long(scores)
        references = sorted(set(rows["reference"]))
        codes = np.vstack([np.eye(len(references) - 1), -np.ones(len(references) - 1)])
        ref = codes[[references.index(name) for name in rows["reference"]]]
        sign = np.where(rows["type"] == "network", 1.0, -1.0)[:, None]
        self.dice = rows["dice"].to_numpy()
        self.design = np.hstack([np.ones_like(sign), ref, sign, sign * ref])
        groups = [rows[columns].astype(str).agg("|".join, axis=1).to_numpy() for columns in GROUPS]
        self.parts = [(g[:, None] == g[None, :]).astype(float) for g in groups] + [np.eye(len(rows))]

    def fit(self, variances: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """-2 log restricted likelihood, fixed effects and their covariance."""
        whole = sum(variance * part for variance, part in zip(variances, self.parts, strict=True))
        inverse = np.linalg.inv(whole)
        information = self.design.T @ inverse @ self.design
        covariance = np.linalg.inv(information)
        beta = covariance @ self.design.T @ inverse @ self.dice
        residual = self.dice - self.design @ beta
        determinants = np.linalg.slogdet(whole)[1] + np.linalg.slogdet(information)[1]
        return determinants + residual @ inverse @ residual, beta, covariance


def simulated(seed: int, patients: int, references: int = 3) -> pd.DataFrame:
    """Two cases a patient, every random effect of the model present: standard deviations as in COMPONENTS."""
    generator = np.random.default_rng(seed)
    sd = dict(zip(COMPONENTS, (0.06, 0.03, 0.05, 0.04, 0.03, 0.03), strict=True))
    whose = np.repeat(np.arange(patients), 2)
    n = len(whose)
    both = generator.normal(0, sd["patient"], (patients, 1))[whose] + generator.normal(0, sd["case"], (n, 1))
    both = 0.7 + both + generator.normal(0, sd["case:ref"], (n, references))
    x, y = (
        both
        + generator.normal(0, sd["patient:type"], (patients, 1))[whose]
        + generator.normal(0, sd["case:type"], (n, 1))
        + generator.normal(0, sd["residual"], (n, references))
        for _ in range(2)
    )
    return table(x, y, [f"p{i:04d}" for i in whose])


@settings(max_examples=15, deadline=None)
@given(tables(least=4, most=10), st.integers(0, 10_000))
def test_likelihood_and_fixed_effects_equal_the_dense_ones_at_any_variances(scores: pd.DataFrame, seed: int) -> None:
    """Exact up to a constant, the same at all variances, of the halves' coding of the design."""
    scores = scores[scores.groupby("case")["usable"].transform("any")]
    scores = scores[scores.groupby("reference")["usable"].transform("any")]
    assume(scores["reference"].nunique() > 1)
    generator, whole = np.random.default_rng(seed), Dense(scores)
    sums, differences = halves(paired(scores))
    offsets = []
    for _ in range(2):
        v = generator.uniform(0.0001, 0.01, 6) * generator.integers(0, 2, 6)
        v[-1] = generator.uniform(0.0005, 0.01)
        ours = [sums.fit(2 * v[0] + v[1], 2 * v[2] + v[3], 2 * v[4] + v[5]), differences.fit(v[1], v[3], v[5])]
        value, beta, covariance = whole.fit(v)
        assert np.concatenate([fit.beta for fit in ours]) == pytest.approx(beta, abs=1e-9)
        q = scores["reference"].nunique()
        assert ours[0].covariance == pytest.approx(covariance[:q, :q], rel=1e-6, abs=1e-12)
        assert ours[1].covariance == pytest.approx(covariance[q:, q:], rel=1e-6, abs=1e-12)
        offsets.append(ours[0].deviance + ours[1].deviance - value)
    assert offsets[0] == pytest.approx(offsets[1], abs=1e-6)


@pytest.mark.parametrize("unusable", [False, True])
def test_no_other_variances_are_likelier(unusable: bool) -> None:
    scores = made("plain", 1, 15, 3, unusable=unusable)
    found, whole = fit_mixed(paired(scores)), Dense(scores)
    assert found.converged
    best = whole.fit(found.variances)[0]
    generator = np.random.default_rng(0)
    for size in (0.01, 0.1, 1.0):
        for _ in range(15):
            other = np.abs(found.variances * np.exp(generator.normal(0, size, 6)) + 1e-5 * size * generator.random(6))
            assert whole.fit(other)[0] > best - 1e-6


@pytest.mark.parametrize("references", [2, 4])
def test_balanced_and_one_case_a_patient_it_is_the_analysis_of_variance(references: int) -> None:
    scores = simulated(3, 60, references)
    scores = scores.assign(patient=scores["case"])
    ours, theirs = mixed(scores).set_index("term"), anova(scores).set_index(["scale", "effect"]).loc["dice"]
    assert (ours["converged"] == "yes").all() and ours["note"].str.contains("one case a patient").all()
    assert ours.loc[["patient", "patient:type"], "estimate"].isna().all()
    for term in ("type", "ref", "type:ref"):
        assert ours.loc[term, "f"] == pytest.approx(theirs.loc[term, "f"], rel=1e-4)
    difference = scores["dice_network"].mean() - scores["dice_reader"].mean()
    assert ours.loc["type", "estimate"] == pytest.approx(difference, abs=1e-10)


def test_statsmodels_finds_the_same() -> None:
    from statsmodels.regression.mixed_linear_model import MixedLM

    scores = simulated(1, 40)
    components = {
        "patient:type": "0 + C(type)",
        "case": "0 + C(case)",
        "case:type": "0 + C(case):C(type)",
        "case:ref": "0 + C(case):C(reference)",
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = MixedLM.from_formula(
            "dice ~ C(type, Sum) * C(reference, Sum)",
            long(scores),
            groups="patient",
            re_formula="1",
            vc_formula=components,
        ).fit(reml=True)
    named = dict(zip(theirs.model.exog_vc.names, theirs.vcomp, strict=True))
    variances = np.array([theirs.cov_re.iloc[0, 0], *(named[name] for name in COMPONENTS[1:-1]), theirs.scale])
    found = fit_mixed(paired(scores))
    whole = Dense(scores)
    assert found.converged and whole.fit(found.variances)[0] <= whole.fit(variances)[0] + 1e-6
    assert np.sqrt(found.variances) == pytest.approx(np.sqrt(variances), abs=2e-3)
    error = 2 * theirs.bse.iloc[1]
    assert effect_of_type(found) == pytest.approx((2 * theirs.params.iloc[1], error), rel=0.02)


def test_variances_of_a_large_study_are_found_again() -> None:
    found = fit_mixed(paired(simulated(0, 1000, 4)))
    assert found.converged
    assert np.sqrt(found.variances) == pytest.approx([0.06, 0.03, 0.05, 0.04, 0.03, 0.03], abs=0.003)


@settings(max_examples=6, deadline=None)
@given(tables())
def test_every_awkward_table_gives_figures_or_the_reason(scores: pd.DataFrame) -> None:
    result = mixed(scores)
    assert list(result.columns) == list(COLUMNS) and result["term"].tolist()[3:] == list(COMPONENTS)
    type_row = result.iloc[0]
    if type_row["converged"] == "yes":
        assert type_row["low"] < type_row["estimate"] < type_row["high"] and 0 <= type_row["p_by_patient"] <= 1
    else:
        assert type_row["note"] and np.isnan([type_row["estimate"], type_row["p_by_patient"]]).all()


@pytest.mark.parametrize("kind", ["ties", "zeros", "constant network", "misses"])
def test_an_awkward_study_of_forty_cases_converges(kind: str) -> None:
    result = mixed(made(kind, 2, 40, 4, unusable=True))
    assert (result["converged"] == "yes").all()


def test_what_cannot_be_fitted_says_why() -> None:
    scores = made("plain", 1, 12, 3)
    for wrong, reason in (
        (scores.assign(patient="p"), "fewer than two patients"),
        (scores[scores["case"] < "c002"], "fewer than three cases"),
        (made("perfect agreement", 1, 12, 3), "no variation"),
        (scores.assign(dice_network=scores["dice_network"].where(scores["reference"] != "R2")), "every case"),
        (
            scores.assign(
                dice_network=scores["dice_network"].where(scores["reference"].str[1] == scores["case"].str[-1])
            ),
            "",
        ),
    ):
        result = mixed(wrong)
        assert (result["converged"] == "no").all() and result["estimate"].isna().all() and result["note"].all()
        assert result["note"].str.contains(reason).all()
    assert mixed(pd.DataFrame()).empty and list(mixed(pd.DataFrame()).columns) == list(COLUMNS)


def test_a_search_that_stops_early_is_said_and_gives_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy import optimize

    real = optimize.minimize
    cut_short = {"maxiter": 1, "maxfun": 1}
    monkeypatch.setattr(optimize, "minimize", lambda *a, **k: real(*a, **k | {"options": cut_short}))
    result = mixed(simulated(0, 20))
    assert (result["converged"] == "no").all() and result["note"].str.contains("did not converge").all()
    assert result[["estimate", "p_by_patient", "p_cases"]].isna().all().all()
