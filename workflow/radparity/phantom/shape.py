"""The outside of a breast and the chest wall behind it, as distances in mm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radparity.phantom.smooth import Array, noise


def smooth_max(first: Array, second: Array, width: float) -> Array:
    """The larger of two distances, rounded over `width` mm where they meet."""
    near = np.clip(0.5 + (first - second) / (2 * width), 0, 1)
    return np.asarray(second + near * (first - second) + width * near * (1 - near), dtype=np.float32)


def soft(level: Array, edge: float | Array = 0.6) -> Array:
    """Share of a voxel inside a surface: 0 outside, 1 inside, smooth over `edge` mm on either side."""
    t = np.clip(0.5 + level / (2 * edge), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


@dataclass(frozen=True)
class Shape:
    """Distances on the painting grid, arrays (section, anterior, superior) in mm, and the nipple.

    skin: below the skin's surface, negative in air; wall: anterior of the chest wall, negative behind it;
    radius: 0 at the breast's centre at the wall, 1 at its surface.
    """

    skin: Array
    wall: Array
    radius: Array
    lateral: Array
    nipple: tuple[float, float, float]


def breast_shape(
    rng: np.random.Generator,
    lateral: NDArray[np.float64],
    anterior: NDArray[np.float64],
    superior: NDArray[np.float64],
    scale: float,
) -> Shape:
    """One breast: half of a drooping superellipsoid on a curved wall, with a fold below and a nipple.

    lateral is mm from the medial border of the breast's slab, anterior and superior are mm from the middle of the field
    of view; scale is the size of the breast (1 for a field of view of 112 mm).
    """
    axes = [lateral / scale, anterior / scale, superior / scale]
    m, a, s = np.meshgrid(*[axis.astype(np.float32) for axis in axes], indexing="ij", sparse=True)
    middle = 42.0 + rng.uniform(-1.5, 1.5)
    depth, tall, wide = rng.uniform(60.0, 72.0), rng.uniform(38.0, 44.0), rng.uniform(33.5, 37.0)
    droop, power, height = rng.uniform(3.0, 11.0), rng.uniform(1.75, 2.2), rng.uniform(-1.0, 5.0)
    base = -39.0
    surface = base + 2.0 - 0.0030 * (s + 6) ** 2 - 0.0030 * (m - 28) ** 2 + 0.7 * noise(rng, axes, (40.0, 1000.0, 30.0))
    wall = a - surface
    outward = np.clip((a - base) / depth, 0, None)
    below = s - height + droop * outward**1.5
    half = np.where(below > 0, 1.12 * tall, 0.94 * tall)
    across = np.sqrt(((m - middle) / wide) ** 2 + (below / half) ** 2)
    radius = (across**power + outward**power) ** (1 / power)
    pace = np.sqrt(sum(g**2 for g in np.gradient(radius, *[axis.astype(np.float32) for axis in axes])))
    cone = (1 - radius) / np.maximum(pace, 1 / 90)
    body = smooth_max(cone, np.clip(10.0 - wall, -60, None), 5.0)
    nipple = (middle, base + depth, height - droop)
    bump = 4.2 - np.sqrt((m - nipple[0]) ** 2 + (a - nipple[1]) ** 2 + (s - nipple[2]) ** 2)
    body = smooth_max(body, np.maximum(bump, -30.0), 1.5) + 0.5 * noise(rng, axes, 22.0)
    return Shape(
        skin=np.asarray(body * scale, dtype=np.float32),
        wall=np.asarray(wall * scale, dtype=np.float32),
        radius=np.asarray(radius, dtype=np.float32),
        lateral=np.asarray(m * scale, dtype=np.float32),
        nipple=(nipple[0] * scale, nipple[1] * scale, nipple[2] * scale),
    )
