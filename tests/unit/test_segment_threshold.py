"""The threshold fraction: found where it was planted, the tie rule, the bootstrap's spread, other references."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from radparity import maxima
from radparity.compare.scores import dice
from radparity.segment import segment_section
from radparity.threshold import CURVE, FRACTIONS, TIE, TuningCase, best, curve_of, fixed, spread, tune

HOW = {"draws": 500, "seed": 3}


def bump(sigma=8.0, height=0.7, shape=(60, 60)):
    index = np.indices(shape)
    return height * np.exp(-((index[0] - 30) ** 2 + (index[1] - 30) ** 2) / (2 * sigma**2))


def case(name, planted, patient=None, **others):
    """A case whose references of the rule `intersection` are met by a planted fraction, and others by others."""
    section = bump()
    masks = {rule: [section >= f * section.max()] * 2 for rule, f in {"intersection": planted, **others}.items()}
    return TuningCase(name, patient or name, section, masks)


def test_the_planted_fraction_is_found_and_its_facts_are_whole():
    facts, curve = tune([case("a", 0.4), case("b", 0.4)], "intersection", 0.95, **HOW)
    assert facts["fraction"] == 0.4 and facts["cases"] == ["a", "b"] and facts["patients"] == 2
    assert facts["shares"] == {"0.4": 1.0} and facts["retuned"] == {}
    assert list(curve) == list(CURVE) and curve["mean_dice"].max() == 1.0
    assert [point["fraction"] for point in facts["curve"]] == FRACTIONS
    json.dumps(facts)


def test_other_references_get_a_fraction_of_their_own_and_do_not_move_the_studys():
    cases = [case("a", 0.4, union=0.2, majority=0.3), case("b", 0.4, union=0.2, majority=0.3)]
    facts, curve = tune(cases, "intersection", 0.95, **HOW)
    assert facts["fraction"] == 0.4 and facts["retuned"] == {"union": 0.2, "majority": 0.3}
    chosen = curve[curve["chosen"] == 1].set_index("rule")
    assert chosen["fraction"].to_dict() == {"intersection": 0.4, "union": 0.2, "majority": 0.3}
    assert chosen["role"].to_dict() == {"intersection": "primary", "union": "sensitivity", "majority": "sensitivity"}


def test_a_study_with_another_rule_tunes_on_that_one():
    facts, curve = tune([case("a", 0.4, union=0.2), case("b", 0.4, union=0.2)], "union", 0.95, **HOW)
    assert facts["fraction"] == 0.2 and facts["retuned"] == {"intersection": 0.4} and curve["rule"][0] == "union"


def test_cases_without_a_usable_reference_do_not_count():
    blank = TuningCase("c", "c", bump(), {"intersection": [np.zeros((60, 60), bool)] * 2})
    facts, curve = tune([case("a", 0.4), blank], "intersection", 0.95, **HOW)
    assert facts["fraction"] == 0.4 and set(curve["cases"]) == {1}
    assert curve["share"].isna().all() and facts["shares"] == {}
    with pytest.raises(ValueError, match="no tuning case is left"):
        tune([blank], "intersection", 0.95, **HOW)
    with pytest.raises(ValueError, match="no tuning case is left"):
        tune([], "intersection", 0.95, **HOW)


def test_the_curve_is_the_mean_over_cases_of_the_mean_over_references():
    generator = np.random.default_rng(0)
    sections = [generator.random((12, 14)) for _ in range(3)]
    references = [[generator.random((12, 14)) > 0.6 for _ in range(4)] for _ in range(3)]
    cases = [
        TuningCase(str(k), str(k), s, {"union": r}) for k, (s, r) in enumerate(zip(sections, references, strict=True))
    ]
    values, patients = curve_of(cases, "union", 0.9)
    for row, fraction in enumerate(FRACTIONS):
        for column in range(3):
            mask = segment_section(sections[column], fraction, 0.9)
            assert values[row, column] == pytest.approx(np.mean([dice(mask, r) for r in references[column]]))
    assert patients == ["0", "1", "2"]


def chosen_slowly(means):
    """The rule of reader_statistics, section 2, word by word."""
    run = [f for f, m in zip(FRACTIONS, means, strict=True) if m >= max(means) - TIE]
    middle = (run[0] + run[-1]) / 2
    nearest = min(abs(f - middle) for f in run)
    return max(f for f in run if abs(f - middle) <= nearest + 1e-9)


@given(arrays(np.float64, (len(FRACTIONS), 4), elements=st.sampled_from([0.0, 0.25, 0.5, 0.5 + 1e-10, 0.75])))
def test_ties_take_the_middle_of_the_run_then_the_larger(means):
    assert [FRACTIONS[k] for k in best(means)] == [chosen_slowly(column) for column in means.T]


def test_the_spread_is_the_exact_chance_where_it_can_be_counted():
    """Two patients who want different fractions: a quarter of the samples holds one of them only, a quarter the other;
    the mixed half goes to the one who loses more."""
    values = np.zeros((len(FRACTIONS), 2))
    values[3, 0], values[10, 1], values[10, 0] = 1.0, 0.9, 0.3
    share = spread(values, ["p", "q"], 20_000, 1)
    assert share[3] == pytest.approx(0.25, abs=0.012) and share[10] == pytest.approx(0.75, abs=0.012)
    assert share.sum() == pytest.approx(1.0)


def test_a_patient_is_drawn_with_all_her_cases():
    """Were cases drawn and not patients, other fractions than the two patients' own would be chosen too."""
    values = np.zeros((len(FRACTIONS), 4))
    values[2, :2], values[12, 2:] = 1.0, 1.0
    values[7, [0, 2]] = 0.9
    share = spread(values, ["p", "p", "q", "q"], 4000, 1)
    mixed = best(values.mean(axis=1)[:, None])[0]
    assert set(np.flatnonzero(share)) == {2, 12, mixed}
    assert share[2] + share[12] >= 0.5 - 0.03


def test_the_same_seed_gives_the_same_shares():
    values = np.random.default_rng(5).random((len(FRACTIONS), 9))
    names = [str(k) for k in range(9)]
    assert np.array_equal(spread(values, names, 300, 7), spread(values, names, 300, 7))
    assert not np.array_equal(spread(values, names, 300, 7), spread(values, names, 300, 8))


def test_a_fixed_fraction_is_not_tuned():
    facts, curve = fixed(0.5, [case("a", 0.4)])
    assert facts["fraction"] == 0.5 and facts["curve"] == [] and facts["cases"] == ["a"]
    assert curve.empty and list(curve) == list(CURVE)


def test_maxima_of_cancers_and_of_breasts_without_one_stand_side_by_side():
    section = np.zeros((20, 20))
    section[4:8, 4:9] = 0.2
    ok = {"case": "T1", "status": "ok", "section": 5, "section_chosen_by": "readers", "fraction": 0.5}
    rows = [maxima.case_row(ok | {"voxels": 40, "section_maximum": 0.9}, {"networks": 3}, "P1", (0.5, 2.0))]
    rows.append(maxima.case_row({"case": "T2", "status": "excluded", "code": "too_dark"}, {}, "P2", None))
    about = {
        "cases": {"B2": {"section": 7, "fold": "1", "pixel_mm": [1.0, 0.5], "breast_maximum": 0.15}},
        "left_out": {"B1": "too_dark"},
    }
    rows += maxima.benign_rows(about, {"B2": section}, {"B1": "P3", "B2": "P4"}, 0.5, 0.95)
    table = maxima.table(rows).set_index("case")
    assert list(table.index) == ["T1", "T2", "B1", "B2"] and list(maxima.table(rows)) == list(maxima.MAXIMA)
    assert table.loc["T1", "area_mm2"] == 40 and table.loc["T1", "networks"] == 3
    assert table.loc["T1", "diameter_mm"] == pytest.approx(2 * np.sqrt(40 / np.pi))
    # A faint spot becomes a lesion all the same: the threshold is relative. Only the maximum tells.
    assert table.loc["B2", "voxels"] == 20 and table.loc["B2", "area_mm2"] == 10
    assert table.loc["B2", "section_maximum"] == pytest.approx(0.2) and "one network" in table.loc["B2", "note"]
    assert table.loc["B2", "breast_maximum"] == 0.15 and pd.isna(table.loc["T1", "breast_maximum"])
    for gone in ("T2", "B1"):
        assert pd.isna(table.loc[gone, "section_maximum"]) and table.loc[gone, "note"] == "left the study: too_dark"
    assert list(maxima.table([])) == list(maxima.MAXIMA) and maxima.table([]).empty
