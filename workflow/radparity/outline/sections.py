"""The one section that a case is judged on."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from radparity.record import DataFault

FEWEST_SECTIONS = 3
LEAST_SHARE = 0.05
PLANES = ("sagittal", "coronal", "axial")


def marked_sections(mask: NDArray[np.bool_], axis: int) -> list[int]:
    """Sections of the native grid along an axis that hold something of a mask."""
    found: list[int] = np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis}))).tolist()
    return found


def is_volume(mask: NDArray[np.bool_], axis: int = 0) -> bool:
    """Whether a mask marks a volume: at least 3 neighbouring sections along an axis of the native grid.

    Sections with less than a twentieth of the largest one's area do not count, so strays beside the outline of one
    section make no volume of it.
    """
    areas = mask.sum(axis=tuple({0, 1, 2} - {axis}))
    drawn = (areas > 0) & (areas >= LEAST_SHARE * areas.max())
    return bool(np.convolve(drawn, np.ones(FEWEST_SECTIONS, int)).max() == FEWEST_SECTIONS)


def common_section(
    masks: Mapping[str, NDArray[np.bool_]], section_axis: int = 0, by_rule: Collection[str] = ()
) -> int | None:
    """The sagittal section of the native grid that all raters outlined; a rater may have marked nothing.

    None where all outlines fill a volume: then `place_volume` says which section is judged. Those of an exam acquired
    sagittally do where they are one by `is_volume`, those of another exam where they mark several of its sections, and
    those of the raters in `by_rule` always. Raises DataFault `outline_empty`, `outline_sections` (sagittal exam, no
    common section) and `outline_flat` (all on one section of an exam that was not acquired sagittally).
    """
    found = {rater: marked_sections(mask, 0) for rater, mask in masks.items()}
    marked = {rater: sections for rater, sections in found.items() if sections}
    if not marked:
        raise DataFault("outline_empty", f"no rater marked anything ({', '.join(masks)})")
    if set(marked) <= set(by_rule):
        return None
    if len({tuple(sections) for sections in marked.values()}) == 1 and all(len(s) == 1 for s in marked.values()):
        return int(next(iter(marked.values()))[0])
    if section_axis:
        flat = [rater for rater in marked if len(marked_sections(masks[rater], section_axis)) == 1]
        flat = [rater for rater in flat if rater not in by_rule]
        if flat:
            plane = PLANES[section_axis]
            raise DataFault(
                "outline_flat",
                f"{flat[0]} outlined a single {plane} section. A sagittal section is judged, on which that is a line:"
                f" outline the cancer on all its {plane} sections, or on one sagittal section of the exam's volume",
            )
        return None
    volumes = [rater for rater in marked if rater in by_rule or is_volume(masks[rater])]
    if len(volumes) == len(marked):
        return None
    several = {rater: sections for rater, sections in marked.items() if len(sections) > 1 and rater not in volumes}
    if several:
        rater, sections = next(iter(several.items()))
        raise DataFault(
            "outline_sections",
            f"{rater} outlined the sections {sections}; one common section is expected, or a volume of at least"
            f" {FEWEST_SECTIONS} neighbouring sections",
        )
    if volumes:
        others = ", ".join(rater for rater in marked if rater not in volumes)
        raise DataFault("outline_sections", f"{volumes[0]} outlined a volume, and others one section of it ({others})")
    said = ", ".join(f"{rater} {sections[0]}" for rater, sections in marked.items())
    raise DataFault("outline_sections", f"raters outlined different sections: {said}")
