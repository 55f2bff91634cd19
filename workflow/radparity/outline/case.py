"""All raters' outlines of one case, on its exam's native grid and on its breast's grid."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radparity.outline.by_rule import outline_by_rule
from radparity.outline.exam import Images, Phases, Target
from radparity.outline.formats import Source, read_outline
from radparity.outline.place import on_breast, place, place_volume
from radparity.outline.sections import common_section, is_volume
from radparity.record import DataFault


class Outlines(NamedTuple):
    """The outlines of a case.

    masks: (1, anterior, superior, rater) on the judged section of the breast's grid, in the order of the facts'
    `raters`; affine: of that section. facts: of the record. native: each rater's mask on the exam's native grid,
    (sagittal section, anterior, superior), as drawn.
    """

    masks: NDArray[np.uint8]
    affine: NDArray[np.float64]
    facts: dict[str, Any]
    native: dict[str, NDArray[np.bool_]]


def outline_case(
    sources: Mapping[str, Path | Source],
    native_shape: tuple[int, ...],
    native: NDArray[np.float64],
    grid_shape: tuple[int, ...],
    grid: NDArray[np.float64],
    section_axis: int = 0,
    images: Images | None = None,
    phases: Phases | None = None,
) -> Outlines:
    """All raters' outlines of a case on one section of the breast's grid.

    native, grid: affines, RAS+; section_axis: of the native grid, the one that sections were acquired along. images:
    the exam's headers, which files other than NIfTI and NRRD need; phases: of the exam, which a rule needs. The judged
    section is the sagittal one that all raters outlined; where they outlined a volume, the one with the largest union
    of theirs. The record's facts: raters, section (index on the breast's grid), chosen_by (`outlined` or
    `largest_area`), area_mm2 per rater on that section, fills_volume (whether sections without an outline are known to
    hold no cancer), tumour_sections (all with an outline, on the breast's grid), box_sections (first and last of those
    that a rule looked at; None without a rule), by_rule (rater to what made the outline), flags.
    Raises DataFault where an outline cannot be used or lies outside this breast.
    """
    target = Target(tuple(native_shape), native, section_axis, images, phases)
    masks, flags = {}, []
    by_rule, box = {}, np.zeros(target.shape, bool)
    for rater, source in sources.items():
        read = source if isinstance(source, Source) else Source(source)
        if read.rule:
            made = outline_by_rule(read.file, target)
            masks[rater], found, by_rule[rater] = made.mask, made.flags, made.facts
            box |= made.box
        else:
            masks[rater], found = read_outline(read, target)
        flags += found
    section = common_section(masks, section_axis, by_rule)
    if section is None:
        own, placed, marked = place_volume(masks, native, grid, grid_shape)
    else:
        here = np.linalg.inv(grid) @ native @ np.array([section, 0, 0, 1.0])
        own = round(float(here[0]))
        if not 0 <= own < grid_shape[0]:
            raise DataFault(
                "outline_side", f"the outlined section lies outside this breast (section {own} of {grid_shape[0]})"
            )
        placed, marked = {rater: place(mask, native, grid, grid_shape, own) for rater, mask in masks.items()}, [own]
    looked = np.flatnonzero(on_breast(box, native, grid, grid_shape).any(axis=(1, 2))).tolist()
    area = float(np.linalg.norm(grid[:3, 1]) * np.linalg.norm(grid[:3, 2]))
    shifted = grid.copy()
    shifted[:3, 3] = grid[:3, 3] + grid[:3, 0] * own
    facts = {
        "raters": list(placed),
        "section": own,
        "chosen_by": "largest_area" if section is None else "outlined",
        "area_mm2": {rater: round(float(mask.sum()) * area, 2) for rater, mask in placed.items()},
        # Two sections of an exam that was not acquired sagittally are judged, but may be a part of the cancer only.
        "fills_volume": section is None
        and all(rater in by_rule or is_volume(mask, section_axis) for rater, mask in masks.items() if mask.any()),
        "tumour_sections": marked,
        "box_sections": [looked[0], looked[-1]] if looked else None,
        "by_rule": by_rule,
        "flags": flags,
    }
    return Outlines(np.stack([m.astype(np.uint8) for m in placed.values()], axis=-1)[None], shifted, facts, masks)
