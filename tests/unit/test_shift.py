"""The shift of cohorts: facts against known images, statistics against other programs, intervals that cover."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from radparity.shift import domains, scores
from radparity.shift.columns import COLUMNS
from radparity.shift.facts import ACQUIRED, FACTS, acquisition_facts, image_facts, noise

HARMONIZED = {
    "channels": ["t1c", "dce_in", "dce_out"],
    "dce_in": "difference",
    "offsets": [0.0] * 3,
    "divisors": [1.0] * 3,
}
SHAPE = (6, 40, 50)


def volume(seed=0):
    """Fat of 100 and gland of 400 before contrast; a tenth of the gland takes up 300."""
    generator = np.random.default_rng(seed)
    before = np.where(np.arange(50) < 30, 100.0, 400.0) * np.ones(SHAPE)
    uptake = np.where(np.arange(50) >= 48, 300.0, 0.0) * np.ones(SHAPE)
    noisy = generator.normal(0, 5, SHAPE)
    return np.stack([before + uptake + noisy, uptake, np.zeros(SHAPE) - 0.1], axis=-1).astype(np.float32)


def test_intensities_are_those_of_the_known_image():
    found = image_facts(volume(), np.ones(SHAPE, bool), HARMONIZED, None)
    assert found["tissue_ratio"] == pytest.approx(4.0, rel=0.02)
    assert found["raw_dce_in_p99"] == pytest.approx(300) and found["raw_dce_in_p50"] == 0
    assert found["uptake_ratio"] == pytest.approx(3.0, rel=0.05)
    assert found["raw_t1c_p50"] == pytest.approx(100, rel=0.1) and found["raw_dce_out_p50"] == pytest.approx(-0.1)
    assert set(found) == {name for name, fact in FACTS.items() if fact.part != ACQUIRED}


@given(st.floats(0.2, 50), st.floats(-20, 20))
def test_the_scaling_of_an_exam_is_undone_before_harmonization(divisor, offset):
    raw, breast = volume(), np.ones(SHAPE, bool)
    plain = image_facts(raw, breast, HARMONIZED, None)
    scaled = ((raw - offset) / divisor).astype(np.float32)
    about = HARMONIZED | {"offsets": [offset] * 3, "divisors": [divisor] * 3}
    found = image_facts(scaled, breast, about, None)
    for name, value in plain.items():
        if not name.startswith("scaled_"):
            assert found[name] == pytest.approx(value, rel=1e-3, abs=2e-3 * max(1, abs(offset))), name
    assert found["scaled_t1c_p95"] == pytest.approx((plain["raw_t1c_p95"] - offset) / divisor, rel=1e-3, abs=1e-3)


def test_a_rate_needs_the_time_between_the_phases():
    raw = volume()
    as_rate = raw / np.array([1, 90, 1], np.float32)
    about = HARMONIZED | {"dce_in": "rate"}
    assert image_facts(as_rate, np.ones(SHAPE, bool), about, None)["uptake_ratio"] is None
    found = image_facts(as_rate, np.ones(SHAPE, bool), about, 90.0)
    plain = image_facts(raw, np.ones(SHAPE, bool), HARMONIZED, None)
    assert found["uptake_ratio"] == pytest.approx(plain["uptake_ratio"], rel=1e-4)


def test_noise_is_found_on_a_slope_and_only_in_the_breast():
    generator = np.random.default_rng(1)
    slope = 3.0 * np.arange(50)[None, None, :] + 2.0 * np.arange(40)[None, :, None]
    noisy = slope + generator.normal(0, 7, SHAPE)
    noisy[:, :, :10] += generator.normal(0, 500, (6, 40, 10))
    breast = np.zeros(SHAPE, bool)
    breast[:, 5:35, 12:45] = True
    assert noise(noisy.astype(np.float32), breast) == pytest.approx(7, rel=0.05)
    assert noise(noisy.astype(np.float32), np.zeros(SHAPE, bool)) is None


def test_an_empty_mask_gives_no_value_and_a_header_that_tells_nothing_none():
    assert set(image_facts(volume(), np.zeros(SHAPE, bool), HARMONIZED, 90.0).values()) == {None}
    record = {"scanner": {"tesla": None}, "in_plane_mm": [0.7, 0.8], "section_mm": 2.0, "matrix": [256, 192]}
    record |= {"sections": 60, "phase_count": 3}
    found = acquisition_facts(record, [None, 80.0, 160.0])
    assert (found["tesla"], found["repetition_ms"], found["first_s"]) == (None, None, None)
    assert (found["in_plane_mm"], found["covered_mm"], found["rows"]) == (0.8, 120.0, 256)
    told = record | {"sequence": {"repetition_ms": 8.4, "echo_ms": 4.2, "flip_degrees": 20.0}}
    found = acquisition_facts(told, [10.0, 80.0, 160.0])
    assert (found["first_s"], found["last_s"], found["flip_degrees"]) == (70.0, 150.0, 20.0)


VECTOR = arrays(float, st.integers(1, 30), elements=st.integers(-5, 5).map(float))


@given(VECTOR, VECTOR)
def test_the_distance_is_scipys(one, other):
    assert domains.distance(one, other) == pytest.approx(stats.ks_2samp(one, other).statistic)


def cohorts(apart, sizes=(40, 30), seed=0, missing=0.1):
    """Cases of two cohorts; scaled facts differ by so many standard deviations, raw ones by ten times that."""
    generator = np.random.default_rng(seed)
    side = np.repeat([0, 1], sizes)
    table = pd.DataFrame(
        {"case": [f"C{n}" for n in range(sum(sizes))], "patient": [f"P{n}" for n in range(sum(sizes))]}
    )
    table["cohort"] = np.where(side == 1, "external", "train_on")
    table["scanner"] = "S"
    for name, fact in FACTS.items():
        shift = 0.0 if fact.part == ACQUIRED else apart * (10 if name.startswith("raw_") else 1)
        table[name] = generator.normal(shift * side, 1)
    table.loc[generator.random(len(table)) < missing, "flip_degrees"] = np.nan
    table["tesla"] = 1.5
    return table


def test_a_planted_difference_of_each_fact_is_found():
    table = domains.fact_table(cohorts(0.5, (400, 300))).set_index("fact")
    assert table.loc["raw_noise", "standardized_difference"] == pytest.approx(5, abs=0.4)
    assert table.loc["scaled_noise", "standardized_difference"] == pytest.approx(0.5, abs=0.25)
    assert table.loc["raw_noise", "distance"] > 0.95 > 0.5 > table.loc["scaled_noise", "distance"]
    assert table.loc["tesla", "standardized_difference"] == 0 and table.loc["tesla", "distance"] == 0
    assert table.loc["flip_degrees", "n_train"] < 400 and list(table.reset_index()) == list(COLUMNS["facts"])


def test_facts_that_are_constant_and_differ_or_are_not_known_say_so():
    cases = cohorts(0)
    cases.loc[cases["cohort"] == "external", "tesla"] = 3.0
    cases.loc[cases["cohort"] == "external", "echo_ms"] = np.nan
    table = domains.fact_table(cases).set_index("fact")
    assert table.loc["tesla", "note"] == "constant in each, and not the same" and table.loc["tesla", "distance"] == 1
    assert "not known" in table.loc["echo_ms", "note"] and np.isnan(table.loc["echo_ms", "distance"])


def test_cohorts_that_differ_before_harmonization_only_are_told_apart_then_only():
    cases = cohorts(0.0, (60, 60))
    raw = [name for name in FACTS if name.startswith("raw_")]
    cases.loc[cases["cohort"] == "external", raw] += 4
    table = domains.separable_table(cases, 0.025, 300, 1).set_index("facts")
    before, after = table.loc["image, before harmonization"], table.loc["image, after harmonization"]
    assert before["auc"] > 0.98 and before["low"] > 0.9
    assert 0.25 < after["auc"] < 0.75 and after["low"] < 0.5 < after["high"] + 0.1
    few = domains.separable_table(cohorts(3, (9, 30)), 0.025, 300, 1)
    assert few["auc"].isna().all() and set(few["note"]) == {"fewer than 10 patients in a cohort"}


def test_no_model_sees_another_case_of_the_patient_it_scores():
    """Every patient has two equal cases with a fact of her own: who saw one would know the other."""
    generator = np.random.default_rng(3)
    fact = np.repeat(generator.normal(size=(40, 6)), 2, axis=0)
    patients, tested = np.repeat([f"P{n}" for n in range(40)], 2), np.repeat(np.arange(40) % 2 == 0, 2)
    aucs = []
    for seed in range(12):
        found = domains.held_out_scores(fact, tested, patients, seed)
        aucs.append(stats.mannwhitneyu(found[tested], found[~tested]).statistic / (tested.sum() * (~tested).sum()))
        of_fold = domains._dealt(tested, patients, seed)
        assert all(len(set(of_fold[patients == name])) == 1 for name in set(patients))
    assert np.mean(aucs) < 0.65


def test_the_regression_is_statsmodels_where_nothing_is_penalized(monkeypatch):
    statsmodels = pytest.importorskip("statsmodels.api")
    monkeypatch.setattr(domains, "RIDGE", 0.0)
    generator = np.random.default_rng(5)
    z = np.column_stack([np.ones(300), generator.normal(size=(300, 3))])
    tested = generator.random(300) < 1 / (1 + np.exp(-(z @ [0.3, 1.0, -0.5, 0.0])))
    weight = np.where(tested, 300 / (2 * tested.sum()), 300 / (2 * (~tested).sum()))
    model = statsmodels.GLM(tested.astype(float), z, family=statsmodels.families.Binomial(), freq_weights=weight)
    assert domains.logistic(z, tested) == pytest.approx(model.fit().params, abs=1e-6)


def test_the_auc_of_held_out_scores_is_scipys_and_its_interval_holds_it():
    cases = cohorts(0.4, (50, 45))
    tested = (cases["cohort"] == "external").to_numpy()
    patients = np.array([f"P{n // 2}" for n in range(50)] + [f"Q{n // 2}" for n in range(45)])
    found = domains.held_out_scores(cases[["scaled_noise", "scaled_t1c_p50"]].to_numpy(), tested, patients, 2)
    auc = stats.mannwhitneyu(found[tested], found[~tested]).statistic / (tested.sum() * (~tested).sum())
    low, high = domains.auc_interval(found, tested, patients, 0.025, 500, 1)
    assert low < auc < high and high - low > 0.05
    flat = np.zeros(len(found))
    assert domains.auc_interval(flat, tested, patients, 0.025, 50, 1) == (0.5, 0.5)


def dice(generator, patients, mean, cases=1):
    """Skewed Dice with failures; the cases of one patient resemble each other."""
    hers = generator.beta(8 * mean, 8 * (1 - mean), patients)
    whole = np.clip(np.repeat(hers, cases) + generator.normal(0, 0.05, patients * cases), 0, 1)
    return np.where(np.repeat(generator.random(patients) < 0.08, cases), 0.0, whole)


def test_the_interval_of_the_change_covers_the_truth():
    """Skewed Dice, two cases a patient, 30 and 40 patients; nominal 90 per cent."""
    generator = np.random.default_rng(11)
    truth = 0.92 * (0.65 - 0.8)
    names = [np.repeat(np.arange(n).astype(str), 2) for n in (30, 40)]
    held, below = 0, 0
    for study in range(400):
        inside, outside = dice(generator, 30, 0.8, 2), dice(generator, 40, 0.65, 2)
        low, high = scores.change_interval(inside, names[0], outside, names[1], 0.05, 500, study)
        held += low <= truth <= high
        below += high < truth
    assert 0.85 < held / 400 < 0.95 and below / 400 < 0.1


def test_the_interval_of_independent_cases_is_near_welchs():
    generator = np.random.default_rng(2)
    one, other = generator.normal(0.8, 0.1, 200), generator.normal(0.7, 0.05, 150)
    names = [np.arange(n).astype(str) for n in (200, 150)]
    low, high = scores.change_interval(one, names[0], other, names[1], 0.025, 4000, 1)
    exact = stats.ttest_ind(other, one, equal_var=False).confidence_interval(0.95)
    assert (low, high) == pytest.approx((exact.low, exact.high), abs=0.002)
    assert np.isnan(scores.change_interval([0.1], ["P"], other, names[1], 0.05, 100, 1)).all()
    with pytest.raises(ValueError, match="finite"):
        scores.change_interval([0.1, np.nan], ["P", "Q"], other, names[1], 0.05, 100, 1)


def case_tables(external, internal, readers=True):
    def rows(values, start):
        table = pd.DataFrame({"case": [f"C{start + n}" for n in range(len(values))], "dice_network": values})
        table["patient"] = [f"P{start + n}" for n in range(len(values))]
        table["dice_reader"] = 0.9 if readers else np.nan
        table["difference"] = table["dice_network"] - table["dice_reader"]
        return table

    return rows(external, 0), rows(internal, 100)


def test_groups_and_drop_count_average_and_stay_silent_where_few():
    outside, inside = [0.5, 0.6, 0.7, np.nan, 0.2, 0.4], [0.9, 0.7, 0.8]
    both = scores.both_tests(*case_tables(outside, inside))
    assert len(both) == 8 and set(both["test"]) == {"external", "internal"}
    cohort = {case: "A" if int(case[1:]) >= 100 else "B" for case in both["case"]}
    table = scores.group_table(both, {"cohort": cohort}, 0.05, 300, 1).set_index(["by", "value", "test"])
    row, few = table.loc["cohort", "B", "external"], table.loc["cohort", "A", "internal"]
    assert (row["n"], row["network_mean"], row["network_median"]) == (5, pytest.approx(0.48), 0.5)
    assert row["network_low"] < 0.48 < row["network_high"] and row["note"] == ""
    assert few["n"] == 3 and np.isnan(few["network_low"]) and "fewer than 5 patients" in few["note"]
    drop = scores.drop_table(both, 0.05, 300, 1).set_index("rater")
    assert drop.loc["network", "change"] == pytest.approx(0.48 - 0.8) and np.isnan(drop.loc["network", "low"])
    assert drop.loc["reader", "change"] == pytest.approx(0.0)


def test_without_readers_and_without_an_internal_test_the_tables_still_tell_the_rest():
    outside, inside = case_tables([0.5, 0.6, 0.7, 0.8, 0.2, 0.4], [], readers=False)
    both = scores.both_tests(outside, inside)
    table = scores.group_table(both, {"cohort": dict.fromkeys(both["case"], "B")}, 0.05, 300, 1)
    assert len(table) == 1 and np.isnan(table["reader_mean"][0]) and np.isfinite(table["network_low"][0])
    drop = scores.drop_table(both, 0.05, 300, 1)
    assert list(drop["rater"]) == ["network"] and drop["n_internal"][0] == 0 and np.isnan(drop["change"][0])
    bare = both.drop(columns=["dice_reader", "difference"])  # as of a single reference
    pd.testing.assert_frame_equal(scores.drop_table(bare, 0.05, 300, 1), drop)
    assert np.isnan(
        scores.group_table(bare, {"cohort": dict.fromkeys(both["case"], "B")}, 0.05, 300, 1)["reader_mean"][0]
    )
    nobody = scores.both_tests(*case_tables([], []))
    assert scores.group_table(nobody, {"cohort": {}}, 0.05, 300, 1).empty
    assert scores.drop_table(nobody, 0.05, 300, 1).empty


def test_the_picture_is_the_same_bytes_again(tmp_path):
    from radparity.shift.picture import shift_picture

    cases = cohorts(1.0)
    shift_picture(cases, tmp_path / "one.png")
    shift_picture(cases, tmp_path / "two.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert 10_000 < (tmp_path / "one.png").stat().st_size < 200_000
