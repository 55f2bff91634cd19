"""Tumour-free sections: where patches without tumour come from in a breast that has a cancer.

A study without benign breasts has no other source of them. Only a label that fills the volume says of the other
sections that they hold no tumour; an outline on one section says nothing about the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import numpy as np

from radparity.slab import Breast

TOLERANCE = 1e-3
"""mm: sections that are 2.9999 mm apart by their affine are 3 mm apart."""


def tumour_free(outline: Mapping[str, Any], sections: int, section_mm: float, margin_mm: float | None) -> list[int]:
    """The sections of a breast's grid that hold no tumour and lie at least a margin away from every one that does.

    outline: the facts of the outline's record, of which `fills_volume` and `tumour_sections` are read; sections: how
    many the grid has; section_mm: between the middles of two. None for a label on one section alone, and with a margin
    of None (negatives come from benign breasts).
    """
    if margin_mm is None or not outline["fills_volume"]:
        return []
    tumour = np.array(outline["tumour_sections"], dtype=int)
    away = np.abs(np.arange(sections)[:, None] - tumour).min(axis=1)
    found: list[int] = np.flatnonzero((away > 0) & (away * section_mm >= margin_mm - TOLERANCE)).tolist()
    return found


def draw_negative(breast: Breast, generator: np.random.Generator) -> tuple[int, int, int]:
    """The centre (section, anterior, superior) of a patch without tumour: a voxel of the breast mask in the tumour-free
    sections, uniformly."""
    ends = list(accumulate(voxels for _, voxels in breast.tumour_free))
    drawn = int(generator.integers(ends[-1]))
    place = int(np.searchsorted(ends, drawn, side="right"))
    section, voxels = breast.tumour_free[place]
    index = np.flatnonzero(breast.mask(section))[drawn - (ends[place] - voxels)]
    anterior, superior = divmod(int(index), breast.shape[2])
    return section, anterior, superior
