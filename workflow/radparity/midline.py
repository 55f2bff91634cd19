"""Midline: where a volume of both breasts is cut in two.

A bilateral volume is cut at patient x = 0 where that lies between the breasts, else at the valley between them that the
image itself shows: patients lie off the scanner's centre, and exports lose origins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radparity.record import DataFault
from radparity.tissue import tissue_mask

BOTH_SIDES_MM = 25.0
"""A volume that reaches this far over both sides of x = 0 says that it shows both breasts."""
ONE_BREAST_MM = 210.0
"""No volume of a single breast is wider (Hirsch's group take 60 to 198 mm for usual)."""
STEP_MM = 3.0
CLEAR_MM = 10.0
FLOOR_MM = 5.0
CENTRAL = (0.2, 0.8)


@dataclass(frozen=True)
class Valley:
    """A low between two summits of the anterior surface: its middle (patient x, mm), its depth below the lower summit
    in mm, and whether both summits rise alike over it."""

    x_mm: float
    depth_mm: float
    alike: bool


def section_positions(affine: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Patient x in mm of the centre of each section (axis 0), growing to the patient's right; holds if oblique too."""
    centre = affine[0, 3] + affine[0, 1] * (shape[1] - 1) / 2 + affine[0, 2] * (shape[2] - 1) / 2
    positions: NDArray[np.float64] = centre + affine[0, 0] * np.arange(shape[0])
    return positions


def anterior_surface(image: NDArray[Any], spacing: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far forward the tissue of each section reaches, in mm from the volume's posterior edge.

    image: (section, anterior, superior). The mean over the middle half of the superior axis, so that neither belly nor
    chin count; noise in front of the breast does not, since only the largest connected tissue does.
    """
    steps = [max(1, int(STEP_MM / s)) for s in spacing]
    labels, count = ndimage.label(tissue_mask(image[:: steps[0], :: steps[1], :: steps[2]]))
    if count == 0:
        return np.zeros(image.shape[0])
    tissue = labels == np.argmax(np.bincount(labels.ravel())[1:]) + 1
    reach = tissue.shape[1] - np.argmax(tissue[:, ::-1], axis=1)
    reach = np.where(tissue.any(axis=1), reach, 0) * steps[1] * spacing[1]
    rows = reach.shape[1]
    middle = reach[:, rows // 4 : max(rows - rows // 4, rows // 4 + 1)].mean(axis=1)
    surface: NDArray[np.float64] = np.interp(np.arange(image.shape[0]), np.arange(len(middle)) * steps[0], middle)
    return surface


def find_valley(surface: NDArray[np.float64], x: NDArray[np.float64]) -> Valley | None:
    """The deepest valley of the surface in the middle of the tissue; None where none is 10 mm deep.

    A flat floor (the sternum) is met in its middle.
    """
    smooth = ndimage.gaussian_filter1d(surface, STEP_MM / abs(x[1] - x[0]), mode="nearest")
    held = np.flatnonzero(smooth > 0)
    if not held.size:
        return None
    left, right = np.maximum.accumulate(smooth), np.maximum.accumulate(smooth[::-1])[::-1]
    depth = np.minimum(left, right) - smooth
    low, high = (x[held[0]] + share * (x[held[-1]] - x[held[0]]) for share in CENTRAL)
    depth[(x < low) | (x > high)] = 0
    at = int(np.argmax(depth))
    if depth[at] < CLEAR_MM:
        return None
    floor = smooth <= smooth[at] + FLOOR_MM / 2
    first = at - int(np.argmin(floor[at::-1])) + 1 if not floor[: at + 1].all() else 0
    last = at + int(np.argmin(floor[at:])) - 1 if not floor[at:].all() else len(x) - 1
    rises = left[at] - smooth[at], right[at] - smooth[at]
    return Valley(float((x[first] + x[last]) / 2), float(depth[at]), min(rises) >= max(rises) / 2)


def find_midline(image: NDArray[Any], affine: NDArray[np.float64]) -> tuple[float, str] | None:
    """Patient x of the midline in mm and where it is from, `origin` or `image`; None for a volume of one breast.

    image: (section, anterior, superior), RAS+. x = 0 is believed where it lies in the valley between the breasts, or
    where the image shows no valley and nothing speaks against it.
    Raises DataFault `midline_unclear` where origin and image contradict each other and neither can be believed.
    """
    x = section_positions(affine, image.shape)
    if len(x) < 2:
        return None
    surface = anterior_surface(image, np.linalg.norm(affine[:3, :3], axis=0))
    valley = find_valley(surface, x)
    extent = f"x from {x[0]:.0f} to {x[-1]:.0f} mm"
    if x[0] < -BOTH_SIDES_MM and x[-1] > BOTH_SIDES_MM:
        here = float(np.interp(0, x, surface))
        if valley is not None:
            floor = float(np.interp(valley.x_mm, x, surface))
            return (0.0, "origin") if here - floor <= FLOOR_MM else (valley.x_mm, "image")
        if surface.max() - surface.min() > CLEAR_MM and surface.max() - here < FLOOR_MM:
            raise DataFault(
                "midline_unclear",
                f"by its origin the volume shows both breasts ({extent}), but the tissue reaches furthest forward at"
                " x = 0 and no valley between two breasts is found. Fetch the exam again, with its origin",
            )
        return 0.0, "origin"
    wide = x[-1] - x[0] > ONE_BREAST_MM
    if valley is not None and valley.alike and wide:
        return valley.x_mm, "image"
    if wide or (valley is not None and valley.alike):
        shows = "shows two" if valley is not None and valley.alike else f"is {x[-1] - x[0]:.0f} mm wide"
        raise DataFault(
            "midline_unclear",
            f"by its origin the volume shows one breast ({extent}), but it {shows}. Fetch the exam again, with its"
            " origin",
        )
    return None
