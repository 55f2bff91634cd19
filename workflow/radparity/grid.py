"""The grid of one breast: which sections of a volume are its own, and the in-plane resampling."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radparity.record import DataFault

COARSE_MM = 0.6
BOTH_SIDES_MM = 25.0


def cut_breast(
    volume: NDArray[Any], affine: NDArray[np.float64], side: str
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """The sections of one side. Axes (section, anterior, superior[, phase]); sections count to the patient's right.

    A volume that reaches far over both sides of the midline is bilateral and is cut at patient x = 0; one that lies on
    one side is taken whole (spec section 3). Raises DataFault `side_disagrees` where the volume lies on the other side.
    """
    x = affine[0, 3] + affine[0, 0] * np.arange(volume.shape[0])
    if x.min() < -BOTH_SIDES_MM and x.max() > BOTH_SIDES_MM:
        own = np.flatnonzero(x < 0 if side == "left" else x > 0)
        first, last = int(own[0]), int(own[-1])
        shifted = affine.copy()
        shifted[:3, 3] = affine[:3, 3] + affine[:3, 0] * first
        return volume[first : last + 1], shifted
    lies = "left" if x.mean() < 0 else "right"
    if lies != side:
        raise DataFault(
            "side_disagrees",
            f"the volume lies on the patient's {lies} (x from {x.min():.0f} to {x.max():.0f} mm) but the breasts sheet"
            f" says {side}. Correct the column side",
        )
    return volume, affine


def in_plane_factor(affine: NDArray[np.float64], rule: str | float) -> float:
    """How much finer the in-plane grid becomes: 2 above 0.6 mm (`double`), 1 (`off`), or what a spacing in mm needs."""
    spacing = float(np.linalg.norm(affine[:3, 1]))
    if rule == "off":
        return 1.0
    if rule == "double":
        return 2.0 if spacing > COARSE_MM else 1.0
    return spacing / float(rule)


def resample_in_plane(
    volume: NDArray[Any], affine: NDArray[np.float64], rule: str | float, order: int = 1
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Resample (section, anterior, superior) in-plane. Sections and the edges of the field of view stay.

    order: 1 linear for images, 0 nearest for masks. Returns the volume and its affine.
    """
    factor = in_plane_factor(affine, rule)
    if factor == 1.0:
        return volume, affine
    shape = np.array([volume.shape[0], *(int(n * factor + 1e-6) for n in volume.shape[1:])])
    ratio = np.array(volume.shape) / shape
    grid = affine.copy()
    # Voxel i of the new grid has its centre at (i + 0.5) * ratio - 0.5 of the old one.
    grid[:3, :3] = affine[:3, :3] * ratio
    grid[:3, 3] = affine[:3, 3] + affine[:3, :3] @ (0.5 * ratio - 0.5)
    resampled = ndimage.affine_transform(
        volume,
        np.diag(ratio),
        offset=0.5 * ratio - 0.5,
        output_shape=tuple(shape),
        order=order,
        mode="nearest",
        prefilter=False,
    )
    return resampled, grid
