"""The classical breast mask: the body in front of the chest wall. The default on real exams; docs/mask.md shows it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.mask.body import find_body
from radparity.mask.coarse import Spacing, coarsen, largest, refine
from radparity.mask.wall import chest_wall
from radparity.record import DataFault

BODY_MM = 0.8
WALL_MM = 2.0
LATERAL_MM = 60.0
"""How far behind the foremost point of the wall the breast can reach on the flank."""
SMALLEST_ML = 30.0
SEEN = 0.3
"""Evidence, and share of columns with it, below which the wall counts as unseen."""


FAT = {"auto": None, "dark": True, "bright": False}


def breast_mask(image: NDArray[Any], spacing: Spacing, fat: str = "auto") -> tuple[NDArray[np.bool_], dict[str, Any]]:
    """The breast in a volume (section, anterior, superior) of one side, RAS+, and the record's facts.

    The breast is all tissue from the chest wall to the skin, skin included, in the whole field of view: the thin layer
    over sternum, ribs and belly counts. Acquisition can be sagittal, axial or isotropic. fat: `dark` (suppressed),
    `bright`, or `auto`.
    Raises DataFault `no_signal` for an empty volume, `no_breast` where less than 30 ml are found.
    """
    work, factors = coarsen(image, spacing, BODY_MM)
    step = spacing * factors
    body = find_body(work, step)
    rough, blocks = coarsen(work, step, WALL_MM)
    share, _ = coarsen(body.inside, step, WALL_MM)
    wall = chest_wall(rough, share > 0.5, step * blocks, body.air, FAT[fat])
    position = refine(wall.position, blocks[[0, 2]], (work.shape[0], work.shape[2]))
    position = np.maximum(position, position.max() - LATERAL_MM)
    anterior = (np.arange(work.shape[1]) + 0.5) * step[1]
    coarse = largest(body.inside & (anterior[None, :, None] > position[:, None, :]))
    mask = coarse if (factors == 1).all() else refine(coarse, factors, image.shape) > 0.5
    millilitres = float(mask.sum() * np.prod(spacing) / 1000)
    if millilitres < SMALLEST_ML:
        raise DataFault("no_breast", f"only {millilitres:.0f} ml of tissue were found in the volume")
    columns = (share > 0.5).any(axis=1)
    seen = float((wall.seen[columns] > SEEN).mean())
    flags = []
    if seen < SEEN:
        flags.append(
            {
                "code": "chest_wall_unseen",
                "sentence": f"the chest wall shows in {seen:.0%} of the volume: the mask's posterior border is a guess",
            }
        )
    return mask, {
        "method": "classical",
        "volume_ml": round(millilitres, 1),
        "wall_seen": round(seen, 3),
        "fat": "dark" if wall.fat_is_dark else "bright",
        "flags": flags,
    }
