"""Size and place of a lesion on an exam's own voxels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

AT_ONCE = 1000


def extent(mask: NDArray[np.bool_], affine: NDArray[np.float64]) -> dict[str, Any]:
    """Voxels, volume in cc, longest diameter in mm (between voxel centres, in any direction), centre in mm (RAS+).

    mask: (section, anterior, superior), not empty.
    """
    points = np.argwhere(mask) @ affine[:3, :3].T + affine[:3, 3]
    return {
        "voxels": int(mask.sum()),
        "volume_cc": round(float(mask.sum() * abs(np.linalg.det(affine[:3, :3])) / 1000), 4),
        "longest_diameter_mm": round(longest(mask, affine), 2),
        "centre_mm": [round(float(v), 2) for v in points.mean(axis=0)],
    }


def longest(mask: NDArray[np.bool_], affine: NDArray[np.float64]) -> float:
    """The largest distance in mm between two voxels' centres."""
    # No other voxel of a line can be farther away than its two ends.
    ends = mask & ~(np.cumsum(mask, axis=2) - mask > 0) | mask & ~(_later(mask) > 0)
    points = np.argwhere(ends) @ affine[:3, :3].T
    starts = range(0, len(points), AT_ONCE)
    return max(float(cdist(points[start : start + AT_ONCE], points).max()) for start in starts)


def _later(mask: NDArray[np.bool_]) -> NDArray[np.int_]:
    """Marked voxels beyond each one along the last axis."""
    found: NDArray[np.int_] = mask.sum(axis=2, keepdims=True) - np.cumsum(mask, axis=2)
    return found
