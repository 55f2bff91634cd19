"""Displacement fields: warping a volume along one, and the local change of volume that it makes.

Slab by slab, since a field of a large exam and its gradients would not fit beside the phases.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

SLAB = 6


def warp(
    volume: NDArray[Any], field: NDArray[np.float32], spacing: NDArray[np.float64], order: int = 3, threads: int = 1
) -> NDArray[np.float32]:
    """Pull a volume (section, anterior, superior) back along a field in mm; never below zero.

    field: (section, anterior, superior, 3). Points outside the volume take the value at its border. Cubic by default:
    linear interpolation blurs the moved phases and not the target, which would leave false enhancement at every edge.
    The number of threads changes no bit.
    """
    source = np.ascontiguousarray(volume, np.float32)
    if order > 1:
        source = ndimage.spline_filter(source, order, output=np.float32, mode="mirror")
    out = np.empty(source.shape, np.float32)
    last = np.array(source.shape, np.float32).reshape(3, 1, 1, 1) - 1
    scale = spacing.astype(np.float32)

    def pull(slab: slice) -> None:
        points = np.moveaxis(field[slab] / scale, -1, 0) + np.indices(out[slab].shape, np.float32)
        points[0] += slab.start
        np.clip(points, 0, last, out=points)
        ndimage.map_coordinates(source, points, output=out[slab], order=order, mode="mirror", prefilter=False)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(pull, slabs(source.shape[0])))
    return np.maximum(out, 0, out=out)


def jacobian(field: NDArray[np.float32], spacing: NDArray[np.float64]) -> NDArray[np.float32]:
    """Determinant of the field's Jacobian: the local change of volume (1 is none, below 0 a fold).

    field: (section, anterior, superior, 3) in mm, at least two voxels along every axis.
    """
    out = np.empty(field.shape[:3], np.float32)
    steps = [float(s) for s in spacing]
    for slab in slabs(field.shape[0]):
        low, high = max(0, slab.start - 1), min(field.shape[0], slab.stop + 1)
        u, v, w = (np.gradient(field[low:high, ..., axis], *steps) for axis in range(3))
        found = (1 + u[0]) * ((1 + v[1]) * (1 + w[2]) - v[2] * w[1])
        found -= u[1] * (v[0] * (1 + w[2]) - v[2] * w[0])
        found += u[2] * (v[0] * w[1] - (1 + v[1]) * w[0])
        out[slab] = found[slab.start - low : slab.stop - low]
    return out


def slabs(sections: int) -> Iterator[slice]:
    """All sections, a few at a time."""
    return (slice(first, min(first + SLAB, sections)) for first in range(0, sections, SLAB))
