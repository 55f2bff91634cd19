from __future__ import annotations

import lidc
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from radparity.consensus import RULES, box, leave_one_out, staple

NO_DEADLINE = settings(deadline=None)  # a busy machine is no fault of the code

stacks = st.integers(2, 6).flatmap(lambda readers: hnp.arrays(bool, (readers, 3, 4)))


def named(stack: np.ndarray) -> dict[str, np.ndarray]:
    return {f"R{k}": mask for k, mask in enumerate(stack)}


@NO_DEADLINE
@given(stacks, st.sampled_from(["intersection", "union", "majority"]))
def test_each_rule_by_counting_votes_voxel_by_voxel(stack: np.ndarray, rule: str) -> None:
    references = leave_one_out(named(stack), rule)
    for k in range(len(stack)):
        others = [mask for j, mask in enumerate(stack) if j != k]
        for voxel in np.ndindex(stack.shape[1:]):
            marked = [bool(mask[voxel]) for mask in others]
            expected = {"intersection": all(marked), "union": any(marked), "majority": sum(marked) > len(marked) / 2}
            assert references[f"R{k}"][voxel] == expected[rule]


@NO_DEADLINE
@given(stacks, st.sampled_from(RULES), st.data())
def test_a_readers_own_outline_never_reaches_the_reference(stack: np.ndarray, rule: str, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, len(stack) - 1))
    changed = stack.copy()
    changed[k] = data.draw(hnp.arrays(bool, stack.shape[1:]))
    before, after = leave_one_out(named(stack), rule), leave_one_out(named(changed), rule)
    np.testing.assert_array_equal(before[f"R{k}"], after[f"R{k}"])


@NO_DEADLINE
@given(stacks)
def test_rules_are_nested(stack: np.ndarray) -> None:
    intersection, majority, union = (
        leave_one_out(named(stack), rule) for rule in ("intersection", "majority", "union")
    )
    for reader in intersection:
        assert not (intersection[reader] & ~majority[reader]).any()
        assert not (majority[reader] & ~union[reader]).any()


@NO_DEADLINE
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
        ({"a": np.ones(3, bool), "b": np.ones(3, bool)}, "mean", ValueError, "intersection, union, majority, staple"),
    ],
)
def test_what_is_refused(masks: dict, rule: str, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        leave_one_out(masks, rule)


def whole_image_staple(masks: list[np.ndarray]) -> np.ndarray:
    import SimpleITK as sitk

    probability = sitk.STAPLE([sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in masks])
    return sitk.GetArrayFromImage(probability) > 0.5


def test_staple_is_that_of_the_whole_crop_voxel_for_voxel() -> None:
    """On LIDC the box and 20 voxels around it give what SimpleITK makes of the whole 96 x 96 crop."""
    for four in lidc.masks()[::8]:
        references = leave_one_out(named(four), "staple")
        for k in range(4):
            others = [mask for j, mask in enumerate(four) if j != k]
            np.testing.assert_array_equal(references[f"R{k}"], whole_image_staple(others))


def expectation_maximization(masks: np.ndarray, rounds: int = 20_000) -> np.ndarray:
    """STAPLE as in the paper of Warfield, Zou and Wells, in arrays; (raters, voxels) to probability (voxels,)."""
    prior, sensitivity, specificity = masks.mean(), np.full(len(masks), 0.99999), np.full(len(masks), 0.99999)
    for _ in range(rounds):
        yes = prior * np.where(masks, sensitivity[:, None], 1 - sensitivity[:, None]).prod(axis=0)
        no = (1 - prior) * np.where(masks, 1 - specificity[:, None], specificity[:, None]).prod(axis=0)
        weight = yes / (yes + no)
        before = np.concatenate([sensitivity, specificity])
        sensitivity = (masks * weight).sum(axis=1) / weight.sum()
        specificity = (~masks * (1 - weight)).sum(axis=1) / (1 - weight).sum()
        if np.abs(np.concatenate([sensitivity, specificity]) - before).max() < 1e-10:
            break
    return weight


@pytest.mark.parametrize("shape", [(60, 70), (12, 30, 35)])
def test_staple_against_its_equations(shape: tuple[int, ...]) -> None:
    generator, masks = np.random.default_rng(len(shape)), []
    for _ in range(4):
        mask = np.zeros(shape, bool)
        mask[tuple(slice(size // 3 + generator.integers(0, 3), 2 * size // 3) for size in shape)] = True
        masks.append(mask ^ (mask & (generator.random(shape) < 0.1)))
    domain = box(np.any(masks, axis=0), 20)
    inside = np.array([mask[domain].ravel() for mask in masks])
    expected = expectation_maximization(inside) > 0.5
    np.testing.assert_array_equal(staple(masks)[domain].ravel(), expected)
    assert expected.any() and not np.array_equal(expected, inside.all(axis=0))


def test_staple_does_not_depend_on_the_size_of_the_image() -> None:
    for four in lidc.masks()[:20]:
        within = box(four.any(axis=0), 25)
        small = [np.pad(mask[within[-2:]], 25) for mask in four[:3]]
        wide = [np.pad(mask, 80) for mask in small]
        np.testing.assert_array_equal(staple(wide)[80:-80, 80:-80], staple(small))


def test_staple_of_raters_who_agree_and_of_blank_ones() -> None:
    some, none, full = np.eye(5, dtype=bool), np.zeros((5, 5), bool), np.ones((5, 5), bool)
    for mask in (some, none, full):
        np.testing.assert_array_equal(staple([mask, mask, mask]), mask)
        np.testing.assert_array_equal(staple([mask]), mask)
    np.testing.assert_array_equal(staple([some, some, none]), some)
    assert not staple([some, none, none]).any()


@NO_DEADLINE
@given(stacks.filter(lambda stack: len(stack) > 3))
def test_staple_marks_nothing_that_no_rater_marked(stack: np.ndarray) -> None:
    for reader, reference in leave_one_out(named(stack), "staple").items():
        assert not (reference & ~leave_one_out(named(stack), "union")[reader]).any()


@NO_DEADLINE
@given(hnp.arrays(bool, (5, 4, 3)), st.integers(0, 2))
def test_a_box_holds_its_mask_and_no_smaller_one_does(mask: np.ndarray, around: int) -> None:
    within, wider = box(mask), box(mask, around)
    assert mask[within].sum() == mask[wider].sum() == mask.sum()
    if mask.any():
        for axis, (side, wide) in enumerate(zip(within, wider, strict=True)):
            assert mask[within].any(axis=tuple({0, 1, 2} - {axis}))[[0, -1]].all()
            assert (wide.start, min(wide.stop, mask.shape[axis])) == (
                max(0, side.start - around),
                min(mask.shape[axis], side.stop + around),
            )
