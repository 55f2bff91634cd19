"""Leave-one-reader-out references: what each reader is measured against, made without that reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

Rule = Literal["intersection", "union", "majority", "staple"]
RULES: tuple[str, ...] = get_args(Rule)
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
    for reader, mask in masks.items():
        if mask.dtype != np.bool_:
            raise TypeError(f"outline of reader {reader} has type {mask.dtype}: pass a boolean mask (mask > 0)")
    shapes = {reader: mask.shape for reader, mask in masks.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"outlines of one case differ in shape: {shapes}; bring them onto one grid first")

    if rule == "staple":
        return {reader: staple([mask for other, mask in masks.items() if other != reader]) for reader in masks}
    votes = np.sum(list(masks.values()), axis=0, dtype=np.int32)
    others = len(masks) - 1
    needed = {"intersection": others, "union": 1, "majority": others // 2 + 1}[rule]
    return {reader: votes - mask >= needed for reader, mask in masks.items()}


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
