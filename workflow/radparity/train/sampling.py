"""Which patch is trained on: every draw is a function of (study seed, arm, fold, step, index) and of nothing else.

So a run that is interrupted and resumed, or that draws its patches in another order, sees the same patches.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radparity.networks.grid import SECTIONS, coordinate_map, reflected
from radparity.networks.unet3d import REDUCTION, check_input_size
from radparity.train.slab import Breast


class Key(NamedTuple):
    """What makes one training different from every other."""

    study_seed: int
    arm: str
    fold: int | str


class Patch(NamedTuple):
    """One training sample.

    `volume` is (channel, 19, anterior, superior), the mask last; `coordinates` (3, 1, anterior - 38, superior - 38);
    `tumour` (1, anterior - 38, superior - 38).
    """

    volume: NDArray[np.float32]
    coordinates: NDArray[np.float32]
    tumour: NDArray[np.bool_]


@dataclass(frozen=True)
class Pools:
    """Positions of the malignant and of the benign breasts among the training breasts."""

    malignant: tuple[int, ...]
    benign: tuple[int, ...]

    @classmethod
    def of(cls, breasts: Sequence[Breast]) -> Pools:
        labels = [breast.malignant for breast in breasts]
        return cls(
            tuple(i for i, malignant in enumerate(labels) if malignant),
            tuple(i for i, malignant in enumerate(labels) if not malignant),
        )


def seed_of(*parts: int | str) -> int:
    """A seed of 63 bits from any names and numbers, the same on every machine."""
    return int.from_bytes(hashlib.sha256(json.dumps(parts).encode()).digest()[:8], "big") >> 1


def draw_breast(pools: Pools, malignant_share: float, generator: np.random.Generator) -> int:
    """Position of a breast: malignant with probability `malignant_share`, uniform among those of its kind.

    The authors' code takes 25 % malignant breasts and walks through both lists in order; uniform draws have the
    same shares and need no memory of what came before.
    """
    pool = pools.malignant if generator.random() < malignant_share else pools.benign
    return pool[int(generator.integers(len(pool)))]


def draw_patch(breast: Breast, size: tuple[int, int], flip_share: float, generator: np.random.Generator) -> Patch:
    """A patch of `size` (anterior, superior) voxels in-plane from one breast.

    Cancers: centred on a voxel of the outline, uniformly. Benign breasts: centred on a voxel of the breast mask in
    the central section, uniformly; the paper takes the central section and does not say where in it. Beyond the
    border the image is reflected. A share `flip_share` of the patches is flipped along one axis, section, anterior
    or superior (authors' code: one random axis, 50 %); the coordinates go with their voxels.
    """
    candidates = np.flatnonzero(breast.outline if breast.malignant else breast.mask[SECTIONS // 2])
    if not candidates.size:
        place = "outline" if breast.malignant else "breast mask in its section"
        raise ValueError(f"breast {breast.id}: the {place} is empty, so no patch can be centred")
    shape = breast.outline.shape
    centre = divmod(int(candidates[generator.integers(candidates.size)]), shape[1])
    flipped_axis = int(generator.integers(3)) if generator.random() < flip_share else None

    anterior, superior = (
        reflected(middle - length // 2, length, extent)
        for middle, length, extent in zip(centre, size, shape, strict=True)
    )
    rows, columns = anterior[:, None], superior[None, :]
    volume = np.concatenate(
        (breast.channels[:, :, rows, columns], breast.mask[None, :, rows, columns]), axis=0, dtype=np.float32
    )
    inner_anterior, inner_superior = (
        index[less // 2 : index.size - less // 2]
        for index, less in zip((anterior, superior), REDUCTION[1:], strict=True)
    )
    tumour = breast.outline[None, inner_anterior[:, None], inner_superior[None, :]]
    coordinates = coordinate_map(np.array([breast.section]), inner_anterior, inner_superior, breast.volume_shape)
    if flipped_axis is not None:
        axis = flipped_axis - 3
        volume, coordinates, tumour = np.flip(volume, axis), np.flip(coordinates, axis), np.flip(tumour, axis)
    return Patch(np.ascontiguousarray(volume), np.ascontiguousarray(coordinates), np.ascontiguousarray(tumour))


def draw_minibatch(
    breasts: Sequence[Breast],
    pools: Pools,
    key: Key,
    step: int,
    minibatch: int,
    size: tuple[int, int],
    malignant_share: float = 0.25,
    flip_share: float = 0.5,
) -> Patch:
    """The patches of one step, each field stacked along a new first axis."""
    patches = []
    for index in range(minibatch):
        generator = np.random.default_rng(seed_of(*key, step, index))
        breast = breasts[draw_breast(pools, malignant_share, generator)]
        patches.append(draw_patch(breast, size, flip_share, generator))
    fields: list[Any] = [np.stack(field) for field in zip(*patches, strict=True)]
    return Patch(*fields)


def check_pools(pools: Pools, malignant_share: float, size: tuple[int, int]) -> None:
    """Refuse what could only fail later: an empty pool that would be drawn from, a patch the network cannot take."""
    check_input_size((SECTIONS, *size))
    if not 0 <= malignant_share <= 1:
        raise ValueError(f"malignant_share is {malignant_share}; write a number from 0 to 1")
    if malignant_share > 0 and not pools.malignant:
        raise ValueError("no malignant breast among the training breasts; set malignant_share to 0 or mend the fold")
    if malignant_share < 1 and not pools.benign:
        raise ValueError("no benign breast among the training breasts; set malignant_share to 1 or mend the fold")
