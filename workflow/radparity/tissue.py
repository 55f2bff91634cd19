"""Tissue against air in an MR volume, whatever its gain and noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

SAMPLE = 500_000


def tissue_level(image: NDArray[Any]) -> float:
    """The intensity between air and tissue: Otsu's split of the logarithms, since suppressed fat is far from gland.

    image: any shape, best smoothed. Infinite where it holds no signal. A regular sample of large images is looked at.
    """
    values = image.ravel()
    values = values[:: max(1, values.size // SAMPLE)]
    values = np.sort(np.log(values[values > 0].astype(np.float64)))
    if values.size < 2:
        return float("inf")
    below = np.arange(1, values.size)
    sums = np.cumsum(values)[:-1]
    apart = (sums * values.size - values.sum() * below) ** 2 / (below * (values.size - below))
    split = int(np.argmax(apart))
    return float(np.exp((values[split] + values[split + 1]) / 2))


def tissue_mask(image: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a volume shows tissue: its mean over 3 x 3 x 3 voxels is above the level between air and tissue."""
    smooth = ndimage.uniform_filter(image.astype(np.float32, copy=False), 3)
    found: NDArray[np.bool_] = smooth > tissue_level(smooth)
    return found
