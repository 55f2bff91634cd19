"""Series that share grid, sections and sequence: one acquisition, which may be the dynamic one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cmp_to_key

import numpy as np

from radparity.intake.descriptions import AFTER, BEFORE, plain, role_of_description
from radparity.intake.headers import Header
from radparity.intake.roles import agent, fat_tags, role, sections, summary, suppresses_fat
from radparity.record import DataFault

SAME_SECTIONS = 0.8  # of the smaller series' positions: one lost section must be found as a fault, not as another grid
POSITION_MM, COSINE, SPACING_MM = 0.5, 0.01, 0.01
SAME_TIME = 0.15  # repetition and echo time of phases of one acquisition, as a share
SAME_FLIP_DEG = 2.0
HALF_DAY_S = 43_200.0
ULTRAFAST_S, ULTRAFAST_VOLUMES = 30.0, 6
NUMBERED = re.compile(
    r"^ph[1-9]\d*/|(?:\d(?:st|nd|rd|th)|first|second|third)\W*pas|(?<![a-z])pass\W*\d|(?<![a-z])post(?!e)"
)
BOTH = re.compile(r"(?<![a-z])pre\W{0,3}(?:and\W)?post")
FRAME = re.compile(r"(?<![a-z])tt=([\d.]+)")


@dataclass
class Acquisition:
    """Series of one grid and sequence, in order of time. `key` is its place among the exam's acquisitions."""

    key: int
    series: list[list[Header]] = field(default_factory=list)

    @property
    def volumes(self) -> int:
        """How many volumes all its series hold together."""
        return sum(volumes(images) for images in self.series)

    @property
    def fat_suppressed(self) -> bool | None:
        """Whether fat is suppressed; None where nothing says so."""
        known = [found for images in self.series if (found := suppresses_fat(images)) is not None]
        return known[0] if known else None

    @property
    def ultrafast(self) -> bool:
        """By its words, or by at least six volumes less than 30 s apart."""
        if any(role(images)[0] == "ultrafast" for images in self.series):
            return True
        step = _step(self)
        return step is not None and self.volumes >= ULTRAFAST_VOLUMES and 0 < step < ULTRAFAST_S


def volumes(images: list[Header]) -> int:
    """How often a series covers its sections."""
    return max(1, round(len(images) / sections(images)))


def group(candidates: list[list[Header]], named: list[list[Header]]) -> list[Acquisition]:
    """Candidates gathered into acquisitions. Series that a person named need not share the sequence, only the grid."""
    found: list[Acquisition] = []
    for images in sorted(sorted(candidates, key=in_time), key=lambda images: images not in named):
        for acquisition in found:
            other = acquisition.series[0]
            both_named = images in named and other in named
            if same_grid(images, other) and (both_named or same_sequence(images, other)):
                acquisition.series.append(images)
                break
        else:
            found.append(Acquisition(len(found), [images]))
    for acquisition in found:
        acquisition.series.sort(key=in_time)
    return found


def same_grid(one: list[Header], two: list[Header]) -> bool:
    """Whether two series have the same orientation, matrix, spacing, side and, but for lost ones, sections."""
    a, b = one[0], two[0]
    if (a.rows, a.columns) != (b.rows, b.columns) or _side(a) != _side(b) and _side(a) and _side(b):
        return False
    if not np.allclose(a.orientation, b.orientation, atol=COSINE) or not np.allclose(
        a.spacing, b.spacing, atol=SPACING_MM
    ):
        return False
    few, many = sorted((_places(one), _places(two)), key=len)
    near = np.linalg.norm(few[:, None] - many[None], axis=2).min(axis=1) < POSITION_MM
    return bool(near.mean() >= SAME_SECTIONS)


def same_sequence(one: list[Header], two: list[Header]) -> bool:
    """Whether fat suppression, repetition and echo time and flip angle agree where both headers give them."""
    for fat in ((fat_tags(one), fat_tags(two)), (suppresses_fat(one), suppresses_fat(two))):
        if None not in fat:
            if fat[0] != fat[1]:
                return False
            break
    a, b = one[0], two[0]
    for x, y in ((a.repetition_time, b.repetition_time), (a.echo_time, b.echo_time)):
        if x and y and abs(x - y) > SAME_TIME * max(x, y):
            return False
    return a.flip_angle is None or b.flip_angle is None or abs(a.flip_angle - b.flip_angle) <= SAME_FLIP_DEG


def says(acquisition: Acquisition) -> bool:
    """Whether a description says that it is dynamic."""
    return any(role_of_description(images[0].description)[0] == "dynamic" for images in acquisition.series)


def _after(images: list[Header]) -> bool:
    """Whether the words say after contrast. "+C" or "contrast" on several volumes may name the whole acquisition."""
    text = plain(images[0].description)
    words = NUMBERED.search(text) or AFTER.search(text) and volumes(images) == 1
    return bool(words and not BEFORE.search(text))


def _before(images: list[Header]) -> bool:
    text = plain(images[0].description)
    return bool(BEFORE.search(text) and not BOTH.search(text))


def needs_pre(acquisition: Acquisition) -> bool:
    """Whether every series says that it was acquired after contrast."""
    return all(_after(images) for images in acquisition.series)


def orphans(chosen: Acquisition, acquisitions: list[Acquisition]) -> list[list[Header]]:
    """Single volumes of the chosen sequence and place on another grid, from before it: perhaps its pre-contrast.

    None where the chosen series say themselves which is before and which after contrast.
    """
    if any(_after(images) for images in chosen.series) or any(_before(images) for images in chosen.series):
        return []
    first = chosen.series[0]
    return [
        a.series[0]
        for a in acquisitions
        if a.key != chosen.key
        and a.volumes == 1
        and _earlier(a.series[0], first)
        and same_sequence(a.series[0], first)
        and _overlap(a.series[0], first)
    ]


def left_out(acquisition: Acquisition, named: list[list[Header]], how: str) -> dict[int, str]:
    """Series of an acquisition that are no phase of it, by id(), with the reason.

    Raises DataFault `dynamic_ambiguous` where the headers do not tell.
    """
    free = [images for images in acquisition.series if images not in named]
    whole = [images for images in acquisition.series if volumes(images) > 1]
    if len(whole) > 1:
        if not any(images in named for images in whole):
            raise DataFault(
                "dynamic_ambiguous",
                f"{summary(whole)}: several series of one sequence hold several volumes each. {how}",
            )
        dropped = {id(s): "another series of the same sequence was named by a person" for s in whole if s in free}
        free = [images for images in free if id(images) not in dropped]
        return dropped | _spare(_pre(free, [s for s in acquisition.series if id(s) not in dropped]))
    if not whole:
        return _spare(_pre(free, acquisition.series))
    main = whole[0]
    earlier = [images for images in free if images is not main and _earlier(images, main)]
    text = plain(main[0].description)
    if BOTH.search(text) or _before(main):
        return {id(images): "the series with several volumes says it holds its own pre-contrast" for images in earlier}
    silent = [images for images in earlier if not _before(images) and not _after(main)]
    if silent and main in named:
        return {id(images): "not among the series that a person named" for images in silent}
    if silent:
        raise DataFault(
            "dynamic_ambiguous",
            f"{summary(silent)} lies before {summary([main])}, of the same sequence: its pre-contrast phase, or a"
            f" repeated start? {how}",
        )
    return _spare(earlier)


def _pre(free: list[list[Header]], series: list[list[Header]]) -> list[list[Header]]:
    """The pre-contrast candidates of an acquisition with one series a phase: by words, else by ContrastBolusAgent."""
    after = [images for images in series if _after(images)]
    if after:
        return [images for images in free if not _after(images) and _earlier(images, min(after, key=in_time))]
    if before := [images for images in free if _before(images)]:
        return before
    given = [images for images in series if agent(images)]
    return [s for s in free if not agent(s) and _earlier(s, min(given, key=in_time))] if given else []


def _spare(before: list[list[Header]]) -> dict[int, str]:
    """All pre-contrast candidates but the one with the highest series number (spec section 2)."""
    kept = max(before, key=lambda images: images[0].series_number, default=None)
    return {
        id(images): f"pre-contrast, but series {kept[0].series_number} is too and has the higher number"
        for images in before
        if kept is not None and images is not kept
    }


def _start(images: list[Header]) -> float | None:
    known = [image.acquisition_time for image in images if image.acquisition_time is not None]
    return min(known) if known else None


def _compare(one: list[Header], two: list[Header]) -> int:
    """Negative where the first series is the earlier: by AcquisitionTime, over midnight too, else by series number."""
    a, b = _start(one), _start(two)
    apart = 0.0 if a is None or b is None else (a - b + HALF_DAY_S) % (2 * HALF_DAY_S) - HALF_DAY_S
    return int(np.sign(apart)) or one[0].series_number - two[0].series_number


def _earlier(one: list[Header], than: list[Header]) -> bool:
    return _compare(one, than) < 0


in_time = cmp_to_key(_compare)


def _step(acquisition: Acquisition) -> float | None:
    """Seconds between its volumes, where a frame time, TriggerTime or AcquisitionTime of every image tells."""
    count = acquisition.volumes - 1
    frames = [float(m.group(1)) for s in acquisition.series if (m := FRAME.search(plain(s[0].description)))]
    images = [image for series in acquisition.series for image in series]
    triggers = [image.trigger_time / 1000 for image in images if image.trigger_time is not None]
    times = [image.acquisition_time for image in images if image.acquisition_time is not None]
    if count < 1:
        return None
    for found, wanted in ((frames, len(acquisition.series)), (triggers, len(images)), (times, len(images))):
        if len(found) == wanted and (found is not triggers or len(acquisition.series) == 1) and max(found) > min(found):
            return (max(found) - min(found)) / count
    return None


def _side(header: Header) -> str:
    return header.laterality.upper()[:1]


def _places(images: list[Header]) -> np.ndarray:
    """Positions of the sections, shape (sections, 3), mm."""
    return np.array(sorted({tuple(round(v, 1) for v in image.position) for image in images}))


def _overlap(one: list[Header], two: list[Header]) -> bool:
    """Whether two series lie in one plane and share most of their extent across it."""
    normals = [np.cross(i[0].orientation[:3], i[0].orientation[3:]) for i in (one, two)]
    if abs(float(normals[0] @ normals[1])) < 0.99:
        return False
    (a, b), (c, d) = [(p.min(), p.max()) for p in (_places(i) @ normals[1] for i in (one, two))]
    return bool(min(b, d) - max(a, c) > 0.5 * min(b - a, d - c))
