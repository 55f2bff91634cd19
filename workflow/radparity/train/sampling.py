"""Which patch is trained on: every draw is a function of (study seed, arm, fold, step, index) and of nothing else.

So a run that is interrupted and resumed, or that draws its patches in another order or ahead of time, sees the same
patches.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from radparity.slab import Breast, Sampling
from radparity.train.tumour_free import draw_negative

BRIGHT_SHARE = 0.5
"""Share of the benign patches of sampling `code` whose centre is a bright voxel."""
TRIES, AT_ONCE = 1000, 64


class Key(NamedTuple):
    """What makes one training different from every other."""

    study_seed: int
    arm: str
    fold: int | str


@dataclass(frozen=True)
class Plan:
    """How patches are drawn; `patch` is (section, anterior, superior)."""

    patch: tuple[int, int, int]
    malignant_share: float = 0.25
    flip_share: float = 0.5
    sampling: Sampling = "paper"


@dataclass(frozen=True)
class Pools:
    """Positions among the training breasts: of those that give patches with tumour (the malignant ones), and of those
    that give patches without (the benign ones, and malignant ones with tumour-free sections)."""

    malignant: tuple[int, ...]
    negative: tuple[int, ...]

    @classmethod
    def of(cls, breasts: Sequence[Breast]) -> Pools:
        return cls(
            tuple(i for i, breast in enumerate(breasts) if breast.malignant),
            tuple(i for i, breast in enumerate(breasts) if not breast.malignant or breast.tumour_free),
        )


class Draw(NamedTuple):
    """One training sample: position of the breast, its centre in the volume (section, anterior, superior), and the axis
    along which it is flipped (0 section, 1 anterior, 2 superior), or None."""

    breast: int
    centre: tuple[int, int, int]
    flip: int | None


def seed_of(*parts: int | str) -> int:
    """A seed of 63 bits from any names and numbers, the same on every machine."""
    return int.from_bytes(hashlib.sha256(json.dumps(parts).encode()).digest()[:8], "big") >> 1


def draw(breasts: Sequence[Breast], pools: Pools, key: Key, step: int, index: int, plan: Plan) -> Draw:
    """The sample at an index of a step's minibatch."""
    generator = np.random.default_rng(seed_of(*key, step, index))
    position, tumour = draw_breast(pools, plan.malignant_share, generator)
    breast = breasts[position]
    from_cancer = breast.malignant and not tumour
    centre = draw_negative(breast, generator) if from_cancer else draw_centre(breast, plan, generator)
    # The authors' code: one random axis, 50 %.
    flip = int(generator.integers(3)) if generator.random() < plan.flip_share else None
    return Draw(position, centre, flip)


def draw_breast(pools: Pools, malignant_share: float, generator: np.random.Generator) -> tuple[int, bool]:
    """Position of a breast, and whether a patch with tumour is drawn from it: so with probability `malignant_share`.
    Breasts are drawn uniformly among those that give such a patch.

    The authors' code takes 25 % malignant breasts and walks through both lists in order; uniform draws have the
    same shares and need no memory of what came before.
    """
    tumour = bool(generator.random() < malignant_share)
    pool = pools.malignant if tumour else pools.negative
    return pool[int(generator.integers(len(pool)))], tumour


def draw_centre(breast: Breast, plan: Plan, generator: np.random.Generator) -> tuple[int, int, int]:
    """The centre of a patch with tumour of a malignant breast, or of a patch of a benign one.

    Cancers: a voxel of the outline, uniformly. Benign breasts, `paper`: a voxel of the breast mask in the central
    section, uniformly; the paper takes the central section and does not say where in it. Benign breasts, `code` (spec
    section 12): half of them a voxel of any section whose T1c exceeds the breast's 90th percentile; the others in a
    section from a normal distribution around the middle (standard deviation: a fifth of the sections), in-plane
    uniformly at least half a patch from the border.
    """
    if breast.malignant or plan.sampling == "paper":
        candidates = np.flatnonzero(breast.outline if breast.malignant else breast.mask(breast.section))
        if not candidates.size:
            raise ValueError(f"breast {breast.id}: no voxel of section {breast.section} can be a patch's centre")
        anterior, superior = divmod(int(candidates[generator.integers(candidates.size)]), breast.shape[2])
        return breast.section, anterior, superior
    if generator.random() < BRIGHT_SHARE:
        return _bright(breast, generator)
    sections = breast.shape[0]
    section = int(np.clip(np.rint(generator.normal(sections / 2, sections / 5)), 0, sections - 1))
    anterior, superior = (
        int(generator.integers(margin, extent - margin))
        for extent, length in zip(breast.shape[1:], plan.patch[1:], strict=True)
        # A breast smaller than the patch leaves its middle.
        for margin in [min(length // 2, (extent - 1) // 2)]
    )
    return section, anterior, superior


def _bright(breast: Breast, generator: np.random.Generator) -> tuple[int, int, int]:
    """A bright voxel, uniformly: voxels are drawn until one is bright, so that no list of them is kept."""
    for _ in range(TRIES):
        voxels = generator.integers(np.array(breast.shape)[:, None], size=(3, AT_ONCE))
        found = np.flatnonzero(breast.is_bright(voxels))
        if found.size:
            section, anterior, superior = (int(n) for n in voxels[:, found[0]])
            return section, anterior, superior
    raise ValueError(f"breast {breast.id}: none of {TRIES * AT_ONCE} voxels is bright; make its slab again")


def check_pools(pools: Pools, malignant_share: float) -> None:
    """Refuse what could only fail later: a share that is none, an empty pool that would be drawn from."""
    if not 0 <= malignant_share <= 1:
        raise ValueError(f"malignant_share is {malignant_share}; write a number from 0 to 1")
    if malignant_share > 0 and not pools.malignant:
        raise ValueError("no malignant breast among the training breasts; set malignant_share to 0 or mend the fold")
    if malignant_share < 1 and not pools.negative:
        raise ValueError(
            "no training breast gives patches without tumour: none is benign, and of none are tumour-free sections"
            " known. Set malignant_share to 1, mend the fold, or write negatives: tumour_free_sections where outlines"
            " fill the volume"
        )
