"""Mask: the breast in an exam's first post-contrast volume, by threshold, largest component and closing.

The classical method; a network for it takes the same files and gives the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radparity.record import DataFault

SMOOTH_MM = 1.5
CLOSE_MM = 6.0
SMALLEST_ML = 30.0


def otsu(values: NDArray[Any]) -> float:
    """The threshold that best splits values into two classes (Otsu 1979, largest between-class variance, 256 bins)."""
    counts, edges = np.histogram(values, bins=256)
    centres = (edges[:-1] + edges[1:]) / 2
    below, total = np.cumsum(counts), np.cumsum(counts * centres)
    above = below[-1] - below
    inside = (below[:-1] > 0) & (above[:-1] > 0)
    apart = np.zeros(len(centres) - 1)
    low, high = total[:-1] / np.maximum(below[:-1], 1), (total[-1] - total[:-1]) / np.maximum(above[:-1], 1)
    apart[inside] = (below[:-1] * above[:-1] * (low - high) ** 2)[inside]
    return float(centres[int(np.argmax(apart))])


def tissue_threshold(image: NDArray[Any]) -> float:
    """Intensity between air and tissue: Otsu on the logarithm, since suppressed fat is far darker than gland."""
    positive = image[image > 0]
    if positive.size < 1000:
        raise DataFault("no_signal", "the first post-contrast volume is empty")
    return float(np.exp(otsu(np.log(positive))))


def breast_mask(image: NDArray[Any], spacing_mm: NDArray[np.float64]) -> tuple[NDArray[np.bool_], dict[str, Any]]:
    """The breast in a volume (section, anterior, superior) of one side, and the record's facts.

    Raises DataFault `no_breast` where less than 30 ml of tissue is found.
    """
    smooth = ndimage.gaussian_filter(image.astype(np.float32), SMOOTH_MM / spacing_mm)
    threshold = tissue_threshold(smooth)
    labels, count = ndimage.label(smooth > threshold)
    if count == 0:
        raise DataFault("no_breast", "no tissue above the air threshold")
    largest = labels == np.argmax(np.bincount(labels.ravel())[1:]) + 1
    closed = np.zeros_like(largest)
    for section, plane in enumerate(largest):
        closed[section] = ndimage.binary_fill_holes(_close(plane, spacing_mm[1:]))
    millilitres = float(closed.sum() * np.prod(spacing_mm) / 1000)
    if millilitres < SMALLEST_ML:
        raise DataFault("no_breast", f"only {millilitres:.0f} ml of tissue were found in the volume")
    return closed, {"threshold": round(threshold, 3), "volume_ml": round(millilitres, 1)}


def _close(plane: NDArray[np.bool_], spacing_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Closing by a disc, by distances (exact in mm and quick); the border is padded so that tissue at it stays."""
    pad = int(np.ceil(CLOSE_MM / spacing_mm.min())) + 1
    wide = np.pad(plane, pad, mode="edge")
    if not wide.any():
        return plane
    grown = ndimage.distance_transform_edt(~wide, sampling=spacing_mm) <= CLOSE_MM
    if grown.all():
        return np.ones_like(plane)
    kept: NDArray[np.bool_] = ndimage.distance_transform_edt(grown, sampling=spacing_mm) > CLOSE_MM
    return kept[pad:-pad, pad:-pad]
