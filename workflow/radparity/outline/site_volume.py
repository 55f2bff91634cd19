"""What a UCSF segmentation object says of its functional tumour volume: box, thresholds, phases and voxel count.

All of it stands in the private group 0117 of DICOM SEG of the collections ISPY1 and Breast-MRI-NACT-Pilot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radparity.record import DataFault

if TYPE_CHECKING:
    from pydicom import Dataset

GROUP, CREATOR = 0x0117, "UCSF BIRP PRIVATE CREATOR 011710xx"
# Elements of the group.
SETTINGS, NAME, INTEGER = 0x10, 0x14, 0x19
BOXES, CENTRE, HALF_AXES, KIND = 0x20, 0x42, (0x43, 0x44, 0x45), 0x46
TIMES, USED = 0x34, 0x35
VOLUMES, VOXELS, LABEL = 0xB0, 0xB3, 0xB5
THRESHOLD = "pre_contrast_threshold"
PERCENT = re.compile(r"PEearly\s*>\s*([\d.]+)\s*%")
COUNTED, LEFT_OUT = "VOI", "OMIT"
LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])


class Box(NamedTuple):
    """A box, also an oblique one. centre (3), half_axes (3, 3: one a row), RAS, mm."""

    centre: NDArray[np.float64]
    half_axes: NDArray[np.float64]


@dataclass(frozen=True)
class SiteVolume:
    """A functional tumour volume as its site describes it.

    boxes are those that it is counted in, omitted those within them that are left out; threshold: of the phase before
    contrast, raw intensity; percent: of early enhancement; times: of the phases before contrast, early and late, in s
    from injection; phases: how many the site had; voxels: how many it counted.
    """

    boxes: tuple[Box, ...]
    threshold: float
    percent: float
    times: tuple[float, float, float]
    phases: int = 3
    voxels: int = 0
    omitted: tuple[Box, ...] = ()


def is_of_site(data: Dataset) -> bool:
    """Whether an object has the private group that the thresholds stand in."""
    return CREATOR in data.private_creators(GROUP)


def read_site_volume(data: Dataset, name: str) -> SiteVolume:
    """The functional tumour volume that a segmentation object describes; name: what sentences call it.

    Raises DataFault `rule_group` where it describes none, `rule_box`, `rule_thresholds` and `rule_phases` where a part
    of the description is missing.
    """
    if not is_of_site(data):
        raise DataFault(
            "rule_group",
            f"{name} has no private group of UCSF, which says how a functional tumour volume was made. Name the site's"
            " segmentation of this exam, or leave the column `rule` empty",
        )
    boxes = [(str(_of(item, KIND) or ""), _box(item)) for item in _items(data, BOXES)]
    counted = tuple(box for kind, box in boxes if kind == COUNTED and box)
    omitted = tuple(box for kind, box in boxes if kind == LEFT_OUT and box)
    if not counted or len(counted) + len(omitted) != len(boxes):
        raise DataFault("rule_box", f"{name} does not say which box its functional tumour volume is counted in. {MEND}")
    settings = {str(_of(item, NAME)): _number(_of(item, INTEGER)) for item in _items(data, SETTINGS)}
    threshold = settings.get(THRESHOLD)
    found = [(item, PERCENT.search(str(_of(item, LABEL) or ""))) for item in _items(data, VOLUMES)]
    percents = [(item, float(match.group(1))) for item, match in found if match]
    if threshold is None or len(percents) != 1:
        raise DataFault(
            "rule_thresholds", f"{name} does not say which thresholds its tumour volume was made with. {MEND}"
        )
    times = [_number(value) for value in _several(_of(data, TIMES))]
    used = [_number(value) for value in _several(_of(data, USED))]
    item, percent = percents[0]
    return SiteVolume(
        counted,
        threshold,
        percent,
        _three(times, used, name),
        len(times),
        int(_number(_of(item, VOXELS)) or 0),
        omitted,
    )


MEND = "Fetch it again, or leave the column `rule` of the readings sheet empty and name an outline"


def _three(times: list[float | None], used: list[float | None], name: str) -> tuple[float, float, float]:
    """The times before contrast, early and late: all that are listed, or of more the three that were used."""
    known = [time for time in times if time is not None]
    if len(known) == len(times) > 3 and len(used) == 3 and all(n is not None and 0 <= n < len(times) for n in used):
        known = [known[int(n)] for n in used if n is not None]
    if len(known) != 3 or known != sorted(set(known)):
        raise DataFault("rule_phases", f"{name} does not say when its three phases were taken. {MEND}")
    return known[0], known[1], known[2]


def _box(item: Dataset) -> Box | None:
    vectors = [[_number(value) for value in _several(_of(item, element))[:3]] for element in (CENTRE, *HALF_AXES)]
    if any(len(vector) != 3 or None in vector for vector in vectors):
        return None
    found = np.array(vectors, dtype=float) * LPS_TO_RAS
    return Box(found[0], found[1:]) if (np.linalg.norm(found[1:], axis=1) > 0).all() else None


def _of(data: Dataset, element: int) -> Any:
    """The value of a private element; None without it."""
    try:
        return data.private_block(GROUP, CREATOR)[element].value
    except KeyError:
        return None


def _items(data: Dataset, element: int) -> Sequence[Dataset]:
    """The items of a private sequence; none where a transfer syntax without types left it as bytes."""
    found = _of(data, element)
    return [] if found is None or isinstance(found, bytes | str) else list(found)


def _several(value: Any) -> list[Any]:
    return [] if value is None else [value] if isinstance(value, str | bytes | int | float) else list(value)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
