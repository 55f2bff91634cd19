"""The breasts that the mask network is trained on: their images and the masks that someone drew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.grid import GridRules, breast_grid
from radparity.image import spacing
from radparity.mask.sections import resize, to_sections
from radparity.networks.mask_unet import SIDE
from radparity.outline.exam import Target
from radparity.outline.formats import Source, read_outline
from radparity.record import DataFault
from radparity.train.mask_loop import MaskedBreast
from radparity.train.sampling import seed_of


def masked_breast(
    breast: str,
    patient: str,
    side: str | None,
    image: NDArray[Any],
    affine: NDArray[np.float64],
    file: Path,
    rules: GridRules,
) -> MaskedBreast:
    """One breast as training sees it; image: the exam's first post-contrast volume (section, anterior, superior).

    `file` is a mask on the exam's grid; of both breasts' the part on this side counts.
    Raises DataFault `breast_mask_unusable` where it cannot be read, lies elsewhere or marks nothing here, and what
    cutting the breast raises.
    """
    grid = breast_grid(image, affine, side, rules)
    try:
        drawn, _ = read_outline(Source(file), Target(image.shape, affine))
    except DataFault as fault:
        raise DataFault("breast_mask_unusable", f"column breast_mask of the breasts sheet: {fault.sentence}") from fault
    mask = resize(grid.cut(drawn), (SIDE, SIDE)) > 0.5
    if not mask.any():
        raise DataFault("breast_mask_unusable", f"{file.name} marks nothing on the {side or 'imaged'} side")
    return MaskedBreast(breast, patient, to_sections(grid.cut(image), spacing(grid.native)), mask)


def split(breasts: Sequence[MaskedBreast], share: float, seed: int) -> tuple[list[MaskedBreast], list[MaskedBreast]]:
    """Training and inner validation breasts, cut by patient; the choice is a function of seed and patients' names."""
    patients = sorted({b.patient for b in breasts}, key=lambda name: seed_of(seed, "mask", "validation", name))
    kept = set(patients[: round(share * len(patients))])
    return [b for b in breasts if b.patient not in kept], [b for b in breasts if b.patient in kept]
