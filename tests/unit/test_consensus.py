from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from radparity.consensus import RULES, leave_one_out

stacks = st.integers(2, 6).flatmap(lambda readers: hnp.arrays(bool, (readers, 3, 4)))


def named(stack: np.ndarray) -> dict[str, np.ndarray]:
    return {f"R{k}": mask for k, mask in enumerate(stack)}


@given(stacks, st.sampled_from(RULES))
def test_each_rule_by_counting_votes_voxel_by_voxel(stack: np.ndarray, rule: str) -> None:
    references = leave_one_out(named(stack), rule)
    for k in range(len(stack)):
        others = [mask for j, mask in enumerate(stack) if j != k]
        for voxel in np.ndindex(stack.shape[1:]):
            marked = [bool(mask[voxel]) for mask in others]
            expected = {"intersection": all(marked), "union": any(marked), "majority": sum(marked) > len(marked) / 2}
            assert references[f"R{k}"][voxel] == expected[rule]


@given(stacks, st.sampled_from(RULES), st.data())
def test_a_readers_own_outline_never_reaches_the_reference(stack: np.ndarray, rule: str, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, len(stack) - 1))
    changed = stack.copy()
    changed[k] = data.draw(hnp.arrays(bool, stack.shape[1:]))
    before, after = leave_one_out(named(stack), rule), leave_one_out(named(changed), rule)
    np.testing.assert_array_equal(before[f"R{k}"], after[f"R{k}"])


@given(stacks)
def test_rules_are_nested(stack: np.ndarray) -> None:
    intersection, majority, union = (
        leave_one_out(named(stack), rule) for rule in ("intersection", "majority", "union")
    )
    for reader in intersection:
        assert not (intersection[reader] & ~majority[reader]).any()
        assert not (majority[reader] & ~union[reader]).any()


@given(hnp.arrays(bool, (3, 5, 5)))
def test_majority_of_two_others_is_their_intersection(stack: np.ndarray) -> None:
    majority, intersection = leave_one_out(named(stack), "majority"), leave_one_out(named(stack), "intersection")
    for reader in majority:
        np.testing.assert_array_equal(majority[reader], intersection[reader])


def test_references_are_boolean_keep_order_and_leave_the_masks_alone() -> None:
    masks = {"b": np.ones((2, 2), bool), "a": np.eye(2, dtype=bool), "c": np.zeros((2, 2), bool)}
    copies = {reader: mask.copy() for reader, mask in masks.items()}
    references = leave_one_out(masks, "union")
    assert list(references) == ["b", "a", "c"]
    assert all(reference.dtype == bool for reference in references.values())
    assert all(np.array_equal(masks[reader], copies[reader]) for reader in masks)


@pytest.mark.parametrize(
    ("masks", "rule", "error", "text"),
    [
        ({"a": np.ones(3, bool)}, "union", ValueError, "at least two readers"),
        ({"a": np.ones(3, bool), "b": np.ones(4, bool)}, "union", ValueError, "differ in shape"),
        ({"a": np.ones(3, bool), "b": np.ones(3)}, "union", TypeError, "reader b"),
        ({"a": np.ones(3, bool), "b": np.ones(3, bool)}, "staple", ValueError, "intersection, union, majority"),
    ],
)
def test_what_is_refused(masks: dict, rule: str, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        leave_one_out(masks, rule)
