"""What the engines see of two phases: the tissue alone, on a coarse grid, in intensities that contrast hardly changes.

Breast deforms smoothly, so its field is found on a coarse grid, which costs a tenth of the native one. Contrast
brightens gland, vessels and lesions by unlike factors; after the square root and a normalization by mean and standard
deviation in a window, what remains is structure, which both phases share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

TISSUE_SHARE = 0.15
BORDER_MM = 8.0
# In units of the volume's 95th percentile after the square root: keeps noise in air from being blown up to structure.
FLOOR = 0.3

Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Pair:
    """Two phases on the coarse grid (section, anterior, superior) with its spacing in mm, and where they come from."""

    fixed: NDArray[np.float32]
    moving: NDArray[np.float32]
    spacing: NDArray[np.float64]
    box: Box
    shape: tuple[int, int, int]

    def fine(self, field: NDArray[np.float32]) -> NDArray[np.float32]:
        """A field (..., 3) on the coarse grid, brought to the whole native one; outside the box its border goes on."""
        sizes = np.array([part.stop - part.start for part in self.box])
        ratio = np.array(field.shape[:3]) / sizes
        at = [
            np.clip((np.arange(n) - part.start + 0.5) * r - 0.5, 0, m - 1)
            for n, part, r, m in zip(self.shape, self.box, ratio, field.shape, strict=False)
        ]
        out = np.empty((3, *self.shape), np.float32)
        for component in range(3):
            values = field[..., component]
            for axis, points in enumerate(at):
                values = _linear(values, points, axis)
            out[component] = values
        return np.moveaxis(out, 0, -1)


def _linear(values: NDArray[np.float32], points: NDArray[np.float64], axis: int) -> NDArray[np.float32]:
    """Linear interpolation along one axis, at points in voxels within it."""
    if len(points) == values.shape[axis] and np.array_equal(points, np.arange(len(points))):
        return values
    below = np.minimum(points.astype(int), max(values.shape[axis] - 2, 0))
    above = np.minimum(below + 1, values.shape[axis] - 1)
    share = (points - below).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(values.ndim)])
    first: NDArray[np.float32] = values.take(below, axis)
    first += share * (values.take(above, axis) - first)
    return first


def tissue_box(volume: NDArray[Any], spacing: NDArray[np.float64]) -> Box:
    """The part of a volume that holds tissue, with a border: air costs as much time as tissue and knows no motion."""
    tissue = ndimage.uniform_filter(volume, 3, output=np.float32) > TISSUE_SHARE * np.percentile(volume, 95)
    found = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        held = np.flatnonzero(tissue.mean(axis=others) > 0.01)
        border = int(np.ceil(BORDER_MM / spacing[axis]))
        low, high = (held[0], held[-1] + 1) if held.size else (0, volume.shape[axis])
        found.append(slice(max(0, int(low) - border), min(volume.shape[axis], int(high) + border)))
    return found[0], found[1], found[2]


def make_pair(
    fixed: NDArray[Any], moving: NDArray[Any], spacing: NDArray[np.float64], spacing_mm: float, window_mm: float
) -> Pair:
    """Two phases (section, anterior, superior) as the engines see them. spacing: native, mm; the rest: see Settings."""
    box = tissue_box(fixed, spacing)
    made = []
    for volume in (fixed, moving):
        inside, grid = _coarse(volume[box], spacing, spacing_mm)
        made.append(_alike(inside, grid, window_mm))
    return Pair(made[0], made[1], grid, box, (fixed.shape[0], fixed.shape[1], fixed.shape[2]))


def _coarse(
    volume: NDArray[Any], spacing: NDArray[np.float64], spacing_mm: float
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Blurred and resampled along the axes that are finer than wanted; the edges of the field of view stay."""
    fine = spacing < 0.9 * spacing_mm
    shape = np.where(fine, np.maximum(np.rint(np.array(volume.shape) * spacing / spacing_mm), 4), volume.shape).astype(
        int
    )
    ratio = np.array(volume.shape) / shape
    blurred = ndimage.gaussian_filter(volume.astype(np.float32), np.where(fine, 0.35 * ratio, 0))
    # Voxel i of the coarse grid has its centre at (i + 0.5) * ratio - 0.5 of the native one.
    coarse: NDArray[np.float32] = ndimage.affine_transform(
        blurred, np.diag(ratio), 0.5 * ratio - 0.5, output_shape=tuple(shape), order=1, mode="nearest", prefilter=False
    )
    return coarse, spacing * ratio


def _alike(volume: NDArray[np.float32], spacing: NDArray[np.float64], window_mm: float) -> NDArray[np.float32]:
    """Square root, scale, and normalization in a Gaussian window."""
    root: NDArray[np.float32] = np.sqrt(np.maximum(volume, 0))
    root /= max(float(np.percentile(root, 95)), 1e-6)
    if not window_mm:
        return root
    sigma = window_mm / spacing
    mean = ndimage.gaussian_filter(root, sigma, truncate=2.5)
    variance = ndimage.gaussian_filter(root * root, sigma, truncate=2.5) - mean * mean
    normal: NDArray[np.float32] = (root - mean) / (np.sqrt(np.maximum(variance, 0)) + np.float32(FLOOR))
    return normal
