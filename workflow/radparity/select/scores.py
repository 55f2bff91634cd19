"""Scores: Dice of one arm on the held-out development cases, each by the network that never saw its patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.compare.scores import dice
from radparity.segment import segment_section

FRACTION = 0.5
"""Of the section's maximum; a fraction tuned for each arm would cost tuning cases or borrow from the cases judged."""

COLUMNS = {
    "breast": "the case",
    "patient": "its patient",
    "fold": "the fold that holds the case out, and whose network made the map",
    "section": "the outlined section, counted from 0",
    "dice": "Dice of the mask with the outline, 0 to 1; empty where the case was left out",
    "diameter_mm": "diameter of the circle with the outline's area, mm",
    "left_out": "why the case has no map: the code of its exclusion; empty where it has one",
}


def score_case(
    probability: NDArray[Any], outline: NDArray[np.bool_], pixel_mm: tuple[float, float], component: float
) -> dict[str, float]:
    """Dice of one case at half of the section's maximum, and the size of its cancer.

    probability, outline: (anterior, superior) of the outlined section; pixel_mm: size of a pixel along these axes;
    component: share of the maximum that a component must reach to be kept.

    Raises ValueError where map and outline have different shapes or the outline is empty.
    """
    if not outline.any():
        raise ValueError("the outline is empty: an outlined case must have been excluded before")
    mask = segment_section(probability, FRACTION, component)
    area = np.count_nonzero(outline) * pixel_mm[0] * pixel_mm[1]
    return {"dice": dice(mask, outline), "diameter_mm": float(2 * np.sqrt(area / np.pi))}


def fold_rows(fold: str, record: Mapping[str, Any], patients: Mapping[str, str]) -> list[dict[str, Any]]:
    """A row for every case that a fold's record names, with empty scores: section or the reason why it was left out.

    record: `cases` (breast to section) and `left_out` (breast to code) of the held-out predictions.
    """
    empty = {"fold": fold, "section": "", "dice": "", "diameter_mm": "", "left_out": ""}
    kept = [empty | {"breast": b, "section": section} for b, section in record["cases"].items()]
    gone = [empty | {"breast": b, "left_out": code} for b, code in record["left_out"].items()]
    return [row | {"patient": patients[str(row["breast"])]} for row in kept + gone]
