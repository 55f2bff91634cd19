"""Splitting the dynamic series into phases, in order and with their times."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from radparity.intake.geometry import SAME_MM, along, check_stack, levels
from radparity.intake.headers import Header
from radparity.intake.times import Flag, time_phases, unwrapped
from radparity.record import DataFault

Images = list[Header]
Key = Callable[[Header], float | None]
PHASE_TAGS: list[tuple[str, Key]] = [
    ("TemporalPositionIdentifier", lambda h: h.temporal_position),
    ("TriggerTime", lambda h: h.trigger_time),
    ("AcquisitionNumber", lambda h: h.acquisition_number),
]
CLOCKS: list[tuple[str, Key]] = [
    ("AcquisitionDateTime", lambda h: h.acquisition_moment),
    ("AcquisitionTime", lambda h: h.acquisition_time),
    ("ContentTime", lambda h: h.content_time),
]
FEWEST_PHASES = 3


@dataclass(frozen=True)
class Found:
    """The phases in order, each with its images in order of position; times in s from the first, or None."""

    phases: list[Images]
    times: list[float] | None
    split_by: str
    timed_by: str
    flags: list[Flag]


def split(images: Images) -> tuple[list[Images], str]:
    """The phases of one series in order, each showing every section once, and the tag that told them apart.

    The last phase may lack sections (an interrupted scan). Raises DataFault `section_repeated` where different images
    show one section of one phase, `sections_missing` where no tag splits the images into whole phases.
    """
    level = dict(zip((image.file for image in images), levels(images), strict=True))
    count = max(level.values()) + 1
    if len(images) == count:
        return [images], "SeriesNumber"
    interrupted: tuple[list[Images], str] | None = None
    for name, parts in _splits(images, level):
        sizes = [len({level[image.file] for image in part}) for part in parts]
        once = all(size == len(part) for size, part in zip(sizes, parts, strict=True))
        if once and len(parts) > 1 and all(size == count for size in sizes[:-1]):
            if sizes[-1] == count:
                return parts, name
            interrupted = interrupted or (parts, name)
    _check_repeats(images, level, count)
    if interrupted and len(interrupted[0]) > 2:
        return interrupted
    raise DataFault(
        "sections_missing",
        f"series {images[0].series_number} has {len(images)} images at {count} positions: no tag splits them into whole"
        " phases, so sections are missing or doubled. Fetch the series again from the archive",
    )


def _splits(images: Images, level: dict[str, int]) -> Iterator[tuple[str, list[Images]]]:
    """All ways to tell phases apart, the most reliable first."""
    for name, key in PHASE_TAGS + CLOCKS:
        if (groups := _groups(images, name, key)) is not None:
            yield name, groups
    ordered = sorted(images, key=lambda image: image.instance)
    # Without a tag that is the same throughout a phase, the n-th image of each section is of phase n.
    for name, key in [PHASE_TAGS[1], *CLOCKS]:
        if (groups := _nth(images, level, name, key)) is not None:
            yield name, groups
    if len({image.instance for image in images}) < len(images):
        return
    count = max(level.values()) + 1
    yield "InstanceNumber", [ordered[start : start + count] for start in range(0, len(ordered), count)]
    repeats, odd = divmod(len(ordered), count)
    runs = [ordered[start : start + repeats] for start in range(0, len(ordered), max(repeats, 1))]
    if not odd and all(len({level[image.file] for image in run}) == 1 for run in runs):
        yield "InstanceNumber", [list(part) for part in zip(*runs, strict=True)]


def _values(images: Images, name: str, key: Key) -> list[float] | None:
    found = [value for image in images if (value := key(image)) is not None]
    if len(found) < len(images):
        return None
    return unwrapped(found) if name in dict(CLOCKS) else found


def _groups(images: Images, name: str, key: Key) -> list[Images] | None:
    """Images of equal value together, in order of value; None where an image has none."""
    if (values := _values(images, name, key)) is None:
        return None
    groups: dict[float, Images] = defaultdict(list)
    for image, value in zip(images, values, strict=True):
        groups[value].append(image)
    return [groups[value] for value in sorted(groups)]


def _nth(images: Images, level: dict[str, int], name: str, key: Key) -> list[Images] | None:
    """The first, second, ... images of each section by value; None where the phases so found overlap."""
    if (values := _values(images, name, key)) is None:
        return None
    sections: dict[int, list[tuple[float, str]]] = defaultdict(list)
    for image, value in zip(images, values, strict=True):
        sections[level[image.file]].append((value, image.file))
    phases: dict[int, list[tuple[float, str]]] = defaultdict(list)
    for section in sections.values():
        for number, entry in enumerate(sorted(section)):
            phases[number].append(entry)
    ends = [(min(phase)[0], max(phase)[0]) for _, phase in sorted(phases.items())]
    if any(last >= first for (_, last), (first, _) in zip(ends, ends[1:], strict=False)):
        return None
    by_file = {image.file: image for image in images}
    return [[by_file[file] for _, file in phase] for _, phase in sorted(phases.items())]


def _check_repeats(images: Images, level: dict[str, int], count: int) -> None:
    """Raises DataFault `section_repeated` where a few sections appear twice in phases that a tag tells apart."""
    for name, key in [*PHASE_TAGS[:2], ("SeriesNumber", lambda h: h.series_number)]:
        groups = _groups(images, name, key) or []
        places = {(number, level[image.file]) for number, group in enumerate(groups) for image in group}
        doubled = len(images) - len(places)
        if groups and 0 < doubled < count / 2:
            raise DataFault(
                "section_repeated",
                f"series {images[0].series_number} shows {doubled} sections twice in one phase, with different images."
                " Fetch the series again from the archive",
            )


def phases(dynamic: list[Images]) -> Found:
    """All phases of the dynamic series in order of time; `dynamic` is in order of series number.

    Raises DataFault `sections_missing`, `section_repeated`, `section_gap`, `sections_shifted`, `phases_shifted`,
    `phase_interrupted`, `phase_order_unknown` or `too_few_phases`.
    """
    split_series = [split(images) for images in dynamic]
    timing = time_phases([parts for parts, _ in split_series])
    if timing is None:
        raise DataFault(
            "phase_order_unknown",
            "the series of the phases have one number and no times: nothing tells which came first. Fetch them again",
        )
    found, times, flags = timing.phases, timing.times, list(timing.flags)
    _check_places(found)
    level = dict(zip((i.file for part in found for i in part), levels([i for p in found for i in p]), strict=True))
    sizes = [len({level[image.file] for image in part}) for part in found]
    count = max(level.values()) + 1
    if sizes[-1] < count and len(found) > 1 and all(size == count for size in sizes[:-1]):
        if len(found) - 1 < FEWEST_PHASES:
            raise DataFault(
                "phase_interrupted",
                f"the last of {len(found)} phases has {sizes[-1]} of {count} sections, and {len(found) - 1} whole"
                " phases are too few. Fetch the exam again; if the scan was broken off, exclude it",
            )
        sentence = f"the last phase has {sizes[-1]} of {count} sections and is left out"
        flags.append({"code": "phase_dropped", "sentence": sentence})
        found, times = found[:-1], times and times[:-1]
    elif any(size < count for size in sizes):
        held = " ".join(map(str, sizes))
        raise DataFault("sections_missing", f"the phases hold {held} of {count} sections. Fetch the exam again")
    if len(found) < FEWEST_PHASES:
        raise DataFault("too_few_phases", f"{len(found)} phases; one before and two after contrast are needed")
    found = [sorted(images, key=along) for images in found]
    check_stack(found[0])
    split_by = max((name for _, name in split_series), key=lambda name: name != "SeriesNumber")
    return Found(found, times, split_by, timing.source, flags)


def _check_places(found: list[Images]) -> None:
    """Phases of as many sections lie at the same places. Raises DataFault `phases_shifted`."""
    stacked = [np.array([image.position for image in sorted(images, key=along)]) for images in found]
    for number, places in enumerate(stacked[1:], start=2):
        if len(places) != len(stacked[0]):
            continue
        offsets = places - stacked[0]
        # A missing section shifts a part of the list by whole sections; a moved phase is off as a whole.
        apart = float(np.linalg.norm(offsets, axis=1).min())
        if apart > SAME_MM:
            raise DataFault(
                "phases_shifted",
                f"phase {number} lies at least {apart:.1f} mm from phase 1 in every section: the phases were planned"
                " differently. Leave the odd series out in decisions.tsv",
            )
