"""Shifts of one case: the contrast of its outlines' borders some sections away, and how its sections are numbered.

What `study_shifts` tests over the cases of a study.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.outline.uptake import FARTHEST, MOVED, TOGETHER, border, contrast, together

MIRRORED = "mirrored"
STEPS = [step for step in range(-FARTHEST, FARTHEST + 1) if step]
FORMATS = {".nii": "NIfTI", ".nii.gz": "NIfTI", ".nrrd": "NRRD", ".png": "PNG", ".xml": "OsiriX", ".csv": "OsiriX"}


def numbered(files: Sequence[str], sagittal: bool) -> str | None:
    """Whether the numbers of an exam's sections run to the patient's `right` or `left`; None where that is unknown.

    files: of one phase, in order of position along the normal (of sagittal images in their usual orientation, to the
    right), as the intake record has them. Their names' numbers are taken for the images'. sagittal: whether sections
    were acquired so; the others have no number on a sagittal section.
    """
    keys = [[int(part) for part in re.findall(r"\d+", name)] for name in files]
    if not sagittal or len(keys) < 2:
        return None
    pairs = list(zip(keys, keys[1:], strict=False))
    if all(first < second for first, second in pairs):
        return "right"
    return "left" if all(first > second for first, second in pairs) else None


def format_of(file: str) -> str:
    """The format of an outline's file by its name, as the table calls it."""
    name = file.lower()
    return next((found for end, found in FORMATS.items() if name.endswith(end)), "DICOM")


def shift_facts(
    uptake: NDArray[Any],
    outlines: NDArray[Any],
    raters: Sequence[str],
    section: int,
    spacing: Sequence[float] | NDArray[np.float64],
) -> dict[str, dict[str, float | None]]:
    """The border's contrast of each outline, and of all `together`, as drawn ("0"), moved ("-2" to "2", positive to
    the right) and `mirrored` left-right along the breast's sections; None where it cannot be measured.

    uptake: DCE-in (section, anterior, superior); outlines: (anterior, superior, rater), `raters` in that order, on
    one `section`; spacing: mm along the three axes.
    """
    masks, sections = outlines > 0, uptake.shape[0]
    places = {str(step): section + step for step in (0, *STEPS)} | {MIRRORED: sections - 1 - section}
    drawn = {TOGETHER: together(masks)} | {rater: masks[..., position] for position, rater in enumerate(raters)}
    found: dict[str, dict[str, float | None]] = {}
    for whose, mask in drawn.items():
        bands = border(mask, spacing[1:], MOVED.band_mm)
        found[whose] = {}
        for place, where in places.items():
            value = contrast(uptake[where], *bands) if 0 <= where < sections else None
            found[whose][place] = None if value is None else round(value, 4)
    return found
