"""Segment: from a probability map's section to a mask (spec section 13)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

NEIGHBOURS = np.ones((3, 3), dtype=bool)


def segment_section(probability: NDArray[Any], fraction: float, component: float) -> NDArray[np.bool_]:
    """The mask of one section (anterior, superior): above a fraction of the section's maximum, main components only.

    Kept are the 8-connected components with a voxel of at least `component` of the maximum. (The published code shifts
    these seeds by its border crop and loses small lesions; that is not reproduced.) A map without any signal gives an
    empty mask.
    """
    maximum = float(probability.max())
    if not maximum > 0:
        return np.zeros(probability.shape, dtype=bool)
    return main_components(probability, probability >= fraction * maximum, component)


def main_components(probability: NDArray[Any], marked: NDArray[np.bool_], component: float) -> NDArray[np.bool_]:
    """The 8-connected components of what is marked that reach `component` of the section's maximum."""
    maximum = float(probability.max())
    labels, _ = ndimage.label(marked, structure=NEIGHBOURS)
    kept = np.unique(labels[(probability >= component * maximum) & (labels > 0)])
    mask: NDArray[np.bool_] = np.isin(labels, kept[kept > 0])
    return mask


def judged_section(probability: NDArray[Any], prediction: Mapping[str, Any]) -> NDArray[Any]:
    """The section (anterior, superior) that is judged, from a map that may begin at a later section than the breast."""
    section: NDArray[Any] = probability[prediction["section"] - prediction["first_section"]]
    return section


def likeliest_section(probability: NDArray[Any]) -> int:
    """For a case that nobody outlined: the section with the largest sum of probability."""
    return int(np.argmax(probability.sum(axis=(1, 2))))
