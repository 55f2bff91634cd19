"""Facts: what is measured of one case to tell cohorts apart, from its records and its images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radparity.tissue import tissue_level

ACQUIRED, BEFORE, AFTER = "acquisition", "before harmonization", "after harmonization"
PARTS = (ACQUIRED, BEFORE, AFTER)
# Of Immerkaer (1996): blind to what is constant or linear; the sum of its squares is 36.
DIFFERENCE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


class Fact(NamedTuple):
    """part: one of PARTS, or empty where harmonization changes nothing of it. unit: empty of scaled intensities."""

    part: str
    meaning: str
    unit: str = ""


_INTENSITIES = {
    "t1c_p05": "5th percentile of the first phase after contrast, in the breast",
    "t1c_p50": "its median",
    "t1c_p95": "its 95th percentile",
    "dce_in_p50": "median of the uptake (first phase after contrast minus before), in the breast",
    "dce_in_p99": "99th percentile of the uptake: its peak",
    "dce_out_p05": "5th percentile of the slope after contrast: washout",
    "dce_out_p50": "median of that slope",
    "noise": "noise of the first phase after contrast, in the breast (Immerkaer)",
}
FACTS: dict[str, Fact] = {
    "tesla": Fact(ACQUIRED, "field strength", "T"),
    "repetition_ms": Fact(ACQUIRED, "repetition time", "ms"),
    "echo_ms": Fact(ACQUIRED, "echo time", "ms"),
    "flip_degrees": Fact(ACQUIRED, "flip angle", "degrees"),
    "in_plane_mm": Fact(ACQUIRED, "pixel size, the larger of the two", "mm"),
    "section_mm": Fact(ACQUIRED, "distance of sections", "mm"),
    "rows": Fact(ACQUIRED, "rows of the matrix"),
    "columns": Fact(ACQUIRED, "columns of the matrix"),
    "sections": Fact(ACQUIRED, "sections of a phase"),
    "covered_mm": Fact(ACQUIRED, "extent across the sections", "mm"),
    "phases": Fact(ACQUIRED, "phases"),
    "first_s": Fact(ACQUIRED, "from the phase before contrast to the first one after", "s"),
    "last_s": Fact(ACQUIRED, "from the phase before contrast to the last one", "s"),
    "tissue_ratio": Fact(
        "", "bright tissue over dark tissue before contrast, medians of the two sides of Otsu's split"
    ),
    "uptake_ratio": Fact("", "peak of the uptake over the median before contrast, in the breast"),
    **{f"raw_{name}": Fact(BEFORE, meaning, "raw") for name, meaning in _INTENSITIES.items()},
    **{f"scaled_{name}": Fact(AFTER, meaning) for name, meaning in _INTENSITIES.items()},
}
Values = dict[str, float | None]


def acquisition_facts(intake: Mapping[str, Any], times: Sequence[float | None]) -> Values:
    """What the records say of how an exam was acquired; None where a header does not tell.

    times: of the phases, in s, the first before contrast.
    """
    sequence = intake.get("sequence", {})
    start = times[0] if times else None
    after = [None if start is None or time is None else float(time - start) for time in times[1:]]
    return {
        "tesla": intake["scanner"].get("tesla"),
        "repetition_ms": sequence.get("repetition_ms"),
        "echo_ms": sequence.get("echo_ms"),
        "flip_degrees": sequence.get("flip_degrees"),
        "in_plane_mm": max(intake["in_plane_mm"]),
        "section_mm": intake["section_mm"],
        "rows": intake["matrix"][0],
        "columns": intake["matrix"][1],
        "sections": intake["sections"],
        "covered_mm": round(intake["sections"] * intake["section_mm"], 3),
        "phases": intake["phase_count"],
        "first_s": after[0] if after else None,
        "last_s": after[-1] if after else None,
    }


def image_facts(
    channels: NDArray[np.float32], breast: NDArray[np.bool_], harmonized: Mapping[str, Any], first_s: float | None
) -> Values:
    """Intensities in the breast, as the network sees them and as they were before the exam's own scaling.

    channels: (section, anterior, superior, channel) on the breast's grid; breast: its mask there; harmonized: the
    record of `harmonize`, whose offsets and divisors undo the scaling; first_s: seconds from the phase before contrast
    to the first after it, needed where DCE-in is a rate. Both sides are measured on the same voxels, so what differs
    between them is the scaling alone. None where the mask is empty.
    """
    found: Values = dict.fromkeys(name for name, fact in FACTS.items() if fact.part != ACQUIRED)
    if not breast.any():
        return found
    place = {name: harmonized["channels"].index(name) for name in ("t1c", "dce_in", "dce_out")}
    scale = {name: (harmonized["offsets"][k], harmonized["divisors"][k]) for name, k in place.items()}
    inside = {name: channels[..., k][breast].astype(np.float64) for name, k in place.items()}
    for name in _INTENSITIES:
        channel, _, share = name.rpartition("_p")
        offset, divisor = scale[channel or "t1c"]
        value = float(np.percentile(inside[channel], int(share))) if channel else noise(channels[..., 0], breast)
        found[f"scaled_{name}"] = value
        # A level of noise has no offset.
        found[f"raw_{name}"] = None if value is None else value * divisor + (offset if channel else 0.0)
    raw = {name: inside[name] * scale[name][1] + scale[name][0] for name in ("t1c", "dce_in")}
    seconds = first_s if harmonized["dce_in"] == "rate" else 1.0
    if seconds is not None:
        uptake = raw["dce_in"] * seconds
        before = raw["t1c"] - uptake
        found["tissue_ratio"] = _tissue_ratio(before)
        middle = float(np.median(before))
        found["uptake_ratio"] = float(np.percentile(uptake, 99)) / middle if middle > 0 else None
    return found


def noise(volume: NDArray[np.float32], breast: NDArray[np.bool_]) -> float | None:
    """The standard deviation of noise in the breast, by differences that vanish on smooth tissue (Immerkaer 1996).

    volume: (section, anterior, superior); each section is looked at alone, where all nine voxels lie in the breast.
    On a resampled grid it is that of the resampled image. None where no voxel is deep enough in the breast.
    """
    inner = ndimage.binary_erosion(breast, np.ones((1, 3, 3), bool))
    if not inner.any():
        return None
    difference = ndimage.convolve(volume.astype(np.float32), DIFFERENCE[None])[inner]
    return float(np.sqrt(np.pi / 2) / 6 * np.mean(np.abs(difference), dtype=np.float64))


def _tissue_ratio(before: NDArray[np.float64]) -> float | None:
    level = tissue_level(before)
    bright, dark = before[before > level], before[(before <= level) & (before > 0)]
    return float(np.median(bright) / np.median(dark)) if bright.size and dark.size else None
