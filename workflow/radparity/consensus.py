"""Leave-one-reader-out references: what each reader is measured against, made without that reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Rule = Literal["intersection", "union", "majority"]
RULES: tuple[str, ...] = get_args(Rule)


def leave_one_out(masks: Mapping[str, NDArray[np.bool_]], rule: Rule = "intersection") -> dict[str, NDArray[np.bool_]]:
    """Reference for each reader, from all readers other than that one (Hirsch et al. 2022, Methods).

    `masks` holds each reader's boolean outline of one case; all have one shape, any number of axes. A voxel is in the
    reference if all other readers (`intersection`), any of them (`union`) or strictly more than half of them
    (`majority`) marked it. With two others the majority is the intersection. Returns masks of the same shape under
    the same keys, in the same order.

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

    votes = np.sum(list(masks.values()), axis=0, dtype=np.int32)
    others = len(masks) - 1
    needed = {"intersection": others, "union": 1, "majority": others // 2 + 1}[rule]
    return {reader: votes - mask >= needed for reader, mask in masks.items()}
