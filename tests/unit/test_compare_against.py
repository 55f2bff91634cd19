"""Network against one or two raters' reference: numbers by hand, intervals that cover, and no claim anywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radparity.compare.against import against_in_full, pairs_of
from radparity.compare.against_columns import ALL_ALIKE, COLUMNS, DESCRIPTIVE, ESTIMATE, NO_INTERVAL
from radparity.compare.columns import FEW_TABLES
from radparity.compare.intervals import mean_interval, median_interval
from radparity.compare.scores import Case
from radparity.compare.settings import Settings
from radparity.raters import REFERENCE

SHAPE = (24, 30)
HOW = Settings(draws=300, minimum_cases=5)


def square(row: int, column: int, side: int) -> np.ndarray:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[row : row + side, column : column + side] = True
    return mask


def case(name: str, network: np.ndarray, *outlines: np.ndarray, patient: str | None = None) -> Case:
    readers = {f"R{k}": mask for k, mask in enumerate(outlines, start=1)}
    return Case(name, patient or f"p{name}", network, readers, (2.0, 0.5))


def some(count: int, raters: int, seed: int = 0) -> list[Case]:
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        row, column = rng.integers(2, 8, 2)
        outlines = [square(row + rng.integers(0, 2), column, int(rng.integers(4, 8))) for _ in range(raters)]
        network = square(row, column + rng.integers(0, 3), int(rng.integers(4, 8)))
        found.append(case(f"c{number:02d}", network, *outlines, patient=f"p{number // 2}"))
    return found


def voxels(mask: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(map(int, where)) for where in np.argwhere(mask)}


def dice_of_sets(one: set, other: set) -> float:
    return 2 * len(one & other) / (len(one) + len(other))


@pytest.mark.parametrize("raters, rule", [(1, "intersection"), (2, "intersection"), (2, "union")])
def test_the_numbers_are_those_of_sets_of_voxels(raters: int, rule: str) -> None:
    cases = some(12, raters)
    tables = against_in_full(cases, Settings(draws=300, rule=rule))  # type: ignore[arg-type]
    expected = []
    for one in cases:
        drawn = [voxels(mask) for mask in one.readers.values()]
        reference = (
            drawn[0] if raters == 1 else (drawn[0] & drawn[1] if rule == "intersection" else drawn[0] | drawn[1])
        )
        expected.append(dice_of_sets(voxels(one.network), reference))
    np.testing.assert_allclose(tables["cases"]["dice_network"], expected)
    first = tables["main"].iloc[0]
    assert (first["rater"], first["reference"], first["n"], first["patients"]) == ("network", REFERENCE, 12, 6)
    assert first["mean"] == pytest.approx(np.mean(expected)) and first["median"] == pytest.approx(np.median(expected))
    assert first["mean_low"] < first["mean"] < first["mean_high"] and first["level"] == 0.95
    assert first["median_low"] <= first["median"] <= first["median_high"]
    assert first["note"] == ESTIMATE and set(tables["main"]["note"][1:]) <= {DESCRIPTIVE}


def test_two_raters_are_shown_against_the_network_and_each_other() -> None:
    one = case("a", square(2, 2, 6), square(2, 3, 6), square(3, 2, 6))
    main = against_in_full([one, case("b", *[square(4, 4, 5)] * 3)], HOW)["main"]
    rows = {(row["rater"], row["reference"]): row["mean"] for row in main.to_dict("records")}
    assert list(rows) == [("network", "reference"), ("network", "R1"), ("network", "R2"), ("R1", "R2")]
    assert rows["R1", "R2"] == pytest.approx((dice_of_sets(voxels(square(2, 3, 6)), voxels(square(3, 2, 6))) + 1) / 2)
    assert [pair[:2] for pair in pairs_of(case("c", square(1, 1, 3), square(1, 1, 3)), "union")] == [
        ("network", "reference")
    ]


def test_every_table_has_the_columns_that_are_explained_and_claims_nothing() -> None:
    for raters in (1, 2):
        tables = against_in_full(some(8, raters), HOW, {"type": {f"c{n:02d}": "ab"[n % 2] for n in range(8)}})
        assert set(tables) == set(COLUMNS) == set(FEW_TABLES)
        for name, table in tables.items():
            assert list(table.columns) == list(COLUMNS[name]), name
            assert len(table), name
            said = " ".join([*table.columns, *table.select_dtypes(["object", "string"]).astype(str).to_numpy().ravel()])
            assert not any(word in said for word in ("equivalen", "wilcoxon", "p_by_", "superior", "consensus")), name
        assert set(tables["size_summary"]["against"]) <= {"R1", "R2"}
    empty = against_in_full([], HOW)
    assert {name: list(table.columns) for name, table in empty.items()} == {n: list(c) for n, c in COLUMNS.items()}


def test_an_empty_reference_leaves_and_an_empty_network_scores_zero() -> None:
    nothing = np.zeros(SHAPE, dtype=bool)
    apart = case("b", square(2, 2, 4), square(2, 2, 4), square(12, 12, 4))  # the two share no voxel
    cases = [case("a", nothing, square(2, 2, 4), square(2, 2, 4)), apart]
    cases.append(case("c", *[square(5, 5, 4)] * 3))
    tables = against_in_full(cases, HOW)
    assert tables["cases"].set_index("case")["references_used"].to_dict() == {"a": 1, "b": 0, "c": 1}
    first = tables["main"].iloc[0]
    assert (first["n"], first["cases_left_out"], first["missed"], first["mean"]) == (2, 1, 1, 0.5)
    apart_mm = tables["distance_summary"].iloc[0]
    assert (apart_mm["missed"], apart_mm["mean"]) == (1, 0.0)
    assert tables["outliers"]["case"].tolist() == ["a", "c"]
    zero = against_in_full(cases, Settings(draws=300, empty="zero"))["main"].iloc[0]
    assert (zero["n"], zero["mean"]) == (3, pytest.approx(1 / 3))


def test_cases_found_are_counted_and_certainty_is_not_invented() -> None:
    hit, miss = (square(2, 2, 5), square(2, 2, 5)), (square(14, 14, 5), square(2, 2, 5))
    found = against_in_full([case(f"c{n}", *(hit if n else miss)) for n in range(4)], HOW)["detection_summary"].iloc[0]
    assert (found["n"], found["cases_found"], found["rate"], found["false_positives"]) == (4, 3, 0.75, 1)
    assert found["low"] < 0.75 < found["high"]
    all_found = against_in_full([case(f"c{n}", *hit) for n in range(4)], HOW)
    row = all_found["detection_summary"].iloc[0]
    assert row["note"] == ALL_ALIKE and row["high"] == 1.0 and row["low"] < 0.6
    assert np.isnan(all_found["main"].iloc[0]["mean_low"]) and NO_INTERVAL in all_found["main"].iloc[0]["note"]


def test_the_lowest_are_listed_and_subgroups_hold_their_cases() -> None:
    cases = some(10, 1)
    values = {one.case: ("x" if k < 4 else "") for k, one in enumerate(cases)}
    tables = against_in_full(cases, Settings(draws=300, outliers=3), {"type": values})
    by_dice = tables["cases"].sort_values(["dice_network", "case"])["case"].tolist()
    assert tables["outliers"]["case"].tolist() == by_dice[:3]
    own = tables["subgroups"][tables["subgroups"]["subgroup"] == "type"].set_index("value")
    assert own["n"].to_dict() == {"x": 4, "": 6}
    assert own.loc["x", "mean"] == pytest.approx(tables["cases"]["dice_network"][:4].mean())
    with pytest.raises(ValueError, match="rename that column"):
        against_in_full(cases, HOW, {"size": values})


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="each of them once"):
        against_in_full([some(1, 1)[0]] * 2, HOW)
    named = Case("a", "p", square(1, 1, 3), {"reference": square(1, 1, 3)})
    with pytest.raises(ValueError, match="may not be called 'reference'"):
        against_in_full([named], HOW)
    with pytest.raises(ValueError, match="the first case by"):
        against_in_full([some(2, 1)[0], some(2, 2)[1]], HOW)
    with pytest.raises(ValueError, match="one or two raters"):
        against_in_full(some(3, 3), HOW)
    with pytest.raises(ValueError, match="needs three raters"):
        against_in_full(some(3, 2), Settings(rule="majority"))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0.1, 0.4, 0.7, np.inf]), st.integers(0, 8)), min_size=2, max_size=24),
    st.integers(0, 99),
)
def test_the_median_interval_is_that_of_patients_drawn_one_by_one(rows: list[tuple[float, int]], seed: int) -> None:
    """Every draw made the slow way: the patients' values laid end to end, their median taken."""
    values, patients = np.array([value for value, _ in rows]), np.array([f"p{who}" for _, who in rows])
    names, draws = np.unique(patients), 150
    found = median_interval(values, patients, draws=draws, seed=seed)
    if len(names) < 6:
        assert np.isnan(found).all()
        return
    medians = []
    for chosen in np.random.default_rng(seed).integers(0, len(names), size=(draws, len(names))):
        laid = np.sort(np.concatenate([values[patients == names[k]] for k in chosen]))
        middle = laid[[(len(laid) - 1) // 2, len(laid) // 2]]
        medians.append(middle[0] if middle[0] == middle[1] else middle.mean())
    ordered = np.sort(medians)
    assert found == (ordered[round(0.025 * (draws - 1))], ordered[round(0.975 * (draws - 1))])


def test_the_intervals_cover_over_patients_and_not_over_cases() -> None:
    """Four cases a patient, alike within her: nominal 95 % over patients is kept; with cases independent it is not."""
    rng = np.random.default_rng(5)
    trials, patients, each = 250, 40, 4
    names = np.repeat([f"p{k:02d}" for k in range(patients)], each)
    alone = np.array([f"c{k:03d}" for k in range(patients * each)])
    inside = {"mean": 0, "mean of cases": 0, "median": 0, "median of cases": 0}
    for trial in range(trials):
        # Skewed, as Dice is; symmetric around its median before the logistic, so the truth of both is known.
        logit = 1.2 + np.repeat(rng.normal(0, 0.9, patients), each) + rng.normal(0, 0.4, patients * each)
        values = 1 / (1 + np.exp(-logit))
        for who, clusters in (("", names), (" of cases", alone)):
            low, high = mean_interval(values, clusters, draws=400, seed=trial)
            inside[f"mean{who}"] += low <= TRUE_MEAN <= high
            low, high = median_interval(values, clusters, draws=400, seed=trial)
            inside[f"median{who}"] += low <= 1 / (1 + np.exp(-1.2)) <= high
    covered = {name: count / trials for name, count in inside.items()}
    assert covered["mean"] == pytest.approx(0.95, abs=0.035) and covered["median"] == pytest.approx(0.95, abs=0.04)
    assert covered["mean of cases"] < 0.8 and covered["median of cases"] < 0.85, covered


def _true_mean() -> float:
    """Mean of the logistic of a normal variable, by quadrature: nothing of what is tested."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    spread = np.sqrt(0.9**2 + 0.4**2)
    return float(np.sum(weights / (1 + np.exp(-(1.2 + spread * nodes)))) / np.sum(weights))


TRUE_MEAN = _true_mean()


def test_the_mean_interval_stays_in_bounds_and_needs_two_patients_who_differ() -> None:
    low, high = mean_interval([0.0, 1.0, 1.0], ["a", "b", "c"], draws=300)
    assert 0 <= low < high <= 1
    for values, patients in (([0.5], ["a"]), ([0.5, 0.7], ["a", "a"]), ([0.5, 0.5], ["a", "b"]), ([], [])):
        assert np.isnan(mean_interval(values, patients, draws=100)).all()
