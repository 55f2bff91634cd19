"""Operating points on the test cases: against the comparison itself and against planted fractions."""

import numpy as np
import pytest

from radparity.compare.margin import margin_test
from radparity.compare.scores import Case, averaged, score
from radparity.compare.thresholds import COLUMNS, NO_RETUNING, thresholds
from radparity.segment import segment_section

HOW = {"draws": 300, "seed": 1, "alpha": 0.05}


def study(n=8, seed=0):
    generator = np.random.default_rng(seed)
    cases, sections = [], {}
    for k in range(n):
        index = np.indices((40, 40))
        centre, sigma = generator.uniform(16, 24, 2), generator.uniform(4, 7)
        section = 0.9 * np.exp(-sum((i - c) ** 2 for i, c in zip(index, centre, strict=True)) / (2 * sigma**2))
        readers = {f"R{r}": section >= f * 0.9 for r, f in enumerate(generator.uniform(0.25, 0.6, 4))}
        name = f"c{k}"
        cases.append(Case(name, f"p{k // 2}", np.zeros((40, 40), bool), readers, (1.0, 1.0)))
        sections[name] = section
    return cases, sections


def test_the_studys_own_point_is_the_comparison():
    cases, sections = study()
    table = thresholds(cases, sections, 0.3, {"union": 0.2, "majority": 0.35}, 0.95, **HOW)
    assert list(table) == list(COLUMNS)
    own = table.iloc[0]
    assert (own["reference"], own["operating_point"], own["role"]) == ("intersection", "study", "primary")
    assert (table["role"] == "primary").sum() == 1
    masked = [Case(c.case, c.patient, segment_section(sections[c.case], 0.3, 0.95), c.readers) for c in cases]
    wanted = averaged(score(masked))
    test = margin_test(wanted["difference"], wanted["patient"].to_numpy(), **HOW)
    assert own["mean_difference"] == pytest.approx(test.estimate) and own["low"] == pytest.approx(test.low)
    assert own["network_mean"] == pytest.approx(wanted["dice_network"].mean()) and own["change"] == 0
    assert own["n"] == 8 and own["patients"] == 4 and own["level"] == pytest.approx(0.9)


def test_each_reference_stands_at_the_studys_fraction_at_half_and_at_its_own():
    cases, sections = study()
    table = thresholds(cases, sections, 0.3, {"union": 0.2, "majority": 0.35}, 0.95, **HOW)
    points = {r: list(g["operating_point"]) for r, g in table.groupby("reference")}
    assert points == {
        "intersection": ["study", "half"],
        "union": ["study", "half", "retuned"],
        "majority": ["study", "half", "retuned"],
    }
    # No threshold moves the readers; the change is that of the network's mean.
    for _, rows in table.groupby("reference"):
        assert rows["reader_mean"].nunique() == 1
        change = rows["network_mean"] - rows["network_mean"].iloc[0]
        assert np.allclose(rows["change"].astype(float), change)


def test_a_larger_fraction_never_makes_the_mask_larger_so_union_suffers():
    cases, sections = study()
    table = thresholds(cases, sections, 0.25, {}, 0.95, **HOW).set_index(["reference", "operating_point"])
    assert table.loc[("union", "half"), "network_mean"] < table.loc[("union", "study"), "network_mean"]


def test_what_was_not_tuned_is_blank_and_says_why():
    cases, sections = study()
    table = thresholds(cases, sections, 0.5, {}, 0.95, **HOW)
    retuned = table[table["operating_point"] == "retuned"]
    assert len(retuned) == 2 and set(retuned["note"]) == {NO_RETUNING} and retuned["network_mean"].isna().all()


def test_without_a_case_there_is_a_header_and_a_case_without_a_map_is_a_bug():
    assert list(thresholds([], {}, 0.5, {}, 0.95)) == list(COLUMNS)
    assert thresholds([], {}, 0.5, {}, 0.95).empty
    cases, sections = study()
    with pytest.raises(KeyError, match="c0"):
        thresholds(cases, {k: v for k, v in sections.items() if k != "c0"}, 0.5, {}, 0.95, **HOW)


def test_a_map_without_signal_is_counted_as_an_empty_mask_with_dice_0():
    cases, sections = study(3)
    sections["c0"] = np.zeros((40, 40))
    table = thresholds(cases, sections, 0.3, {}, 0.95, **HOW)
    assert set(table["empty_masks"].dropna()) == {1} and table.iloc[0]["n"] == 3
