from __future__ import annotations

from dataclasses import replace

import lidc
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from statsmodels.stats.proportion import proportion_confint

from radparity.compare.detection import (
    COLUMNS,
    SUMMARY,
    detect,
    detection_summary,
    detection_table,
    wilson,
)
from radparity.compare.lesions import components, lesions_of
from radparity.compare.scores import Case

NO_DEADLINE = settings(deadline=None)  # a busy machine is no fault of the code

shapes = st.one_of(st.just((6, 7)), st.just((3, 4, 4)))
pairs = shapes.flatmap(lambda shape: hnp.arrays(bool, (2, *shape), elements=st.sampled_from([False, False, True])))


def islands(mask: np.ndarray) -> list[set[tuple[int, ...]]]:
    """Components by walking from voxel to voxel; every voxel that differs by at most 1 in each index is a neighbour."""
    left, found = set(map(tuple, np.argwhere(mask).tolist())), []
    while left:
        island, edge = set(), {left.pop()}
        while edge:
            island |= edge
            edge = {v for v in left if any(max(abs(a - b) for a, b in zip(v, w, strict=True)) <= 1 for w in edge)}
            left -= edge
        found.append(island)
    return found


@NO_DEADLINE
@given(pairs, st.sampled_from([0.1, 0.25, 0.5, 1.0]))
def test_against_sets_of_voxels(pair: np.ndarray, overlap: float) -> None:
    ours, lesions = (islands(mask) for mask in pair)

    def finds(one: set, lesion: set) -> bool:
        return len(one & lesion) / len(one | lesion) >= overlap

    false = [one for one in ours if not any(finds(one, lesion) for lesion in lesions)]
    found = sum(any(finds(one, lesion) for one in ours) for lesion in lesions)
    touching = sum(any(one & lesion for lesion in lesions) for one in false)
    assert components(pair[0])[1] == len(ours)
    assert detect(*pair, overlap) == (len(lesions), found, len(ours), len(false), touching)


def planted(*boxes: tuple[slice, ...], shape: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    for each in boxes:
        mask[each] = True
    return mask


@pytest.mark.parametrize("sections", [None, 5])
def test_one_found_one_missed_one_false(sections: int | None) -> None:
    deep = () if sections is None else (slice(1, 3),)
    shape = (20, 20) if sections is None else (sections, 20, 20)
    first, second = (*deep, slice(1, 6), slice(1, 6)), (*deep, slice(12, 16), slice(12, 16))
    elsewhere = (*deep, slice(1, 4), slice(14, 18))
    truth = planted(first, second, shape=shape)
    case = Case("c", "p", planted(first, elsewhere, shape=shape), dict.fromkeys("abc", truth))
    table = detection_table([case], overlap=0.1)
    assert list(table.columns) == list(COLUMNS)
    network, readers = table[table["rater"] == "network"], table[table["rater"] != "network"]
    assert network["reference"].tolist() == ["all", "a", "b", "c"] and readers["reference"].tolist() == list("abc")
    counts = ["lesions", "found", "false_positives", "touching"]
    assert network[counts].to_numpy().tolist() == [[2, 1, 1, 0]] * 4
    assert readers[counts].to_numpy().tolist() == [[2, 2, 0, 0]] * 3
    rows = detection_summary(table, draws=100)
    assert rows["false_positives_per_section"].tolist()[0] == (1 if sections is None else 1 / 5)
    assert rows.loc[0, "sensitivity"] == 0.5 and "two patients" in rows.loc[0, "note"]


def test_corners_join_and_gaps_part_in_a_volume() -> None:
    mask = np.zeros((3, 3, 3), bool)
    mask[0, 0, 0] = mask[1, 1, 1] = True
    assert components(mask)[1] == 1
    mask[1, 1, 1], mask[2, 2, 2] = False, True
    assert components(mask)[1] == 2


def test_the_reference_is_strictly_more_than_half_of_the_readers() -> None:
    shape = (8, 8)
    lesion, none = planted((slice(2, 5), slice(2, 5)), shape=shape), np.zeros(shape, bool)
    half = Case("c", "p", lesion, {"a": lesion, "b": lesion, "c": none, "d": none})
    table = detection_table([half]).set_index(["reference", "rater"])
    assert table["lesions"].to_dict() == {
        ("all", "network"): 0,
        ("a", "network"): 0,
        ("a", "a"): 0,
        ("b", "network"): 0,
        ("b", "b"): 0,
        ("c", "network"): 1,
        ("c", "c"): 1,
        ("d", "network"): 1,
        ("d", "d"): 1,
    }
    rows = detection_summary(detection_table([half]), draws=100).set_index(["rater", "reference"])
    assert rows.loc[("network", "all"), ["n", "cases_left_out", "false_positives"]].tolist() == [0, 1, 0]
    assert np.isnan(rows.loc[("network", "all"), "sensitivity"]) and rows.loc[("c", "c"), "sensitivity"] == 0


def test_a_splinter_of_a_lesion_is_a_false_positive_that_touches() -> None:
    lesion = planted((slice(0, 10), slice(0, 10)), shape=(20, 20))
    splinter = planted((slice(0, 3), slice(0, 3)), shape=(20, 20))
    assert detect(splinter, lesion, 0.1) == (1, 0, 1, 1, 1)
    assert detect(splinter, lesion, 0.09) == (1, 1, 1, 0, 0)


@NO_DEADLINE
@given(st.integers(1, 400), st.data(), st.sampled_from([0.05, 0.1]))
def test_wilson_is_that_of_statsmodels(of: int, data: st.DataObject, alpha: float) -> None:
    found = data.draw(st.integers(0, of))
    assert wilson(found, of, alpha) == pytest.approx(proportion_confint(found, of, alpha, "wilson"), abs=1e-12)


def test_lidc_missed_nodules_are_counted_and_the_bootstrap_knows_patients() -> None:
    cases, none = list(lidc.cases()[:120]), np.zeros((96, 96), bool)
    whole = detection_summary(detection_table(cases), draws=200).set_index(["rater", "reference"])
    missed = [replace(case, network=none) if i % 4 == 0 else case for i, case in enumerate(cases)]
    rows = detection_summary(detection_table(missed), draws=2000, seed=1).set_index(["rater", "reference"])
    lost = whole["found"] - rows["found"]
    assert lost.xs("network").between(28, 34).all() and lost.sum() == lost.xs("network").sum()
    one = rows.loc[("network", "all")]
    assert one["bootstrap_low"] < one["sensitivity"] < one["bootstrap_high"]
    assert one["bootstrap_high"] - one["bootstrap_low"] == pytest.approx(
        one["wilson_high"] - one["wilson_low"], abs=0.05
    )
    together = detection_table([replace(case, patient=f"p{i % 4}") for i, case in enumerate(missed)])
    spread = detection_summary(together, draws=2000, seed=1).set_index(["rater", "reference"]).loc[("network", "all")]
    assert spread["bootstrap_high"] - spread["bootstrap_low"] > 2 * (one["bootstrap_high"] - one["bootstrap_low"])
    other_order = detection_summary(together.iloc[::-1], draws=2000, seed=1).set_index(["rater", "reference"])
    assert other_order.loc[("network", "all")].equals(spread)


def test_what_is_refused_and_no_case() -> None:
    with pytest.raises(ValueError, match="one grid"):
        detect(np.ones(3, bool), np.ones(4, bool))
    with pytest.raises(ValueError, match="above 0"):
        detect(np.ones(3, bool), np.ones(3, bool), 0.0)
    assert list(detection_table([]).columns) == list(COLUMNS)
    assert list(detection_summary(detection_table([])).columns) == list(SUMMARY)


@NO_DEADLINE
@given(
    hnp.arrays(bool, (12, 14), elements=st.sampled_from([False, False, True])),
    st.sampled_from([0.7, 1.5, 2.5, 6.0]),
)
def test_specks_of_a_rule_are_no_lesions_but_no_case_loses_its_own(mask: np.ndarray, step: float) -> None:
    case = Case("c", "p", mask, {"S": mask}, (step, step), by_rule=True)
    found = lesions_of(case, mask)
    sizes = {frozenset(island): len(island) * step**2 for island in islands(mask)}
    wanted = {island for island, area in sizes.items() if area >= np.pi * 2.5**2}
    if sizes and not wanted:
        assert len(left := islands(found)) == 1 and len(left[0]) * step**2 == max(sizes.values())
    else:
        assert set(map(frozenset, islands(found))) == wanted
    assert lesions_of(replace(case, by_rule=False), mask) is mask


def test_a_speck_is_neither_found_nor_missed_and_marking_it_is_false() -> None:
    outline, speck = np.zeros((40, 40), bool), np.zeros((40, 40), bool)
    outline[5:15, 5:15], speck[30, 30] = True, True
    readers = {name: outline | speck for name in ("A", "B", "C")}
    drawn = Case("c", "p", outline | speck, readers, (0.7, 0.7))
    for by_rule, lesions, false in ((False, 2, 0), (True, 1, 1)):
        rows = detection_table([replace(drawn, by_rule=by_rule)])
        assert (rows["lesions"] == lesions).all() and (rows["found"] == lesions).all()
        assert (rows["false_positives"] == false).all()
