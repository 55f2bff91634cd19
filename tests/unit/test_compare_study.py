from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

from radparity.compare.bracket import bracket
from radparity.compare.columns import LOCATED
from radparity.compare.effect import vargha_delaney_interval
from radparity.compare.located import compare_located
from radparity.compare.margin import margin_test, robust_t
from radparity.compare.scores import dice
from radparity.compare.study import COLUMNS, Case, Settings, compare
from radparity.consensus import leave_one_out
from radparity.region import readers_box

READERS = ("R1", "R2", "R3", "R4")
QUICK = Settings(draws=200)


@pytest.fixture(autouse=True)
def warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def disk(centre: tuple[float, float], radius: float) -> np.ndarray:
    rows, columns = np.ogrid[:24, :24]
    return (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2


def simulated(n: int, seed: int = 0, shrink: float = 0.0) -> list[Case]:
    """Discs outlined by four jittery readers and a network that may be too small; two cases a patient."""
    generator = np.random.default_rng(seed)

    def outline(smaller: float = 0.0) -> np.ndarray:
        shift = generator.normal(0, 0.4, 2)
        return disk((12 + shift[0], 12 + shift[1]), 7 + generator.normal(0, 0.3) - smaller)

    return [Case(f"c{i}", f"p{i // 2}", outline(shrink), {k: outline() for k in READERS}) for i in range(n)]


def equivalence(cases: list[Case], settings: Settings = QUICK) -> pd.DataFrame:
    return compare(cases, settings)["equivalence"].set_index("test")


def test_columns_explain_every_column_of_every_table_in_order() -> None:
    tables = compare(simulated(6), QUICK)
    assert list(tables) == list(COLUMNS)
    for name, table in tables.items():
        assert list(table.columns) == list(COLUMNS[name])
    json.dumps(COLUMNS)


@pytest.mark.parametrize("n", [1, 2, 12])
@pytest.mark.parametrize("rule", ["intersection", "union", "majority"])
def test_few_cases_give_numbers_but_no_verdict(n: int, rule: str) -> None:
    tables = compare(simulated(n), Settings(rule=rule, draws=200))  # type: ignore[arg-type]
    assert tables["main"]["n"].tolist() == [n] * 5
    assert tables["main"]["mean_difference"].notna().all()
    table = tables["equivalence"].set_index("test")
    for test in ("margin", "patient-robust t"):
        assert table.loc[test, ["verdict", "non_inferior"]].tolist() == ["too few cases", "too few cases"]


def test_a_network_like_the_readers_is_equivalent_and_a_small_one_inferior() -> None:
    good = equivalence(simulated(80))
    assert good.loc["margin", "verdict"] == "equivalent" and good.loc["bracket", "verdict"] == "not passed"
    assert equivalence(simulated(80, shrink=3.0)).loc["margin", "verdict"] == "inferior"
    assert (equivalence(simulated(80))["role"] == "primary").sum() == 1


def test_averages_and_medians_by_hand() -> None:
    tables = compare(simulated(20), QUICK)
    row = tables["main"].set_index("reference").loc["R2"]
    scores = tables["scores"].query("reference == 'R2'")
    x, y = scores["dice_network"], scores["dice_reader"]
    assert row["difference_of_medians"] == pytest.approx(x.median() - y.median())
    assert row["median_of_differences"] == pytest.approx((x - y).median())
    assert row["network_iqr"] == pytest.approx(x.quantile(0.75) - x.quantile(0.25))
    pivot = tables["scores"].pivot(index="case", columns="reference", values="dice_network").mean(axis=1)
    assert tables["cases"].set_index("case")["dice_network"].to_dict() == pytest.approx(pivot.to_dict())


def test_holm_spans_the_references_and_not_the_average() -> None:
    main = compare(simulated(30, shrink=0.3), QUICK)["main"].set_index("reference")
    assert np.isnan(main.loc["averaged", "holm_p"])
    smallest = main.loc[list(READERS), "wilcoxon_p"].astype(float).idxmin()
    assert main.loc[smallest, "holm_p"] == pytest.approx(min(1, 4 * main.loc[smallest, "wilcoxon_p"]))


def test_tails_show_failures_that_medians_hide() -> None:
    cases = simulated(60)
    for i in range(9):
        cases[i] = Case(cases[i].case, cases[i].patient, np.zeros((24, 24), bool), cases[i].readers)
    tables = compare(cases, QUICK)
    tails = tables["tails"].set_index(["rater", "reference"])
    assert tails.loc[("network", "averaged"), "share_under_half"] == 9 / 60
    assert tails.loc[("network", "averaged"), "percentile_5"] == 0
    assert tails.loc[("readers", "averaged"), "share_under_half"] == 0
    assert len(tails) == 2 + 2 * len(READERS)
    assert tables["main"]["unusable_pairs"].sum() == 0


@pytest.mark.parametrize("n", [3, 60])
def test_a_network_that_copies_a_reference_pattern_gives_all_equal_differences(n: int) -> None:
    mask, half = disk((12, 12), 6), disk((12, 12), 6) & (np.arange(24) < 12)
    for network in (mask, half):
        cases = [Case(str(i), f"p{i}", network, dict.fromkeys(READERS, mask)) for i in range(n)]
        tables = compare(cases, QUICK)
        row = tables["equivalence"].set_index("test").loc["margin"]
        assert row["low"] == pytest.approx(row["high"])
        expected = "equivalent" if network is mask else "inferior"
        assert row["verdict"] == (expected if n == 60 else "too few cases")
    assert tables["main"]["mean_difference"].nunique() == 1


def test_cases_without_any_reference_leave_and_are_counted() -> None:
    cases = simulated(12)
    blank = np.zeros((24, 24), bool)
    for i in (0, 5):
        cases[i] = Case(cases[i].case, cases[i].patient, cases[i].network, dict.fromkeys(READERS, blank))
    tables = compare(cases, QUICK)
    averaged = tables["main"].set_index("reference").loc["averaged"]
    assert (averaged["n"], averaged["cases_left_out"], averaged["unusable_pairs"]) == (10, 2, 8)
    assert "reference R1: R2+R3+R4: 2" in averaged["emptied_by"]
    assert len(tables["cases"]) == 12 and (tables["cases"]["references_used"] == 0).sum() == 2
    without = compare([case for i, case in enumerate(cases) if i not in (0, 5)], QUICK)
    statistics = ["n", "mean_difference", "wilcoxon_p", "a_low"]
    pd.testing.assert_frame_equal(tables["main"][statistics], without["main"][statistics], rtol=1e-12)


@pytest.mark.parametrize("n", [1, 60])
def test_a_study_without_a_single_reference_still_answers(n: int) -> None:
    blank = np.zeros((4, 4), bool)
    cases = [Case(str(i), str(i), ~blank, dict.fromkeys(READERS, blank)) for i in range(n)]
    tables = compare(cases, QUICK)
    assert (tables["main"]["n"] == 0).all() and tables["main"]["wilcoxon_p"].isna().all()
    table = tables["equivalence"].set_index("test")
    assert table["verdict"].to_dict() == {
        "margin": "too few cases",
        "bracket": "not testable",
        "patient-robust t": "too few cases",
    }
    zero = compare(cases, Settings(empty="zero", draws=200))
    assert (zero["main"]["n"] == n).all() and (zero["scores"]["dice_network"] == 0).all()


def test_same_input_same_tables_to_the_last_bit() -> None:
    first, second = compare(simulated(10), QUICK), compare(simulated(10), QUICK)
    for name in COLUMNS:
        pd.testing.assert_frame_equal(first[name], second[name], check_exact=True)


def test_both_ways_of_counting_cases_are_reported() -> None:
    twins = [
        Case(f"{case.case}{copy}", case.patient, case.network, case.readers)
        for case in simulated(80, shrink=0.6)
        for copy in "abc"
    ]
    table = equivalence(twins, Settings(draws=1000, margin=0.01))
    once = equivalence(simulated(80, shrink=0.6), Settings(draws=1000, margin=0.01))
    # copying every case adds nothing to what the patients show
    assert table.loc["patient-robust t", "p_by_patient"] == pytest.approx(once.loc["patient-robust t", "p_by_patient"])
    assert table.loc["patient-robust t", "p_cases"] != pytest.approx(once.loc["patient-robust t", "p_cases"])


def test_equivalence_rows_are_the_tests_with_these_settings() -> None:
    settings = Settings(margin=0.02, alpha=0.1, draws=300, seed=7, minimum_cases=20)
    tables = compare(simulated(30, shrink=0.3), settings)
    table, cases = tables["equivalence"].set_index("test"), tables["cases"]
    difference, patients, own = cases["difference"], cases["patient"], cases["case"]
    limits = {"margin": 0.02, "alpha": 0.1, "minimum_cases": 20}
    for row, test in (
        ("margin", partial(margin_test, draws=300, seed=7, **limits)),
        ("patient-robust t", partial(robust_t, **limits)),
    ):
        by_patient, by_case = test(difference, patients), test(difference, own)
        assert by_patient.low != by_case.low
        assert table.loc[row, ["low", "high"]].tolist() == [by_patient.low, by_patient.high]
        assert table.loc[row, ["p_by_patient", "p_cases"]].tolist() == [by_patient.p, by_case.p]
        assert table.loc[row, "verdict"] == by_patient.verdict != "too few cases"
        assert table.loc[row, ["margin", "level"]].tolist() == [0.02, 0.8]
    paper = bracket(tables["scores"], anonymous=False, alpha=0.1)
    assert paper.p != paper.p_by_patient
    assert table.loc["bracket", ["p_by_patient", "p_cases"]].tolist() == [paper.p_by_patient, paper.p]
    assert paper.lowest in table.loc["bracket", "detail"] and paper.highest in table.loc["bracket", "detail"]
    row, pairs = tables["main"].set_index("reference").loc["R1"], tables["scores"].query("reference == 'R1'")
    interval = vargha_delaney_interval(
        pairs["dice_reader"], pairs["dice_network"], pairs["patient"], alpha=0.1, draws=300, seed=7
    )
    assert (row["a_low"], row["a_high"]) == interval


def test_a_dice_of_exactly_one_half_is_not_under_it() -> None:
    reference = np.arange(24 * 24).reshape(24, 24) < 100
    network = np.arange(24 * 24).reshape(24, 24) < 300
    tails = compare([Case("c", "p", network, dict.fromkeys(READERS, reference))], QUICK)["tails"]
    assert tails.loc[0, ["percentile_5", "share_under_half"]].tolist() == [0.5, 0.0]


def test_majority_of_three_readers_says_that_it_is_the_intersection() -> None:
    three = [Case(c.case, c.patient, c.network, {k: c.readers[k] for k in READERS[:3]}) for c in simulated(4)]
    assert "intersection" in compare(three, Settings(rule="majority", draws=200))["main"]["note"].iloc[1]
    assert "majority" not in compare(simulated(4), Settings(rule="majority", draws=200))["main"]["note"].iloc[1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"rule": "mean"},
        {"empty": "keep"},
        {"margin": 0.0},
        {"margin": 5},
        {"alpha": 0.5},
        {"draws": 10},
        {"seed": -1},
    ],
)
def test_settings_refuse_nonsense_by_name(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings(**wrong)  # type: ignore[arg-type]


def located(n: int, seed: int = 0) -> tuple[list[Case], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Baseline cases, a network that is right but adds a false spot in a corner, and the readers' boxes."""
    cases = simulated(n, seed, shrink=2.0)
    networks = {case.case: disk((12, 12), 7) for case in cases}
    for mask in networks.values():
        mask[:2, :2] = True
    return cases, networks, {case.case: readers_box(case.readers.values(), (2.0, 2.0)) for case in cases}


def test_inside_the_box_readers_and_baseline_keep_their_scores_and_the_network_loses_its_false_spot() -> None:
    cases, networks, boxes = located(24)
    table = compare_located(cases, networks, boxes, QUICK).set_index(["reference", "rater"])
    main = compare(cases, QUICK)["main"].set_index("reference")
    clean = [replace(case, network=disk((12, 12), 7)) for case in cases]
    spotless = compare(clean, QUICK)["main"].set_index("reference")
    for reference in ("averaged", *READERS):
        rows, reader = table.loc[reference], "readers" if reference == "averaged" else reference
        assert rows.index.tolist() == ["baseline", "network", reader]
        # Nothing of the readers or of the baseline lies outside the box, so the whole section's figures must come back.
        assert rows.loc["baseline", "median"] == main.loc[reference, "network_median"]
        assert rows.loc[reader, "median"] == main.loc[reference, "reader_median"]
        assert rows.loc["baseline", "minus_readers"] == pytest.approx(main.loc[reference, "mean_difference"])
        assert rows.loc["network", "median"] == spotless.loc[reference, "network_median"]
        assert rows.loc[reader, "q75"] - rows.loc[reader, "q25"] == pytest.approx(main.loc[reference, "reader_iqr"])
    outside = [replace(case, network=networks[case.case]) for case in cases]
    spotted = compare(outside, QUICK)["main"].set_index("reference")["network_median"]
    assert table.loc[("averaged", "network"), "median"] > spotted["averaged"]
    assert list(table.reset_index()[list(LOCATED)]) == list(LOCATED)
    assert table["note"].str.contains("location given").all()


def test_located_differences_are_paired_and_have_the_margin_tests_interval() -> None:
    cases, networks, boxes = located(16)
    rows = compare_located(cases, networks, boxes, QUICK).set_index(["reference", "rater"]).loc["averaged"]
    by_hand = []
    for case in cases:
        references = leave_one_out(case.readers)
        scores = [[dice(mask, ref) for ref in references.values()] for mask in (case.network, disk((12, 12), 7))]
        by_hand.append(np.mean(scores[0]) - np.mean(scores[1]))
    test = margin_test(by_hand, [case.patient for case in cases], draws=200)
    assert rows.loc["baseline", ["minus_network", "minus_network_low", "minus_network_high"]].tolist() == (
        pytest.approx([test.estimate, test.low, test.high])
    )
    assert np.isnan(rows.loc["network", "minus_network"]) and np.isnan(rows.loc["readers", "minus_readers"])
    assert rows.loc["readers", "minus_network"] == pytest.approx(-rows.loc["network", "minus_readers"])


def test_a_network_that_looks_elsewhere_is_empty_in_the_box_and_scores_nothing() -> None:
    cases, networks, boxes = located(4)
    elsewhere = {case: np.zeros_like(mask) for case, mask in networks.items()}
    for mask in elsewhere.values():
        mask[:2, :2] = True
    rows = compare_located(cases, elsewhere, boxes, QUICK).set_index(["reference", "rater"])
    assert rows.loc[("averaged", "network"), ["n", "median", "q75"]].tolist() == [4, 0, 0]


def test_located_without_cases_or_references_has_its_columns_and_no_figures() -> None:
    assert list(compare_located([], {}, {}, QUICK)) == list(LOCATED)
    blank = np.zeros((24, 24), bool)
    cases = [Case("c", "p", ~blank, {k: disk((3 + 6 * i, 12), 2) for i, k in enumerate(READERS)})]
    table = compare_located(cases, {"c": ~blank}, {"c": ~blank}, QUICK)
    assert (table["n"] == 0).all() and table["median"].isna().all()


def test_arms_beside_the_primary_one_are_exploratory_and_say_where_the_location_is_given() -> None:
    tables = compare(simulated(6), Settings(draws=200, role="exploratory", location_given=True))
    assert "primary" not in tables["equivalence"]["role"].tolist()
    assert tables["main"]["note"].str.contains("location given").all()
    assert tables["equivalence"]["claim"].str.contains("location given").all()
    plain = compare(simulated(6), QUICK)
    pd.testing.assert_frame_equal(plain["main"].drop(columns="note"), tables["main"].drop(columns="note"))
    assert not plain["main"]["note"].str.contains("location given").any()
