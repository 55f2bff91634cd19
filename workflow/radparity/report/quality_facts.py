"""Quality facts: what is measured of a case before any network sees it, and how far each value lies from the others.

Nothing here comes from a network that is compared with the readers, nor from how the readers agree: who excluded cases
by these would change the very result that the study asks for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any, Literal

Record = Mapping[str, Any]
Facts = dict[str, float]
KINDS = {
    "registration": "Registration",
    "harmonization": "Harmonization",
    "mask": "Breast mask",
    "outlines": "Outlines",
    "exam": "Exam",
}
"""Kind of check to its title."""
STAGES = {
    "intake": "exam",
    "convert": "exam",
    "register": "registration",
    "harmonize": "harmonization",
    "mask": "mask",
    "outline": "outlines",
}
"""Stage of preprocessing to the kind of check that its facts and flags belong to."""
CHANNELS = {"t1c": "T1c", "dce_in": "DCE-in", "dce_out": "DCE-out", "t2": "T2"}
LEAST_OF_SCANNER = 8
LARGEST = 100.0
SMALLEST_JACOBIAN = 1e-3


@dataclass(frozen=True)
class Measure:
    """What a fact is called, its digits and unit, which side of the others is bad, and what it is compared with.

    ratio: values are compared by their logarithms. scanner: with cases of the same scanner, where these are enough.
    """

    label: str
    digits: int
    unit: str = ""
    bad: Literal["low", "high", "both"] = "both"
    ratio: bool = False
    scanner: bool = False


MEASURES = {
    "gained": Measure("least likeness gained", 3, bad="low"),
    "likeness": Measure("least likeness after", 3, bad="low"),
    "shrunk": Measure("smallest Jacobian", 2, bad="low", ratio=True),
    "swollen": Measure("largest Jacobian", 2, bad="high", ratio=True),
    "displacement": Measure("largest displacement", 1, " mm", bad="high", ratio=True),
    "enhancing": Measure("volume change where it enhances", 1, " %", bad="high"),
    "divisor": Measure("scale of the images", 0, ratio=True, scanner=True),
    **{f"p95_{key}": Measure(f"95th percentile, {name}", 3, scanner=True) for key, name in CHANNELS.items()},
    "volume": Measure("volume", 0, " ml", ratio=True),
    "wall": Measure("sections with the chest wall seen", 2, bad="low"),
    "contrast": Measure("contrast of the borders", 2, bad="low"),
    "elsewhere": Measure("more contrast at another place", 2, bad="high"),
    "phases": Measure("phases", 0),
    "sections": Measure("sections", 0, ratio=True),
    "section_mm": Measure("distance between sections", 1, " mm", ratio=True),
    "in_plane_mm": Measure("pixel size", 2, " mm", ratio=True),
    "oblique": Measure("oblique by", 0, "°", bad="high"),
    "first_s": Measure("first post-contrast phase", 0, " s"),
    "last_s": Measure("last phase", 0, " s"),
}


def _exam(record: Record) -> Facts:
    times = [phase["time_s"] for phase in record.get("phases", [])]
    timed = {} if None in times or len(times) < 2 else {"first_s": times[1], "last_s": times[-1]}
    return timed | {
        "phases": record["phase_count"],
        "sections": record["sections"],
        "section_mm": record["section_mm"],
        "in_plane_mm": max(record["in_plane_mm"]),
        "oblique": record["oblique_degrees"],
    }


def _registration(record: Record) -> Facts:
    moved = [phase for phase in record.get("quality", []) if "likeness_after" in phase]
    if not moved:
        return {}
    return {
        "gained": min(phase["likeness_after"] - phase["likeness_before"] for phase in moved),
        "likeness": min(phase["likeness_after"] for phase in moved),
        "shrunk": max(SMALLEST_JACOBIAN, min(phase["jacobian"][0] for phase in moved)),
        "swollen": max(phase["jacobian"][1] for phase in moved),
        "displacement": max(phase["largest_displacement_mm"] for phase in moved),
        "enhancing": 100 * max(abs(phase["volume_change_enhancing"]) for phase in moved),
    }


def _harmonization(record: Record) -> Facts:
    named = dict(zip(record["channels"], record.get("p95") or [], strict=False))
    scaled = {"divisor": record["divisors"][0]} if record.get("divisors") else {}
    return scaled | {f"p95_{key}": named[key] for key in CHANNELS if named.get(key) is not None}


def _mask(record: Record) -> Facts:
    found = {"volume": record["volume_ml"], "wall": record.get("wall_seen")}
    return {name: value for name, value in found.items() if value is not None}


def _outlines(record: Record) -> Facts:
    # A reader's own rows are compared with the others' outlines, so they say how the readers agree.
    found = [row for row in record.get("uptake", []) if row["whose"] == "together"]
    scored = [row["score"] for row in found if row["score"] is not None]
    apart = [row["best_score"] - row["score"] for row in found if row["best_score"] is not None]
    return ({"contrast": scored[0]} if scored else {}) | ({"elsewhere": max(apart)} if apart else {})


READ: dict[str, Callable[[Record], Facts]] = {
    "intake": _exam,
    "register": _registration,
    "harmonize": _harmonization,
    "mask": _mask,
    "outline": _outlines,
}


def facts_of(stage: str, record: Record) -> Facts:
    """The facts of one record; none of a record that is not ok or of a stage that measures nothing."""
    if record.get("status") != "ok" or stage not in READ:
        return {}
    return {name: float(value) for name, value in READ[stage](record).items() if math.isfinite(value)}


def distances(values: Mapping[str, float], bad: str = "both") -> dict[str, float]:
    """Unit to how far its value lies from the others' on the bad side, in robust standard deviations; 0 on the good.

    From the median, in units of 1.4826 times the median absolute deviation; where more than half of the values are the
    same, of 1.2533 times the mean absolute deviation (Iglewicz and Hoaglin 1993). At most `LARGEST`.
    """
    middle = median(values.values()) if values else 0.0
    apart = [abs(value - middle) for value in values.values()]
    scale = 1.4826 * median(apart) or 1.2533 * fmean(apart) if apart else 0.0
    signs = {"low": lambda x: -x, "high": lambda x: x, "both": abs}
    return {
        unit: min(LARGEST, max(0.0, signs[bad]((value - middle) / scale))) if scale else 0.0
        for unit, value in values.items()
    }


def outlying(facts: Mapping[str, Facts], scanners: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Unit (exam or breast) to fact to its distance from the other units'.

    scanners: unit to its scanner; a scanner with fewer than `LEAST_OF_SCANNER` units is compared with all.
    """
    found: dict[str, dict[str, float]] = {unit: {} for unit in facts}
    for name in {name for own in facts.values() for name in own}:
        measure = MEASURES[name]
        values = {unit: own[name] for unit, own in facts.items() if name in own}
        if measure.ratio:
            values = {unit: math.log(value) for unit, value in values.items() if value > 0}
        among = distances(values, measure.bad)
        for units in _of_scanners(values, scanners) if measure.scanner else ():
            if len(units) >= LEAST_OF_SCANNER:
                among |= distances({unit: values[unit] for unit in units}, measure.bad)
        for unit, distance in among.items():
            found[unit][name] = distance
    return found


def _of_scanners(units: Iterable[str], scanners: Mapping[str, str]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for unit in units:
        groups.setdefault(scanners.get(unit, ""), []).append(unit)
    return list(groups.values())
