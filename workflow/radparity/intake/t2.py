"""The T2-weighted series of an exam: at most one, chosen from the headers. It is optional, so it never excludes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.intake.geometry import along, check_stack, grid, levels, normal, plane
from radparity.intake.headers import Header
from radparity.intake.laterality import stacks
from radparity.intake.roles import suppresses_fat
from radparity.record import DataFault

FEWEST_SECTIONS = 5
LEAST_COVER = 0.25
"""Share of the dynamic volume: half an exam of both breasts is one breast; less than a quarter is another place."""
LATTICE = 9

Images = list[Header]
Flag = dict[str, str]


def choose_t2(
    series: Sequence[Images],
    record: Sequence[Mapping[str, Any]],
    dynamic: Images,
    damaged: Collection[str] = (),
    roles: Mapping[int, str] | None = None,
) -> tuple[dict[str, Any], list[Flag]]:
    """The T2 series that belongs to the dynamic one: facts `t2` (or None) and `t2_reason`, and a flag where none of
    those that are there can be used.

    series: as given to radparity.intake.laterality.dynamic_of_side, and the record of roles that it gave back, where
    series of the other breast are no T2. dynamic: one phase in order of position. damaged: SeriesInstanceUIDs that
    hold a truncated image. roles: series number to role, decided by a person.
    Of several that can be used the first by: named T2 by a person; fat suppressed, not stated, not suppressed; in the
    plane of the dynamic series; share of the dynamic volume that it covers, in per cent; lowest series number. `t2`
    holds series, files in order of position, plane, sections, matrix (rows, columns), in_plane_mm (of the same),
    section_mm, covers (share) and fat_suppressed (None: not stated).
    """
    weighted = {row["file"] for row in record if row["role"] == "t2"}
    found = [stack for images in series for stack in stacks(images) if stack[0].file in weighted]
    usable: list[dict[str, Any]] = []
    refused: list[str] = []
    for images in found:
        try:
            usable.append(_facts(images, dynamic, damaged))
        except DataFault as fault:
            refused.append(f"series {images[0].series_number}: {fault.sentence}")
    if not found:
        return {"t2": None, "t2_reason": "no series is T2-weighted"}, []
    if not usable:
        sentence = "; ".join(sorted(refused))
        return {"t2": None, "t2_reason": sentence}, [{"code": "t2_unusable", "sentence": sentence}]
    own = plane(dynamic[0])[0]
    named = {number for number, role in (roles or {}).items() if role == "t2"}

    def rank(one: dict[str, Any]) -> tuple[Any, ...]:
        fat = (True, None, False).index(one["fat_suppressed"])
        return (one["series"] not in named, fat, one["plane"] != own, -one["covers"], one["series"], one["files"])

    reason = "the only T2-weighted series that can be used" if len(usable) == 1 else f"the first of {len(usable)}"
    return {"t2": min(usable, key=rank), "t2_reason": reason}, []


def _facts(images: Images, dynamic: Images, damaged: Collection[str]) -> dict[str, Any]:
    """What the record says of a series that can be used. Raises DataFault, whose sentence says why it cannot."""
    first = images[0]
    if first.series in damaged:
        raise DataFault("t2_unusable", "a file ends before its pixels do")
    if len({image.orientation for image in images}) > 1 or len({grid(image) for image in images}) > 1:
        raise DataFault("t2_unusable", "it mixes orientations, matrices or pixel spacings")
    if len(images) > max(levels(images)) + 1:
        raise DataFault("t2_unusable", "it shows a section more than once")
    if len(images) < FEWEST_SECTIONS:
        raise DataFault("t2_unusable", f"it has {len(images)} sections, and {FEWEST_SECTIONS} are needed")
    frames = {first.frame_of_reference, dynamic[0].frame_of_reference} - {""}
    if len(frames) > 1:
        raise DataFault("t2_unusable", "its positions are in another frame of reference than the dynamic series'")
    ordered = sorted(images, key=along)
    check_stack(ordered)
    covers = round(_covered(ordered, dynamic), 2)
    if covers < LEAST_COVER:
        raise DataFault("t2_unusable", f"it covers {covers:.0%} of the dynamic volume")
    return {
        "series": first.series_number,
        "files": [image.file for image in ordered],
        "plane": plane(first)[0],
        "sections": len(ordered),
        "matrix": [first.rows, first.columns],
        "in_plane_mm": list(first.spacing),
        "section_mm": round(float(np.median(np.diff([along(image) for image in ordered]))), 4),
        "covers": covers,
        "fat_suppressed": suppresses_fat(images),
    }


def _covered(images: Images, dynamic: Images) -> float:
    """Share of the dynamic volume, looked at on a lattice of its voxels, that lies inside another volume's voxels."""
    points = _lattice(dynamic) - np.array(images[0].position)
    first, step = images[0], along(images[-1]) - along(images[0])
    row, column = np.array(first.orientation[:3]), np.array(first.orientation[3:])
    inside = np.ones(len(points), bool)
    for axis, spacing, count in (
        (row, first.spacing[1], first.columns),
        (column, first.spacing[0], first.rows),
        (normal(first), step / (len(images) - 1), len(images)),
    ):
        index = points @ axis / spacing
        inside &= (index >= -0.5) & (index <= count - 0.5)
    return float(inside.mean())


def _lattice(images: Images) -> NDArray[np.float64]:
    """Points spread evenly over a volume, first and last voxels included: (point, 3) mm, LPS."""
    first, last = np.array(images[0].position), np.array(images[-1].position)
    row, column = np.array(images[0].orientation[:3]), np.array(images[0].orientation[3:])
    share = np.linspace(0, 1, LATTICE)
    through, down, across = (part.ravel() for part in np.meshgrid(share, share, share, indexing="ij"))
    width, height = images[0].spacing[1] * (images[0].columns - 1), images[0].spacing[0] * (images[0].rows - 1)
    found: NDArray[np.float64] = (
        first + np.outer(through, last - first) + np.outer(across * width, row) + np.outer(down * height, column)
    )
    return found
