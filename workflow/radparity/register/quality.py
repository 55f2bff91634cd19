"""Quality of a registration: what is measured for every phase, and what flags an exam."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radparity.register.field import jacobian
from radparity.register.settings import Limits

TISSUE_PERCENTILE = 60
UPTAKE_PERCENTILE = 99


def tissue_mask(target: NDArray[Any]) -> NDArray[np.bool_]:
    """The brighter part of the target phase (section, anterior, superior): tissue, without most air."""
    found: NDArray[np.bool_] = target > np.percentile(target, TISSUE_PERCENTILE)
    return found


def enhancing_mask(target: NDArray[Any], before: NDArray[Any], tissue: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The hundredth of the tissue with the strongest uptake: what a lesion looks like, and what must keep its volume.

    before: the pre-contrast phase on the target. No outline exists at this stage, and heart and vessels count too.
    """
    uptake = ndimage.uniform_filter(target - before, 3, output=np.float32)
    found: NDArray[np.bool_] = tissue & (uptake > np.percentile(uptake[tissue], UPTAKE_PERCENTILE))
    return found


def likeness(one: NDArray[Any], other: NDArray[Any], where: NDArray[np.bool_]) -> float:
    """Pearson correlation of two volumes' square-rooted intensities inside a mask; 0 where one is constant."""
    pair = [np.sqrt(np.maximum(volume[where], 0)) for volume in (one, other)]
    if min(float(values.std()) for values in pair) == 0:
        return 0.0
    return float(np.corrcoef(*pair)[0, 1])


def measure(
    field: NDArray[np.float32],
    spacing: NDArray[np.float64],
    tissue: NDArray[np.bool_],
    enhancing: NDArray[np.bool_],
) -> dict[str, Any]:
    """Displacement in mm and local change of volume in tissue, and in the strongly enhancing tissue.

    field: (section, anterior, superior, 3) in mm.
    """
    change = jacobian(field, spacing)
    inside, lesion = change[tissue], change[enhancing]
    length = np.linalg.norm(field[tissue], axis=-1)
    return {
        "jacobian": [round(float(inside.min()), 4), round(float(inside.max()), 4)],
        "jacobian_enhancing": [round(float(lesion.min()), 4), round(float(lesion.max()), 4)],
        "volume_change_enhancing": round(float(lesion.mean()) - 1, 4),
        "mean_displacement_mm": round(float(length.mean()), 4),
        "largest_displacement_mm": round(float(length.max()), 4),
    }


def flags(quality: list[dict[str, Any]], limits: Limits) -> list[dict[str, str]]:
    """What lies beyond the limits: one flag a kind, naming its phases. The exam stays in the study."""
    low, high = limits.jacobian
    moved = [q for q in quality if "likeness_after" in q]
    found = []

    def flag(code: str, phases: list[str], sentence: str) -> None:
        if phases:
            found.append({"code": code, "sentence": f"{sentence}: {', '.join(phases)}. Look at quality.png"})

    flag(
        "registration_worse",
        [
            f"phase {q['phase'] + 1} from {q['likeness_before']:.3f} to {q['likeness_after']:.3f}"
            for q in moved
            if q["likeness_after"] < q["likeness_before"] - limits.worse
        ],
        "registration made phases less like the first post-contrast one",
    )
    flag(
        "registration_folds",
        [
            f"phase {q['phase'] + 1} {q['jacobian'][0]:.2f} to {q['jacobian'][1]:.2f}"
            for q in moved
            if q["jacobian"][0] < low or q["jacobian"][1] > high
        ],
        f"the local change of volume leaves {low:g} to {high:g}",
    )
    flag(
        "lesion_volume_changed",
        [
            f"phase {q['phase'] + 1} by {100 * q['volume_change_enhancing']:+.0f} %"
            for q in moved
            if abs(q["volume_change_enhancing"]) > limits.volume_change
        ],
        f"registration changes the volume of strongly enhancing tissue by more than {100 * limits.volume_change:g} %",
    )
    return found
