"""Subgroups: sizes by closed form, Welch's test against statsmodels, and what few cases may not claim."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind
from statsmodels.stats.oneway import anova_oneway

from radparity.compare.margin import margin_test
from radparity.compare.scores import Case, averaged, score
from radparity.compare.size import band_names, band_of, case_diameter, equivalent_diameter
from radparity.compare.subgroups import COLUMNS, FEW, FEWEST, NO_CASE, NO_INTERACTION, NOT_STATED, subgroups
from radparity.compare.welch import welch

HOW = {"draws": 300, "seed": 1, "alpha": 0.05}


def disc(radius_mm, step, shape=(80, 80)):
    x, y = (np.indices(shape) - np.array(shape)[:, None, None] / 2 + 0.5) * step
    return x**2 + y**2 <= radius_mm**2


def made(n, radii, shift=(), patients=None):
    """Cases with readers that differ a little, and a network that misses a share of the lesion where `shift` says."""
    generator, cases = np.random.default_rng(4), []
    for k in range(n):
        radius = radii[k % len(radii)]
        readers = {f"R{r}": disc(radius * (1 + 0.04 * g), 0.5) for r, g in enumerate(generator.normal(size=4))}
        miss = shift[k % len(shift)] if shift else 0.0
        network = disc(radius * (1 - miss + 0.05 * generator.normal()), 0.5)
        cases.append(Case(f"c{k:02d}", patients[k] if patients else f"p{k:02d}", network, readers, (0.5, 0.5)))
    return cases


def test_sizes_are_diameters_of_circles_and_spheres():
    assert equivalent_diameter(np.pi * 25, 2) == pytest.approx(10)
    assert equivalent_diameter(4 / 3 * np.pi * 125, 3) == pytest.approx(10)
    mask = np.ones((4, 5, 6), bool)
    assert case_diameter(Case("c", "p", mask, {"R1": mask, "R2": mask}, (1.0, 0.5, 2.0))) == pytest.approx(
        np.cbrt(6 * 120 / np.pi)
    )
    with pytest.raises(ValueError, match="2 or 3 axes"):
        equivalent_diameter(1.0, 4)


def test_the_size_is_the_readers_median_and_never_the_networks():
    readers = {f"R{k}": disc(r, 0.5) for k, r in enumerate((2, 6, 6, 14))}
    blank = np.zeros((80, 80), bool)
    found = case_diameter(Case("c", "p", blank, readers, (0.5, 0.5)))
    assert found == pytest.approx(12, rel=0.02)
    assert np.isnan(case_diameter(Case("c", "p", blank, readers)))


@given(st.floats(0, 60), st.lists(st.integers(1, 50), max_size=4, unique=True).map(sorted))
def test_every_size_lies_in_one_band_and_a_bound_in_the_band_above(diameter, bounds):
    names = band_names(bounds)
    below = sum(bound <= diameter for bound in bounds)
    assert len(names) == len(set(names)) == len(bounds) + 1 and band_of(diameter, bounds) == names[below]


def test_band_names():
    assert band_names([10.0, 20.0]) == ["< 10 mm", "10 to < 20 mm", ">= 20 mm"]
    assert band_of(float("nan"), [10.0]) == ""


@pytest.mark.parametrize("sizes", [(12, 15), (10, 14, 30), (11, 12, 13, 14)])
def test_with_each_case_her_own_patient_it_is_welchs_test(sizes):
    generator = np.random.default_rng(sum(sizes))
    groups = [generator.normal(0.02 * k, 0.05 * (k + 1), n) for k, n in enumerate(sizes)]
    values, labels = np.concatenate(groups), np.repeat([f"g{k}" for k in range(len(sizes))], sizes)
    found = welch(values, labels, np.arange(len(values)))
    wanted = anova_oneway(groups, use_var="unequal", welch_correction=True)
    assert found.f == pytest.approx(wanted.statistic) and found.p == pytest.approx(wanted.pvalue)
    assert (found.df_between, found.df_within) == pytest.approx(wanted.df)
    if len(sizes) == 2:
        t = ttest_ind(*groups, equal_var=False)
        assert found.f == pytest.approx(t.statistic**2) and found.p == pytest.approx(t.pvalue)


def test_with_patients_the_variance_is_that_of_their_means():
    """Every patient has two cases in one group: the test is Welch's test of the patients' means."""
    generator = np.random.default_rng(2)
    means = [generator.normal(0.0, 0.1, 12), generator.normal(0.05, 0.2, 15)]
    apart = generator.normal(0, 0.05, 27)
    values = np.concatenate([np.concatenate(means) + apart, np.concatenate(means) - apart])
    labels, patients = np.tile(np.repeat(["a", "b"], [12, 15]), 2), np.tile(np.arange(27), 2)
    assert welch(values, labels, patients).p == pytest.approx(ttest_ind(*means, equal_var=False).pvalue)


def test_a_patient_in_both_groups_is_a_pair():
    """With one case of every patient in each of two groups F is the paired t squared."""
    generator = np.random.default_rng(8)
    woman, a, b = generator.normal(0, 1, 20), generator.normal(0, 0.1, 20), generator.normal(0.05, 0.1, 20)
    values = np.concatenate([woman + a, woman + b])
    found = welch(values, np.repeat(["a", "b"], 20), np.tile(np.arange(20), 2))
    d = a - b
    assert found.f == pytest.approx((d.mean() / (d.std(ddof=1) / np.sqrt(20))) ** 2)


@pytest.mark.parametrize(
    ("values", "labels", "patients", "why"),
    [
        ([0.1, 0.2, 0.3], "aaa", "pqr", "fewer than two groups"),
        ([0.1, 0.2, 0.3, 0.4], "aabb", "pqrr", "fewer than two patients"),
        ([0.1, 0.1, 0.3, 0.4], "aabb", "pqrs", "do not vary"),
        ([0.1, 0.2, 0.3, 0.4], "aabb", "pqpq", "move together"),
    ],
)
def test_what_cannot_be_tested_says_why(values, labels, patients, why):
    found = welch(values, list(labels), list(patients))
    assert np.isnan(found.p) and why in found.note


def test_the_level_holds_under_the_null_with_two_breasts_a_patient():
    generator, rejected, runs = np.random.default_rng(0), 0, 600
    patients = np.repeat(np.arange(30), 2)
    labels = np.where(patients < 12, "a", "b")
    for _ in range(runs):
        values = np.repeat(generator.normal(0, 0.05, 30), 2) + generator.normal(0, 0.03, 60)
        rejected += welch(values, labels, patients).p < 0.05
    assert rejected / runs < 0.08


def test_rows_are_the_margin_tests_own_intervals():
    cases = made(24, [4, 8, 12], patients=[f"p{k // 2:02d}" for k in range(24)])
    types = {c.case: "ab"[k % 2] for k, c in enumerate(cases)}
    scores = score(cases)
    table = subgroups(cases, scores, {"tumour_type": types}, [10, 20], **HOW)
    assert list(table) == list(COLUMNS) and list(table["subgroup"]) == ["tumour_type"] * 2 + ["size"] * 3
    per_case = averaged(scores)
    for value in "ab":
        own = per_case[per_case["case"].map(types) == value]
        wanted = margin_test(own["difference"], own["patient"].to_numpy(), **HOW)
        row = table[table["value"] == value].iloc[0]
        assert (row["n"], row["patients"]) == (12, 12)
        assert row["mean_difference"] == pytest.approx(own["difference"].mean())
        assert (row["low"], row["high"]) == pytest.approx((wanted.low, wanted.high))
        assert row["network_median"] == pytest.approx(own["dice_network"].median())
    assert list(table.loc[table["subgroup"] == "size", "n"]) == [8, 8, 8]


def test_a_planted_interaction_is_found_and_none_where_there_is_none():
    cases = made(40, [8], shift=[0.0, 0.25])
    types = {c.case: "ab"[k % 2] for k, c in enumerate(cases)}
    other = {c.case: "xy"[k // 2 % 2] for k, c in enumerate(cases)}
    table = subgroups(cases, score(cases), {"tumour_type": types, "other": other}, [], **HOW).set_index("subgroup")
    assert (table.loc["tumour_type", "interaction_p_by_patient"] < 1e-6).all()
    assert (table.loc["other", "interaction_p_by_patient"] > 0.01).all()
    assert table.loc["size", "value"] == "all sizes"


def test_few_cases_have_an_interval_and_no_p():
    cases = made(FEWEST * 2 + 3, [8])
    names = ["a"] * FEWEST + ["b"] * FEWEST + ["c", "c", ""]
    types = {c.case: name for c, name in zip(cases, names, strict=True)}
    table = subgroups(cases, score(cases), {"tumour_type": types}, [5, 100], **HOW)
    own = table[table["subgroup"] == "tumour_type"].set_index("value")
    assert list(own.index) == ["a", "b", "c", ""]
    assert own.loc[["a", "b"], "interaction_p_cases"].notna().all()
    assert own.loc[["c", ""], "interaction_p_cases"].isna().all() and own["mean_difference"].notna().all()
    assert own.loc["c", "note"] == FEW and NOT_STATED in own.loc["", "note"] and own.loc["a", "note"] == ""
    sizes = table[table["subgroup"] == "size"].set_index("value")
    assert sizes.loc["< 5 mm", "n"] == 0 and sizes.loc["< 5 mm", "note"] == NO_CASE
    assert NO_INTERACTION in sizes.loc["5 to < 100 mm", "note"]


def test_nothing_in_the_table_claims_equivalence():
    cases = made(24, [8])
    table = subgroups(cases, score(cases), {"type": {c.case: "a" for c in cases}}, [10], **HOW)
    assert not {"verdict", "p", "margin", "equivalent"} & set(table)


def test_cases_without_a_usable_reference_are_counted():
    cases = made(12, [8])
    blank = {reader: mask & False for reader, mask in cases[0].readers.items()}
    cases[0] = Case("c00", "p00", cases[0].network, blank, (0.5, 0.5))
    table = subgroups(cases, score(cases), {"type": {c.case: "a" for c in cases}}, [], **HOW)
    assert table.iloc[0]["n"] == 11 and table.iloc[0]["cases_left_out"] == 1


def test_no_cases_give_the_header_and_a_column_called_size_is_refused():
    assert list(subgroups([], score(made(1, [5])), {}, [10])) == list(COLUMNS)
    cases = made(2, [5])
    with pytest.raises(ValueError, match="rename that column"):
        subgroups(cases, score(cases), {"size": {}}, [10])
