"""When each phase was acquired: seconds from the first phase, and which tags say so.

What a time means. Contrast-enhanced slopes need the time at the centre of k-space, which fixes the contrast of a 3-D
image. Hardly any tag holds it: AcquisitionTime, AcquisitionDateTime and TriggerTime mark the start of a phase, Siemens'
TT and TTC in descriptions its centre of k-space. Phases of one protocol reach their centre after the same delay, so
the differences are right with either; that is why all times here are differences, never mixed between two meanings.
ContentTime and SeriesTime are when images were made, which some scanners do in one go after the last phase: they are
believed only where the phases lie at least SHORTEST_CREATED_S apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from radparity.intake.headers import Header

Images = list[Header]
Value = Callable[[Header], float | None]
Flag = dict[str, str]
UNKNOWN = "unknown"
DAY = 86_400.0
SHORTEST_S, SHORTEST_CREATED_S, LONGEST_S = 0.5, 8.0, 7200.0
AGREE_SHARE = 0.2
STATED = re.compile(r"(?<![a-z])ttc?\s*=\s*(\d+(?:\.\d+)?)\s*(ms|s|min)?(?![a-z])", re.IGNORECASE)
UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0}
ACQUIRED: list[tuple[str, Value]] = [
    ("AcquisitionDateTime", lambda h: h.acquisition_moment),
    ("AcquisitionTime", lambda h: h.acquisition_time),
]
CREATED: list[tuple[str, Value]] = [("ContentTime", lambda h: h.content_time), ("SeriesTime", lambda h: h.series_time)]


@dataclass
class Timing:
    """The phases in order, their times in s from the first (None: no tag can time them), the source, and flags."""

    phases: list[Images]
    times: list[float] | None
    source: str
    flags: list[Flag] = field(default_factory=list)


def unwrapped(values: Sequence[float]) -> list[float]:
    """Times of the day made monotonic over midnight: an exam lasts no 12 hours."""
    late = max(values) - min(values) > DAY / 2
    return [value + DAY if late and value < DAY / 2 else value for value in values]


def stated(images: Images) -> float | None:
    """The time in s that a series' description gives (`..._TT=608.1s`), None without one."""
    found = STATED.search(images[0].description)
    return float(found[1]) * UNITS[(found[2] or "s").lower()] if found else None


def earliest(images: Images, value: Value) -> float | None:
    """The first of the images' values, None where one has none."""
    found = [value(image) for image in images]
    return None if not found or None in found else min(unwrapped([v for v in found if v is not None]))


def time_phases(series: list[list[Images]]) -> Timing | None:
    """Order and time the phases of the dynamic series.

    series: for each series, in order of series number, its phases in order. Returns None where nothing tells in which
    order the series were acquired. A source is refused where a phase lacks it, where two phases have the same time, or
    where its times do not rise in the order of the phases; then the next one is tried.
    """
    ordered = _in_order(series)
    if ordered is None:
        return None
    phases = [images for parts in ordered for images in parts]
    flags: list[Flag] = []
    if ordered != series and len({parts[0][0].series_number for parts in series}) == len(series):
        sentence = "the series' acquisition times do not rise with their numbers; the times are followed"
        flags.append({"code": "series_order", "sentence": sentence})
    found = [(times, name) for times, name, shortest in _candidates(ordered) if _plausible(times, shortest)]
    if not found:
        return Timing(phases, None, UNKNOWN, flags)
    times, source = found[0]
    if source.endswith("duration"):
        sentence = "the phase before contrast is placed by its duration, as if no pause had followed it"
        flags.append({"code": "first_time_estimated", "sentence": sentence})
    length = times[-1] - times[0]
    for other, name in found[1:]:
        span = other[-1] - other[0]
        weaker = name.startswith(tuple(n for n, _ in CREATED)) or name.endswith("duration")
        if abs(span - length) > AGREE_SHARE * length and not weaker:
            sentence = f"the phases span {length:.0f} s by {source} but {span:.0f} s by {name}; the former is taken"
            flags.append({"code": "times_disagree", "sentence": sentence})
            break
    return Timing(phases, [round(t - times[0], 3) for t in times], source, flags)


def _in_order(series: list[list[Images]]) -> list[list[Images]] | None:
    """The series in order of acquisition: by their stated times, acquisition times, numbers, or creation times."""
    if len(series) == 1:
        return series
    for value in (stated_value, *(v for _, v in ACQUIRED), _number, *(v for _, v in CREATED)):
        keys = [earliest([image for images in parts for image in images], value) for parts in series]
        known = [key for key in keys if key is not None]
        if len(set(known)) == len(series):
            rank = known if value in (_number, stated_value) else unwrapped(known)
            return [series[i] for i in sorted(range(len(series)), key=rank.__getitem__)]
    return None


def stated_value(image: Header) -> float | None:
    """`stated` of one image."""
    return stated([image])


def _number(image: Header) -> float:
    return float(image.series_number)


def _plausible(times: list[float], shortest: float) -> bool:
    gaps = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    return min(gaps, default=0.0) >= shortest and times[-1] - times[0] <= LONGEST_S


def _candidates(series: list[list[Images]]) -> Iterator[tuple[list[float], str, float]]:
    """All ways to time the phases, the best first: times in s, the source, the shortest believable gap in s."""
    phases = [images for parts in series for images in parts]
    trigger = [_seconds(earliest(images, lambda h: h.trigger_time)) for images in phases]
    if len(series) == 1:
        if (times := _all([earliest(images, lambda h: h.time_offset) for images in phases])) is not None:
            yield times, "TemporalPositionTimeOffset", SHORTEST_S
        if (times := _all(trigger)) is not None:
            yield times, "TriggerTime", SHORTEST_S
    else:
        yield from _by_description(series)
    for name, value in ACQUIRED:
        if (times := _clock(phases, value)) is not None:
            yield times, name, SHORTEST_S
    if len(series) > 1:
        # GE counts TriggerTime anew in each series, from the start that the series' clock gives.
        within = [t or 0.0 for t in trigger]
        for name, value in (*ACQUIRED, CREATED[1]):
            starts = _clock([[image for images in parts for image in images] for parts in series], value)
            if starts is not None and _counted(series, trigger):
                clock = [start for start, parts in zip(starts, series, strict=True) for _ in parts]
                yield [c + w for c, w in zip(clock, within, strict=True)], f"{name} and TriggerTime", SHORTEST_S
        yield from _by_duration(series, trigger)
    for name, value in CREATED:
        if (times := _clock(phases, value)) is not None:
            yield times, name, SHORTEST_CREATED_S


def _counted(series: list[list[Images]], trigger: list[float | None]) -> bool:
    """Whether each series of several phases has trigger times, and its one clock time cannot time them itself."""
    left = list(trigger)
    for parts in series:
        own, left = left[: len(parts)], left[len(parts) :]
        if len(parts) > 1 and None in own:
            return False
    return any(len(parts) > 1 for parts in series)


def _by_description(series: list[list[Images]]) -> Iterator[tuple[list[float], str, float]]:
    """Times stated in the descriptions; a series before contrast without one is placed by its acquisition time."""
    if any(len(parts) > 1 for parts in series):
        return
    given = [stated(parts[0]) for parts in series]
    if (times := _all(given)) is not None:
        yield times, "SeriesDescription", SHORTEST_S
    elif given[0] is None and (later := _all(given[1:])) is not None:
        for name, value in ACQUIRED:
            clock = _clock([parts[0] for parts in series[:2]], value)
            if clock is not None:
                yield [later[0] - (clock[1] - clock[0]), *later], f"SeriesDescription and {name}", SHORTEST_S


def _by_duration(series: list[list[Images]], trigger: list[float | None]) -> Iterator[tuple[list[float], str, float]]:
    """GE's trigger times of the phases after contrast, and the one before as long before the first as it lasted."""
    duration = earliest(series[0][0], lambda h: h.duration) if len(series[0]) == 1 else None
    if duration and (later := _all(trigger[1:])) is not None:
        yield [later[0] - duration, *later], "TriggerTime and duration", SHORTEST_S


def _clock(groups: list[Images], value: Value) -> list[float] | None:
    found = _all([earliest(images, value) for images in groups])
    return None if found is None else unwrapped(found)


def _all(values: Sequence[float | None]) -> list[float] | None:
    known = [value for value in values if value is not None]
    return known if known and len(known) == len(values) else None


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
