"""Splitting the dynamic series into phases, and when each phase was acquired."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy as np

from radparity.intake.headers import Header
from radparity.record import DataFault

Key = Callable[[Header], Hashable]
SPLITS: list[tuple[str, Key]] = [
    ("TemporalPositionIdentifier", lambda h: h.temporal_position),
    ("TriggerTime", lambda h: h.trigger_time),
    ("AcquisitionNumber", lambda h: h.acquisition_number),
    ("ContentTime", lambda h: h.content_time),
    ("AcquisitionTime", lambda h: h.acquisition_time),
]
EVEN_MM = 0.1


@dataclass(frozen=True)
class Phase:
    """The images of one phase in order of position, and its time in s from the first phase."""

    images: list[Header]
    time: float


def along(header: Header) -> float:
    """Position of an image along the normal of its plane, mm."""
    row, column = np.array(header.orientation[:3]), np.array(header.orientation[3:])
    return float(np.dot(np.cross(row, column), header.position))


def split(images: list[Header]) -> tuple[list[list[Header]], str]:
    """The phases of one series, each covering every section once, and the tag that told them apart.

    Raises DataFault `sections_missing` where no tag splits the images into whole phases.
    """
    positions = {round(along(image), 2) for image in images}
    if len(images) == len(positions):
        return [images], "SeriesNumber"
    for name, key in SPLITS:
        groups: dict[Hashable, list[Header]] = defaultdict(list)
        for image in images:
            groups[key(image)].append(image)
        whole = all(len(g) == len(positions) == len({round(along(i), 2) for i in g}) for g in groups.values())
        if None not in groups and len(groups) > 1 and whole:
            return sorted(groups.values(), key=lambda g: min(i.instance for i in g)), name
    ordered = sorted(images, key=lambda image: image.instance)
    size = len(positions)
    blocks = [ordered[start : start + size] for start in range(0, len(ordered), size)]
    if len(ordered) % size == 0 and all(len({round(along(i), 2) for i in b}) == size for b in blocks):
        return blocks, "InstanceNumber"
    raise DataFault(
        "sections_missing",
        f"series {images[0].series_number} has {len(images)} images at {size} positions: no tag splits them into whole"
        " phases, so sections are missing or doubled. Fetch the series again from the archive",
    )


def _times(phases: list[list[Header]], multiphase: bool) -> tuple[list[float], str]:
    """Seconds from the first phase, and the tag they come from.

    Raises DataFault `phase_times_unknown` where no tag gives every phase a time of its own.
    """
    sources: list[tuple[str, Callable[[Header], float | None], float]] = [
        ("AcquisitionTime", lambda h: h.acquisition_time, 1.0),
        ("ContentTime", lambda h: h.content_time, 1.0),
    ]
    if multiphase:
        # Within one series GE counts TriggerTime from the series' start; across series it starts anew.
        sources.insert(0, ("TriggerTime", lambda h: h.trigger_time, 0.001))
    for name, value, scale in sources:
        found = [[value(image) for image in images] for images in phases]
        if any(v is None for values in found for v in values):
            continue
        times = [min(v for v in values if v is not None) * scale for values in found]
        if name != "TriggerTime" and max(times) - min(times) > 12 * 3600:
            times = [t + 86_400 if t < 43_200 else t for t in times]
        if len(set(times)) == len(times):
            return [round(t - min(times), 3) for t in times], name
    raise DataFault(
        "phase_times_unknown",
        "neither TriggerTime, AcquisitionTime nor ContentTime gives each phase a time of its own, and the washout slope"
        " needs them. Ask the archive for the original images",
    )


def phases(dynamic: list[list[Header]]) -> tuple[list[Phase], str, str]:
    """All phases in order of time, the tag that split them and the tag that timed them.

    Raises DataFault `sections_missing`, `section_gap`, `too_few_phases` or `phase_times_unknown`.
    """
    found: list[list[Header]] = []
    splits = []
    for images in dynamic:
        parts, name = split(images)
        found += parts
        splits.append(name)
    found = [sorted(images, key=along) for images in found]
    sections = {tuple(round(along(image), 1) for image in images) for images in found}
    if len(sections) > 1:
        counts = sorted({len(images) for images in found})
        raise DataFault("sections_missing", f"phases differ in their sections (counts {counts}). Fetch the exam again")
    if len(found) < 3:
        raise DataFault("too_few_phases", f"{len(found)} phases; one before and two after contrast are needed")
    steps = np.diff([along(image) for image in found[0]])
    if np.ptp(steps) > EVEN_MM:
        raise DataFault(
            "section_gap", f"sections are {steps.min():.2f} to {steps.max():.2f} mm apart: some are missing"
        )
    times, source = _times(found, multiphase=len(dynamic) == 1)
    order = sorted(range(len(found)), key=times.__getitem__)
    return [Phase(found[i], times[i]) for i in order], splits[0], source
