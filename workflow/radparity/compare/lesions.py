"""What counts as a lesion on a reference: all of it, but for the specks of an outline that a rule made."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from radparity.compare.scores import Case, Mask

# A focus, below 5 mm across, is too small to be described as a lesion (BI-RADS).
FOCUS_MM2 = math.pi * 2.5**2


def components(mask: Mask) -> tuple[NDArray[np.int32], int]:
    """Connected components of a mask, numbered from 1, and their number: 8-connected in a section, 26 in a volume."""
    from scipy.ndimage import label

    labels, count = label(mask, structure=np.ones((3,) * mask.ndim), output=np.int32)
    return labels, int(count)


def lesions_of(case: Case, reference: Mask) -> Mask:
    """The part of a reference that network and readers are to find: (anterior, superior), boolean.

    A reference that people drew is taken whole. Of one that a rule made, components below the area of a disc of 5 mm
    are left out; where all of them are, the largest stays, the first of equals, so that no case loses its lesion.
    """
    if not case.by_rule or case.spacing_mm is None or reference.ndim != 2 or not reference.any():
        return reference
    labels, count = components(reference)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:] * math.prod(case.spacing_mm)
    kept = np.flatnonzero((areas >= FOCUS_MM2) | (areas.argmax() == np.arange(count))) + 1
    return np.isin(labels, kept)
