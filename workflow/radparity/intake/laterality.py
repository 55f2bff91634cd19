"""Which breast the images show: by tag, by description, by position."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from radparity.intake.geometry import levels, plane, x_range
from radparity.intake.headers import Header
from radparity.intake.series import dynamic_series
from radparity.record import DataFault

BEYOND_MM = 25.0
"""A volume that reaches farther than this over the midline on both sides may show both breasts ..."""
SURELY_BOTH_MM, LIKELY_BOTH_MM = 210.0, 160.0
"""... surely where it is this wide (no single breast is), and likely from the second width on, if no tag says else."""
STACK_GAP_MM = 15.0
FEWEST_SECTIONS = 8
WHOLE_PHASES = 3
OTHER_SIDE = {"left": "right", "right": "left"}
TAGS = {"L": "left", "R": "right", "B": "both", "LEFT": "left", "RIGHT": "right", "BOTH": "both"}
WORDS = {
    "both": r"(?<![a-z])(bilat\w*|bil|both)(?![a-z])",
    "left": r"(?<![a-z])(left|lt|l[ _]?breast)(?![a-z])",
    "right": r"(?<![a-z])(right|rt|r[ _]?breast)(?![a-z])",
}

Series = list[Header]
Record = list[dict[str, Any]]


def tagged(images: Series) -> str | None:
    """Side by Laterality or ImageLaterality; None where it is missing or not the same on all images."""
    found = {TAGS.get(image.laterality.upper()) for image in images}
    return found.pop() if len(found) == 1 else None


def described(images: Series) -> str | None:
    """Side by the words of the description; None where it names none, or both words."""
    return side_of_words(images[0].description)


def side_of_words(description: str) -> str | None:
    """Side that words name: left, right or both; None where they name none."""
    text = description.lower()
    found = [side for side, words in WORDS.items() if re.search(words, text)]
    return found[0] if len(found) == 1 else "both" if set(found) == {"left", "right"} else None


def positioned(images: Series) -> str | None:
    """Side by patient x (LPS); None where a narrow volume straddles the midline or lies close to it."""
    return _between(*x_range(images))


def _between(low: float, high: float) -> str | None:
    if (low < -BEYOND_MM) != (high > BEYOND_MM):
        return "left" if high > BEYOND_MM else "right"
    return "both" if high - low >= SURELY_BOTH_MM else None


def laterality(images: Series) -> tuple[str | None, str, list[dict[str, str]]]:
    """The side shown (left, right, both, or None: unknown), what says so, and flags.

    Tag before description before position, but a volume that plainly covers both breasts is `both` whatever is written.
    """
    place = positioned(images)
    for side, source in ((tagged(images), "tag"), (described(images), "description")):
        if side is None:
            continue
        if place is None or side == place:
            return side, source, []
        sentence = f"the {source} says {side} but the images lie {_reach(*x_range(images))}, which is {place}"
        flag = {"code": "laterality_disagrees", "sentence": f"{sentence}. Look at the exam"}
        return (place, "position", [flag]) if place == "both" else (side, source, [flag])
    return placed_side(*x_range(images))


def placed_side(low: float, high: float) -> tuple[str | None, str, list[dict[str, str]]]:
    """What `laterality` says where the position alone tells; low, high: of the voxel centres, patient x (LPS), mm."""
    place = _between(low, high)
    if place is None and high - low >= LIKELY_BOTH_MM:
        return "both", "position", []
    if place is None:
        sentence = f"no tag names the side and the images lie {_reach(low, high)}, over the midline. Look at the exam"
        return None, "unknown", [{"code": "laterality_unknown", "sentence": sentence}]
    return place, "position", []


def _reach(low: float, high: float) -> str:
    return f"from {-high:.0f} to {-low:.0f} mm right of the midline"


def stacks(images: Series) -> list[Series]:
    """A sagittal series of two stacks, one a breast, as two; any other as it is."""
    if len({image.orientation for image in images}) > 1 or plane(images[0])[0] != "sagittal":
        return [images]
    level = np.array(levels(images))
    x = np.array([image.position[0] for image in images])
    where = np.array([float(np.median(x[level == n])) for n in range(level.max() + 1)])
    if len(where) < 2 * FEWEST_SECTIONS:
        return [images]
    gaps = np.abs(np.diff(where))
    widest = int(np.argmax(gaps))
    sides = where[: widest + 1], where[widest + 1 :]
    apart = gaps[widest] > max(STACK_GAP_MM, 3 * float(np.median(gaps)))
    if not apart or min(map(len, sides)) < FEWEST_SECTIONS or np.sign(sides[0].mean()) == np.sign(sides[1].mean()):
        return [images]
    first = level <= widest
    return [[image for image, f in zip(images, first, strict=True) if f == own] for own in (True, False)]


def one_side(images: Series) -> str | None:
    """The only breast a series shows, None where it shows both or nothing tells."""
    side = laterality(images)[0]
    return side if side in OTHER_SIDE else None


def dynamic_of_side(
    series: list[Series], side: str | None, roles: Mapping[int, str] | None
) -> tuple[list[Series], Record]:
    """The dynamic series of one breast where each breast has its own, and the record of every series.

    Raises DataFault `two_sides` where both breasts have whole dynamic series and no side is asked for, `side_missing`
    where the asked side has none; and what radparity.intake.series.dynamic_series raises.
    """
    own = [stack for images in series for stack in stacks(images)]
    sides = [one_side(stack) for stack in own]
    if side is None and not set(OTHER_SIDE) <= set(sides):
        return dynamic_series(own, roles)
    found: dict[str, tuple[list[Series], Record]] = {}
    faults: dict[str, DataFault] = {}
    for wanted in OTHER_SIDE if side not in OTHER_SIDE else [side]:
        try:
            found[wanted] = _without(OTHER_SIDE[wanted], own, sides, roles)
        except DataFault as fault:
            faults[wanted] = fault
    if side in OTHER_SIDE:
        if side in faults:
            raise faults[side]
        if not found[side][0] and OTHER_SIDE[side] in sides:
            raise DataFault(
                "side_missing",
                f"no dynamic series shows the {side} breast, for which the exams sheet asks, but there are series of"
                " the other. Correct the column `side`",
            )
        return found[side]
    whole = [name for name, (chosen, _) in found.items() if _whole(chosen)]
    if len(whole) == 2 and _files(found["left"][0]) != _files(found["right"][0]):
        raise DataFault(
            "two_sides",
            "left and right breast have dynamic series of their own. Write two rows for this folder in the exams sheet,"
            " with `left` and `right` in the column `side`",
        )
    if not whole and faults:
        raise next(iter(faults.values()))
    return found[whole[0] if whole else max(found, key=lambda name: len(_files(found[name][0])))]


def _without(
    other: str, own: list[Series], sides: list[str | None], roles: Mapping[int, str] | None
) -> tuple[list[Series], Record]:
    """The dynamic series among those that do not show the other breast alone, and the record of all series."""
    chosen, record = dynamic_series([s for s, side in zip(own, sides, strict=True) if side != other], roles)
    rest = [
        {
            "number": images[0].series_number,
            "description": images[0].description,
            "images": len(images),
            "role": "other",
            "reason": f"shows the {other} breast alone, and the other one is asked for",
            "file": images[0].file,
        }
        for images, side in zip(own, sides, strict=True)
        if side == other
    ]
    return chosen, sorted([*record, *rest], key=lambda entry: int(str(entry["number"])))


def _files(chosen: list[Series]) -> set[str]:
    return {image.file for images in chosen for image in images}


def _whole(chosen: list[Series]) -> bool:
    """Whether every section is there often enough for a dynamic series."""
    images = [image for s in chosen for image in s]
    return bool(images) and len(images) >= WHOLE_PHASES * len(set(levels(images)))
