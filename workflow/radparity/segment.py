"""Segment: from a probability map's section to a mask (spec section 13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FRACTIONS = [round(0.05 * n, 2) for n in range(1, 20)]
TIE = 1e-9
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
    labels, _ = ndimage.label(probability >= fraction * maximum, structure=NEIGHBOURS)
    kept = np.unique(labels[(probability >= component * maximum) & (labels > 0)])
    mask: NDArray[np.bool_] = np.isin(labels, kept[kept > 0])
    return mask


def tune_fraction(
    sections: Sequence[NDArray[Any]], references: Sequence[Sequence[NDArray[np.bool_]]], component: float
) -> tuple[float, list[dict[str, float]]]:
    """The fraction that maximizes the mean over tuning cases of Dice averaged over the case's references.

    Grid 0.05 to 0.95; among fractions within 1e-9 of the best the one nearest the middle of their run, then the larger
    (reader_statistics, section 2). Returns it and the curve. Cases whose references are all empty do not count.
    Raises ValueError where no tuning case is left.
    """
    from radparity.compare.scores import dice

    curve = []
    for fraction in FRACTIONS:
        scores = []
        for section, own in zip(sections, references, strict=True):
            mask = segment_section(section, fraction, component)
            usable = [dice(mask, reference) for reference in own if reference.any()]
            if usable:
                scores.append(float(np.mean(usable)))
        if not scores:
            raise ValueError("no tuning case is left: see the excluded cases, or write segment: fraction: 0.5")
        curve.append({"fraction": fraction, "mean_dice": float(np.mean(scores)), "cases": float(len(scores))})
    best = max(point["mean_dice"] for point in curve)
    run = [point["fraction"] for point in curve if point["mean_dice"] >= best - TIE]
    middle = (run[0] + run[-1]) / 2
    return min(run, key=lambda fraction: (round(abs(fraction - middle), 9), -fraction)), curve


def judged_section(probability: NDArray[Any], prediction: Mapping[str, Any]) -> NDArray[Any]:
    """The section (anterior, superior) that is judged, from a map that may begin at a later section than the breast."""
    section: NDArray[Any] = probability[prediction["section"] - prediction["first_section"]]
    return section


def likeliest_section(probability: NDArray[Any]) -> int:
    """For a case that nobody outlined: the section with the largest sum of probability."""
    return int(np.argmax(probability.sum(axis=(1, 2))))
