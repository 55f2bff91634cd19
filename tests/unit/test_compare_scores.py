from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from radparity.compare.scores import Case, averaged, dice, empties, score

masks = hnp.arrays(bool, (3, 4))


@given(masks, masks)
def test_dice_is_symmetric_and_within_0_and_1(one: np.ndarray, two: np.ndarray) -> None:
    forth, back = dice(one, two, "zero"), dice(two, one, "zero")
    assert forth == back
    assert 0 <= forth <= 1
    assert (forth == 1) == (bool(one.any()) and np.array_equal(one, two))


@given(masks, masks)
def test_dice_by_counting(one: np.ndarray, two: np.ndarray) -> None:
    a, b = set(map(tuple, np.argwhere(one))), set(map(tuple, np.argwhere(two)))
    if b:
        assert dice(one, two) == pytest.approx(2 * len(a & b) / (len(a) + len(b)), abs=1e-15)
    else:
        assert np.isnan(dice(one, two))


def test_empty_mask_policy() -> None:
    full, empty = np.ones((2, 2), bool), np.zeros((2, 2), bool)
    assert dice(empty, full, "drop") == dice(empty, full, "zero") == 0.0
    assert np.isnan(dice(full, empty, "drop")) and np.isnan(dice(empty, empty, "drop"))
    assert dice(full, empty, "zero") == dice(empty, empty, "zero") == 0.0


def test_dice_refuses_what_it_would_misread() -> None:
    mask = np.ones((2, 2), bool)
    with pytest.raises(TypeError, match="boolean"):
        dice(mask.astype(np.uint8), mask)
    with pytest.raises(ValueError, match="one grid"):
        dice(np.ones((1, 2), bool), mask)
    with pytest.raises(ValueError, match="drop, zero"):
        dice(mask, mask, "keep")  # type: ignore[arg-type]


def square(*rows: int) -> np.ndarray:
    mask = np.zeros((4, 4), bool)
    mask[list(rows)] = True
    return mask


def study() -> list[Case]:
    plain = Case("c1", "p1", square(1), {"A": square(1, 2), "B": square(1), "C": square(1, 2, 3)})
    blank = Case("c2", "p1", square(1), {"A": square(1), "B": square(), "C": square(1, 2)})
    apart = Case("c3", "p2", square(), {"A": square(0), "B": square(1), "C": square(2)})
    return [plain, blank, apart]


def test_score_table_by_hand() -> None:
    table = score(study()).set_index(["case", "reference"])
    assert len(table) == 9
    # reference of A is B and C (row 1); of C it is A and B (row 1)
    assert table.loc[("c1", "A"), "dice_network"] == 1.0
    assert table.loc[("c1", "A"), "dice_reader"] == pytest.approx(2 / 3)
    assert table.loc[("c1", "C"), "dice_reader"] == pytest.approx(1 / 2)
    assert table.loc[("c1", "B"), "reference_voxels"] == 8
    # B is blank: references of A and C are empty through B, and B scores 0 on its own
    assert table.loc[("c2", "A"), ["usable", "emptied_by"]].tolist() == [False, "B"]
    assert table.loc[("c2", "C"), ["usable", "emptied_by"]].tolist() == [False, "B"]
    assert table.loc[("c2", "B"), ["usable", "dice_network", "dice_reader"]].tolist() == [True, 1.0, 0.0]
    assert (table.loc["c3", "emptied_by"] == "no overlap").all()
    assert table.loc["c3", ["dice_network", "dice_reader"]].isna().all(axis=None)


def test_averages_over_usable_references_only_and_counts_the_rest() -> None:
    table = averaged(score(study())).set_index("case")
    assert table["references_used"].to_dict() == {"c1": 3, "c2": 1, "c3": 0}
    assert table.loc["c2", "difference"] == 1.0
    assert np.isnan(table.loc["c3", "difference"])
    assert table.loc["c1", "dice_reader"] == pytest.approx((2 / 3 + 2 / 3 + 1 / 2) / 3)
    assert table["patient"].tolist() == ["p1", "p1", "p2"]


def test_zero_policy_keeps_every_pair_and_still_counts_empties() -> None:
    scores = score(study(), empty="zero")
    assert scores["usable"].all() and scores["dice_network"].notna().all()
    assert averaged(scores)["references_used"].tolist() == [3, 3, 3]
    counted = empties(scores).set_index("reference")
    assert counted["empty"].to_dict() == {"A": 2, "B": 1, "C": 2}
    assert counted.loc["A", "emptied_by"] == "B: 1; no overlap: 1"


def test_an_empty_network_loses_but_is_not_dropped() -> None:
    readers = {"A": square(1), "B": square(1), "C": square(1)}
    scores = score([Case("c", "p", square(), readers)])
    assert scores["usable"].all() and (scores["dice_network"] == 0).all() and (scores["dice_reader"] == 1).all()


def test_works_in_three_dimensions() -> None:
    volume = np.zeros((3, 4, 5), bool)
    volume[1, 1:3, 1:3] = True
    scores = score([Case("c", "p", volume, {"A": volume, "B": volume})])
    assert (scores["dice_network"] == 1).all() and (scores["reference_voxels"] == 4).all()


@given(st.permutations([0, 1, 2]))
def test_scores_do_not_depend_on_the_order_of_cases(order: list[int]) -> None:
    cases = study()
    shuffled = score([cases[i] for i in order]).sort_values(["case", "reference"], ignore_index=True)
    assert shuffled.equals(score(cases).sort_values(["case", "reference"], ignore_index=True))


def test_what_is_refused_names_the_case() -> None:
    plain = study()[0]
    two_readers = Case("c2", "p", plain.network, {"A": square(1), "B": square(1)})
    small = Case("c3", "p", np.ones((2, 2), bool), plain.readers)
    for cases, text in (
        ([], "no cases"),
        ([plain, plain], "c1 is there twice"),
        ([plain, two_readers], "case c2 has readers"),
        ([plain, small], "case c3: .*one grid"),
        ([Case("c", "p", plain.network, {"network": square(1), "B": square(1)})], "'network'"),
    ):
        with pytest.raises(ValueError, match=text):
            score(cases)
