"""Smooth random fields: cubic B-splines on a lattice of random coefficients, fixed in mm and so free of any grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float32]
Axes = Sequence[NDArray[np.float64]]


@dataclass(frozen=True)
class SplineField:
    """One scalar field: coefficients on a lattice with this origin and spacing (mm, three axes)."""

    coefficients: NDArray[np.float64]
    origin: NDArray[np.float64]
    spacing: NDArray[np.float64]

    def on_grid(self, axes: Axes) -> Array:
        """Values on the grid that three axes of positions (mm) span, one array axis for each."""
        value: NDArray[Any] = self.coefficients
        for k, axis in enumerate(axes):
            nodes = self.origin[k] + self.spacing[k] * np.arange(self.coefficients.shape[k])
            weight = bspline((np.asarray(axis)[:, None] - nodes[None, :]) / self.spacing[k])
            value = np.moveaxis(np.tensordot(weight, value, axes=(1, k)), 0, k)
        return np.ascontiguousarray(value, dtype=np.float32)

    def at(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values at points (3, ...) in mm."""
        shape = (3,) + (1,) * (points.ndim - 1)
        index = (points - self.origin.reshape(shape)) / self.spacing.reshape(shape)
        value: NDArray[np.float64] = ndimage.map_coordinates(
            self.coefficients, index, order=3, prefilter=False, mode="constant"
        )
        return value

    def scaled(self, factor: float) -> SplineField:
        """The field times a factor."""
        return SplineField(self.coefficients * factor, self.origin, self.spacing)


def bspline(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cubic B-spline: support (-2, 2), sum over integer shifts 1."""
    r = np.abs(x)
    inner = 2 / 3 - r**2 + r**3 / 2
    outer = np.clip(2 - r, 0, None) ** 3 / 6
    return np.where(r < 1, inner, outer)


def random_field(rng: np.random.Generator, axes: Axes, length: float | Sequence[float]) -> SplineField:
    """A field of mean 0 and variance about 1 whose nodes stand `length` mm apart, covering the axes with a margin."""
    spacing = np.broadcast_to(np.asarray(length, dtype=float), 3).copy()
    low = np.array([axis.min() for axis in axes]) - 3 * spacing
    high = np.array([axis.max() for axis in axes]) + 3 * spacing
    shape = tuple(int(n) for n in np.ceil((high - low) / spacing) + 1)
    # The mean over positions of the summed squared weights of the cubic B-spline is 151/315 along each axis.
    variance = (151 / 315) ** 3
    coefficients = rng.standard_normal(shape) / np.sqrt(variance)
    return SplineField(coefficients, low, spacing)


def noise(rng: np.random.Generator, axes: Axes, length: float | Sequence[float]) -> Array:
    """A random field evaluated on the grid of its axes."""
    return random_field(rng, axes, length).on_grid(axes)
