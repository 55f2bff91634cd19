"""Vessels: smooth curves from the chest wall and the margins towards the nipple."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from radparity.phantom.lesions import window
from radparity.phantom.shape import Shape
from radparity.phantom.smooth import Array

STEP_MM = 0.8


def vessel_level(rng: np.random.Generator, axes: Sequence[NDArray[np.float64]], shape: Shape, scale: float) -> Array:
    """Distance inside the nearest vessel, mm: array (section, anterior, superior), -3 far from all."""
    level = np.full(shape.skin.shape, -3.0, dtype=np.float32)
    middle, tip, height = shape.nipple
    for _ in range(int(rng.integers(6, 12))):
        share = np.linspace(0, 1, 5)[:, None]
        angle = rng.uniform(0, 2 * np.pi)
        spread = np.array([27 * np.cos(angle), 0, 32 * np.sin(angle)]) * rng.uniform(0.5, 1.0) * scale
        start = np.array([middle, axes[1][0] + 30 * scale, height + 4 * scale]) + spread
        end = np.array([middle, tip - rng.uniform(8, 30) * scale, height]) + 0.35 * spread
        knots = start + share * (end - start) + rng.normal(0, 4 * scale, (5, 3)) * np.array([1.0, 0.5, 1.0])
        curve = CubicSpline(share[:, 0], knots)(np.linspace(0, 1, int(np.linalg.norm(end - start) / STEP_MM)))
        radii = rng.uniform(0.9, 2.0) * np.linspace(1.0, 0.6, len(curve))
        for point, radius in zip(curve, radii, strict=True):
            w = window(axes, point, 3.6)
            parts = [(axis[k] - p) ** 2 for axis, k, p in zip(axes, w, point, strict=True)]
            distance = np.sqrt(parts[0][:, None, None] + parts[1][None, :, None] + parts[2][None, None, :])
            np.maximum(level[w], (radius - distance).astype(np.float32), out=level[w])
    return np.asarray(np.minimum(level, shape.skin - 2.2), dtype=np.float32)
