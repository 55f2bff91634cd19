"""Leave-one-reader-out references: what each reader is measured against, made without that reader.

Of one or two raters there is one reference instead, common to all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from radparity.raters import FEW_RULES, few

Rule = Literal["intersection", "union", "majority", "staple"]
RULES: tuple[str, ...] = get_args(Rule)
RETUNED: tuple[Rule, ...] = ("intersection", "union", "majority")
"""Rules on whose references the threshold is tuned again, as a sensitivity analysis."""
STAPLE_AROUND = 20  # voxels
STAPLE_ITERATIONS = 10_000  # it stops by itself; on 1,824 references of LIDC after at most 949


def leave_one_out(masks: Mapping[str, NDArray[np.bool_]], rule: Rule = "intersection") -> dict[str, NDArray[np.bool_]]:
    """Reference for each reader, from all readers other than that one (Hirsch et al. 2022, Methods).

    `masks` holds each reader's boolean outline of one case; all have one shape, any number of axes. A voxel is in the
    reference if all other readers (`intersection`), any of them (`union`) or strictly more than half of them
    (`majority`) marked it, or if `staple` finds it likelier foreground than not. With two others the majority is the
    intersection. Returns masks of the same shape under the same keys, in the same order.

    Raises ValueError for fewer than two readers, differing shapes or an unknown rule, TypeError for a mask that is
    not boolean.
    """
    if rule not in RULES:
        raise ValueError(f"unknown reference rule {rule!r}: write one of {', '.join(RULES)}")
    if len(masks) < 2:
        raise ValueError(f"a leave-one-out reference needs at least two readers, found {sorted(masks)}")
    _check(masks)
    if rule == "staple":
        return {reader: staple([mask for other, mask in masks.items() if other != reader]) for reader in masks}
    votes = np.sum(list(masks.values()), axis=0, dtype=np.int32)
    others = len(masks) - 1
    needed = {"intersection": others, "union": 1, "majority": others // 2 + 1}[rule]
    return {reader: votes - mask >= needed for reader, mask in masks.items()}


def common_reference(masks: Mapping[str, NDArray[np.bool_]], rule: Rule = "intersection") -> NDArray[np.bool_]:
    """The one reference of a case with one or two raters: the outline of the one, intersection or union of the two.

    `masks` as in `leave_one_out`. Raises ValueError for other numbers of raters, another rule or differing shapes,
    TypeError for a mask that is not boolean.
    """
    if not masks or not few(list(masks)):
        raise ValueError(f"a reference common to all is for one or two raters, found {sorted(masks)}")
    if rule not in FEW_RULES:
        raise ValueError(f"the rule {rule!r} needs three raters or more: write one of {', '.join(FEW_RULES)}")
    _check(masks)
    together = np.all if rule == "intersection" else np.any
    return np.asarray(together(list(masks.values()), axis=0))


def references_by_rule(
    masks: Mapping[str, NDArray[np.bool_]], rule: Rule, made: Sequence[NDArray[np.bool_]]
) -> dict[Rule, list[NDArray[np.bool_]]]:
    """Rule to the references of one case, to tune on. `masks` as in `leave_one_out`.

    made: the masks that the stage `consensus` left; the study's own references are those, only others are made here.
    Those of one or two raters: outlines and, last, the reference; one rater's outline is the same by every rule.
    """
    if few(list(masks)):
        rules = FEW_RULES if len(masks) > 1 else ()
        return {each: [common_reference(masks, each)] for each in rules if each != rule} | {rule: [made[-1]]}
    return {each: list(leave_one_out(masks, each).values()) for each in RETUNED if each != rule} | {rule: list(made)}


def _check(masks: Mapping[str, NDArray[np.bool_]]) -> None:
    for reader, mask in masks.items():
        if mask.dtype != np.bool_:
            raise TypeError(f"outline of reader {reader} has type {mask.dtype}: pass a boolean mask (mask > 0)")
    shapes = {reader: mask.shape for reader, mask in masks.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"outlines of one case differ in shape: {shapes}; bring them onto one grid first")


def staple(masks: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Where foreground is likelier than not (probability above 0.5) by STAPLE, given boolean masks of one shape.

    STAPLE (Warfield, Zou, Wells, IEEE TMI 2004;23:903-921; SimpleITK's) weighs each rater by the sensitivity and
    specificity that it estimates, so its answer depends on how much background it is shown. Its domain is the box
    around all masks and 20 voxels more on each axis, cut by the border: the reference then does not depend on how
    large an image the outlines lie in. Masks that all agree are their own answer, empty ones too.
    """
    import SimpleITK

    drawn: NDArray[np.bool_] = np.any(masks, axis=0)
    if np.array_equal(drawn, np.all(masks, axis=0)):
        return drawn
    domain = box(drawn, STAPLE_AROUND)
    estimate: Any = SimpleITK.STAPLEImageFilter()  # type: ignore[no-untyped-call]
    estimate.SetNumberOfThreads(1)
    estimate.SetMaximumIterations(STAPLE_ITERATIONS)
    images = [SimpleITK.GetImageFromArray(np.ascontiguousarray(mask[domain], dtype=np.uint8)) for mask in masks]
    reference = np.zeros(drawn.shape, dtype=bool)
    reference[domain] = SimpleITK.GetArrayFromImage(estimate.Execute(images)) > 0.5
    return reference


def box(mask: NDArray[np.bool_], around: int = 0) -> tuple[slice, ...]:
    """The smallest box that holds a mask of any number of axes, and `around` voxels more, cut by the border.

    One slice an axis; of an empty mask the box is empty.
    """
    if not mask.any():
        return (slice(0, 0),) * mask.ndim
    sides = []
    for axis in range(mask.ndim):
        marked = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        sides.append(slice(max(0, int(marked[0]) - around), int(marked[-1]) + 1 + around))
    return tuple(sides)
