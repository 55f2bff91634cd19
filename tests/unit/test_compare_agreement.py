from __future__ import annotations

from dataclasses import replace

import lidc
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from radparity.compare.agreement import COLUMNS, REFERENCES, agreement, between, references
from radparity.compare.scores import Case, score
from radparity.consensus import RULES

NO_DEADLINE = settings(deadline=None)  # a busy machine is no fault of the code


def test_pairwise_dice_is_that_stored_with_the_outlines() -> None:
    rows = agreement(lidc.cases()).set_index(["rater", "other"])
    assert [*rows.index.names, *rows.columns] == list(COLUMNS)
    stored = lidc.table()
    for one, other in ((1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)):
        pair = ("network", str(one)) if other == 4 else (str(one), str(other))
        dice = stored[f"dice_{one}{other}"]
        assert rows.loc[pair, ["mean", "median"]].tolist() == pytest.approx([dice.mean(), dice.median()], abs=1e-6)
        assert rows.loc[pair, ["q25", "q75"]].tolist() == pytest.approx(dice.quantile([0.25, 0.75]).tolist(), abs=1e-6)
    network = stored[["dice_14", "dice_24", "dice_34"]].mean(axis=1)
    second = stored[["dice_12", "dice_23"]].mean(axis=1)
    assert rows.loc[("network", "readers"), "median"] == pytest.approx(network.median(), abs=1e-6)
    assert rows.loc[("2", "readers"), "median"] == pytest.approx(second.median(), abs=1e-6)
    assert (rows["n"] == 456).all() and (rows["both_empty"] == 0).all() and (rows["note"] == "").all()


def test_four_readers_without_a_network_have_the_golden_medians() -> None:
    cases = [replace(case, readers={**case.readers, "4": case.network}) for case in lidc.cases()]
    table = references(cases, network=False)
    assert list(table.columns) == list(REFERENCES) and len(table) == 16 and (table["n"] == 456).all()
    golden = {
        "intersection": (0.8470, 0.8594, 0.8529, 0.8563),
        "union": (0.8712, 0.8653, 0.8754, 0.8653),
        "majority": (0.8828, 0.8847, 0.8926, 0.8876),
        "staple": (0.8838, 0.8847, 0.8926, 0.8876),
    }
    for rule, medians in golden.items():
        assert table.loc[table["rule"] == rule, "median"].tolist() == pytest.approx(medians, abs=5e-5)


def test_references_with_the_network_are_the_scores_of_the_comparison() -> None:
    cases = lidc.cases()[:40]
    table = references(cases).set_index(["rule", "reference", "rater"])
    for rule in RULES:
        scores = score(cases, rule)  # type: ignore[arg-type]
        for reader, own in scores.groupby("reference"):
            for rater, column in (("network", "dice_network"), (reader, "dice_reader")):
                row = table.loc[(rule, reader, rater)]
                assert (row["mean"], row["median"]) == pytest.approx((own[column].mean(), own[column].median()))
    majority, intersection = (table.xs(rule) for rule in ("majority", "intersection"))
    assert majority["note"].str.contains("their intersection").all() and (intersection["note"] == "").all()
    pd.testing.assert_frame_equal(majority.drop(columns="note"), intersection.drop(columns="note"))


masks = st.one_of(st.just((4, 5)), st.just((3, 3, 4))).flatmap(lambda shape: hnp.arrays(bool, (4, *shape)))


@NO_DEADLINE
@given(masks)
def test_between_is_symmetric_and_counts_voxels(stack: np.ndarray) -> None:
    one, other = stack[:2]
    if not (one.any() or other.any()):
        assert np.isnan(between(one, other))
    else:
        assert between(one, other) == between(other, one) == 2 * (one & other).sum() / (one.sum() + other.sum())


def test_empties() -> None:
    some, none = np.ones((2, 3, 4), bool), np.zeros((2, 3, 4), bool)
    cases = [
        Case("both", "p", none, {"a": none, "b": some, "c": some}),
        Case("one", "q", some, {"a": none, "b": some, "c": some}),
    ]
    rows = agreement(cases).set_index(["rater", "other"])
    assert rows.loc[("network", "a"), ["n", "both_empty", "mean"]].tolist() == [1, 1, 0]
    assert rows.loc[("network", "b"), ["n", "both_empty", "mean"]].tolist() == [2, 0, 0.5]
    assert rows.loc[("network", "readers"), "mean"] == pytest.approx((0 + 2 / 3) / 2)
    blank = [Case("c", "p", none, {"a": none, "b": none})]
    assert agreement(blank)["median"].isna().all() and (agreement(blank)["note"] != "").all()
    table = references(cases, rules=["intersection"]).set_index(["reference", "rater"])
    assert table["unusable"].to_dict() == {
        ("a", "network"): 0,
        ("a", "a"): 0,
        ("b", "network"): 2,
        ("b", "b"): 2,
        ("c", "network"): 2,
        ("c", "c"): 2,
    }
    zero = references(cases, rules=["intersection"], empty="zero").set_index(["reference", "rater"])
    assert zero.loc[("b", "b"), ["n", "mean"]].tolist() == [2, 0]


def test_other_readers_are_refused_and_no_case_has_a_header() -> None:
    some = np.ones((2, 2), bool)
    two = [Case("c", "p", some, {"a": some, "b": some}), Case("d", "p", some, {"a": some, "x": some})]
    for table in (agreement, references):
        with pytest.raises(ValueError, match="case d has readers"):
            table(two)
    assert list(agreement([]).columns) == list(COLUMNS) and list(references([]).columns) == list(REFERENCES)
