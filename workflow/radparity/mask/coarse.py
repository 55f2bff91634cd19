"""A volume on a coarser grid, where the work is quick and quiet, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Volume = NDArray[np.float32]
Spacing = NDArray[np.float64]


def coarsen(volume: NDArray[Any], spacing: Spacing, least_mm: float) -> tuple[Volume, NDArray[np.intp]]:
    """Means over whole blocks of voxels, so that no axis is much finer than `least_mm`; and the blocks' sizes.

    A volume that the blocks do not divide is continued by its border.
    """
    factors = np.maximum(np.round(least_mm / spacing + 1e-6), 1).astype(np.intp)
    missing = [(0, int(-length % factor)) for length, factor in zip(volume.shape, factors, strict=True)]
    whole = np.pad(volume.astype(np.float32, copy=False), missing, mode="edge") if np.any(missing) else volume
    shape = [part for n, factor in zip(whole.shape, factors, strict=True) for part in (n // factor, factor)]
    return whole.reshape(shape).mean(axis=(1, 3, 5), dtype=np.float32), factors


def refine(coarse: NDArray[Any], factors: NDArray[np.intp], shape: tuple[int, ...]) -> Volume:
    """Linear interpolation of block means (any number of axes) at the voxels that the blocks were made of."""
    ratio = 1 / np.asarray(factors, dtype=float)
    fine: Volume = ndimage.affine_transform(
        coarse.astype(np.float32, copy=False),
        np.diag(ratio),
        offset=0.5 * ratio - 0.5,
        output_shape=shape,
        order=1,
        mode="nearest",
        prefilter=False,
    )
    return fine


def blur(volume: NDArray[Any], sigma_mm: float, spacing: Spacing) -> Volume:
    """Gaussian smoothing; over sections that are far apart it reaches no further than the next one."""
    sigma = np.minimum(sigma_mm / spacing, np.where(spacing > 2 * sigma_mm, 0.5, np.inf))
    smooth: Volume = ndimage.gaussian_filter(volume.astype(np.float32, copy=False), sigma, truncate=3.0)
    return smooth


def largest(voxels: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest component (26-connected), or nothing where there is nothing."""
    labels, count = ndimage.label(voxels, structure=np.ones((3,) * voxels.ndim))
    if count == 0:
        return voxels
    return np.asarray(labels == np.argmax(np.bincount(labels.ravel())[1:]) + 1)
