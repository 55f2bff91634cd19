"""The chest wall: where, going back from the skin, breast ends and the pectoral muscle or the ribs begin.

One surface over all columns (section, superior) is found at once: the one with the best evidence that changes little
from column to column, by summing the costs of the best paths from four sides (Hirschmüller, semi-global matching,
IEEE TPAMI 2008;30:328). Where nothing is to be seen (fat runs on to the axilla, an implant covers the muscle), the
surface follows its neighbours and a quadric through what is seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radparity.mask.coarse import Spacing, Volume, blur

Surface = NDArray[np.float64]

LAYER_MM = 6.0
"""Tissue on either side of the wall that is compared."""
CLEAR = 0.2
"""Contrast, (behind - before) / (behind + before), that is clear evidence."""
COIL_MM = 30.0
BEND = 0.06
"""Price of a step of 1 mm from one column to the next, in units of one column's full evidence."""
BEHIND, BEFORE = 0.004, 0.05
"""Price a mm of lying behind and before the chest's skin: of two edges the nearer is the wall, and what lies further
forward than the skin above and below the breast is in the breast."""
MOST = 0.6
PULL = 0.001
REACH_MM = 40.0
IMPOSSIBLE = 2.0
SUPPRESSED = 1.65
"""Ninth decile of the depth's signal over that of the fat under the skin, above which fat counts as suppressed."""


@dataclass(frozen=True)
class Wall:
    """position: mm from the posterior face of the volume, (section, superior), below 0 where the wall lies behind it.

    seen: evidence at each column, 0 to 1. fat_is_dark: whether fat is suppressed, so that muscle is brighter than fat.
    """

    position: Surface
    seen: Surface
    fat_is_dark: bool


def chest_wall(
    image: Volume, inside: NDArray[np.bool_], spacing: Spacing, air: float, fat_is_dark: bool | None = None
) -> Wall:
    """The chest wall in a volume (section, anterior, superior) whose body is known; air: raw signal of air.

    fat_is_dark: whether fat is suppressed, where that is known; None: found from the image.
    """
    level = np.where(inside, image / coil_sensitivity(image, inside, spacing, air), 0).astype(np.float32)
    fat_is_dark = is_fat_dark(level, inside, spacing) if fat_is_dark is None else fat_is_dark
    contrast, possible = layer_contrast(level, inside, spacing)
    evidence = 1 - np.exp(-np.clip(contrast if fat_is_dark else -contrast, 0, None) / CLEAR)
    before_skin = np.arange(evidence.shape[2]) * spacing[1] - chest_skin(inside, spacing)[..., None]
    cost = -evidence + BEHIND * np.clip(-before_skin, 0, None) + np.clip(BEFORE * (before_skin + 3), 0, MOST)
    cost = np.where(possible, cost, IMPOSSIBLE)
    # A column without body says nothing about the wall of its neighbours.
    cost[~inside.any(axis=1)] = 0
    cost = cost.astype(np.float32)
    first = np.argmin(aggregate(cost, BEND * spacing[1]), axis=2)
    seen = np.take_along_axis(evidence, first[..., None], axis=2)[..., 0]
    general = quadric(first * spacing[1], seen, spacing)
    position = _around(general, cost, spacing)
    return Wall(position, _at(evidence, position / spacing[1], 0.0), fat_is_dark)


def coil_sensitivity(image: Volume, inside: NDArray[np.bool_], spacing: Spacing, air: float) -> Volume:
    """The surface coil's smooth sensitivity: mean of the logarithm of the tissue's signal over some centimetres."""
    sigma = COIL_MM / spacing
    weight = ndimage.gaussian_filter(inside.astype(np.float32), sigma, truncate=2.5)
    logarithm = np.where(inside, np.log(np.maximum(image, max(air, 1e-6))), 0).astype(np.float32)
    smooth = ndimage.gaussian_filter(logarithm, sigma, truncate=2.5)
    sensitivity: Volume = np.exp(smooth / np.maximum(weight, 1e-4))
    return sensitivity


def is_fat_dark(level: Volume, inside: NDArray[np.bool_], spacing: Spacing) -> bool:
    """Whether fat is suppressed: then some tissue in the depth is far brighter than the fat under the skin."""
    depth = ndimage.distance_transform_edt(np.pad(inside, ((0, 0), (0, 1), (0, 0))), sampling=spacing)[:, :-1]
    under_skin, deep = level[(depth > 4) & (depth < 9)], level[(depth > 12) & (depth < 60)]
    if not under_skin.size or not deep.size:
        return True
    return bool(np.percentile(deep, 90) > SUPPRESSED * np.median(under_skin))


def layer_contrast(level: Volume, inside: NDArray[np.bool_], spacing: Spacing) -> tuple[Volume, NDArray[np.bool_]]:
    """Contrast (behind - before) / (behind + before) of the layers on either side of every border between voxels.

    level: (section, anterior, superior), 0 outside the body. Both results are (section, superior, border); border i
    lies behind voxel i. The second says where a wall can be: not within a voxel or two of the skin.
    """
    across = np.where(np.arange(3) == 1, 1e4, spacing)
    weight = blur(inside, 2.5, across)
    tissue = ndimage.binary_erosion(inside, structure=np.ones((1, 3, 1)), border_value=1)
    smooth = np.where(tissue, blur(level, 2.5, across) / np.maximum(weight, 0.3), 0)
    layer = max(2, round(LAYER_MM / spacing[1]))
    sums, counts = (np.insert(np.cumsum(np.moveaxis(v, 1, 2), axis=2), 0, 0, axis=2) for v in (smooth, tissue))
    border = np.arange(sums.shape[2])
    ahead, back = np.minimum(border + layer, border[-1]), np.maximum(border - layer, 0)
    many_ahead, many_back = counts[..., ahead] - counts, counts - counts[..., back]
    before = (sums[..., ahead] - sums) / np.maximum(many_ahead, 1)
    behind = (sums - sums[..., back]) / np.maximum(many_back, 1)
    enough = (many_ahead > 1) & (many_back == layer)
    contrast = np.where(enough, (behind - before) / np.maximum(behind + before, 1e-6), 0)
    return contrast.astype(np.float32), (many_ahead > 1) | (border == 0)


def chest_skin(inside: NDArray[np.bool_], spacing: Spacing) -> Surface:
    """Where the skin would be without breasts, mm from the posterior face, (section, superior).

    In every section the line under the skin's profile that bulges nowhere forward (its lower convex envelope).
    """
    length = inside.shape[1]
    front = np.where(inside.any(axis=1), length - np.argmax(inside[:, ::-1], axis=1), np.nan) * spacing[1]
    where = np.arange(front.shape[1]) * spacing[2]
    return np.stack([_envelope(where, profile) for profile in front])


def _envelope(where: NDArray[np.float64], profile: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lower convex envelope of a profile (Andrew's monotone chain); NaN is where there is no body, 0 if nowhere."""
    corners: list[tuple[float, float]] = []
    known = np.isfinite(profile)
    if not known.any():
        return np.zeros_like(profile)
    for x, y in zip(where[known], profile[known], strict=True):
        while len(corners) > 1:
            (x0, y0), (x1, y1) = corners[-2:]
            if (y1 - y0) * (x - x1) < (y - y1) * (x1 - x0):
                break
            corners.pop()
        corners.append((float(x), float(y)))
    return np.asarray(np.interp(where, *np.transpose(corners)))


def aggregate(cost: NDArray[np.float32], bend: float) -> NDArray[np.float32]:
    """Costs of the best paths from four sides, summed: (section, superior, candidate), as `cost`.

    A path pays `bend` for every candidate by which two neighbouring columns differ.
    """
    ramp = (np.arange(cost.shape[2]) * bend).astype(np.float32)
    total = -3 * cost
    for axis in (0, 1):
        columns, sums = np.moveaxis(cost, axis, 0), np.moveaxis(total, axis, 0)
        for order in (range(len(columns)), range(len(columns) - 1, -1, -1)):
            path = np.zeros_like(columns[0])
            for column in order:
                upward = np.minimum.accumulate(path - ramp, axis=1) + ramp
                downward = np.minimum.accumulate((path + ramp)[:, ::-1], axis=1)[:, ::-1] - ramp
                path = columns[column] + np.minimum(upward, downward) - path.min(axis=1, keepdims=True)
                sums[column] += path
    return total


def quadric(position: Surface, seen: Surface, spacing: Spacing) -> Surface:
    """The quadric surface nearest to the columns with evidence, little moved by those far from it (Cauchy weights)."""
    places = [np.arange(n) * step for n, step in zip(position.shape, spacing[[0, 2]], strict=True)]
    x, z = np.meshgrid(*places, indexing="ij")
    x, z = (x - x.mean()) / 100, (z - z.mean()) / 100
    terms = np.stack([np.ones_like(x), x, z, x * x, x * z, z * z], axis=-1).reshape(-1, 6)
    trust = np.clip(seen - 0.3, 0, None).ravel() + 1e-6
    weight, found = trust, np.zeros(6)
    ridge = np.diag([0, 0, 0, 1, 1, 1]) * 1e-3 * trust.sum()
    for _ in range(15):
        found = np.linalg.solve(terms.T @ (weight[:, None] * terms) + ridge, terms.T @ (weight * position.ravel()))
        weight = trust / (1 + ((position.ravel() - terms @ found) / 8.0) ** 2)
    return np.asarray((terms @ found).reshape(position.shape))


def _around(general: Surface, cost: NDArray[np.float32], spacing: Spacing) -> Surface:
    """The best surface within reach of the general one; bending is now measured against that."""
    offsets = np.arange(-REACH_MM, REACH_MM + 1e-6, spacing[1])
    borders = (general[..., None] + offsets) / spacing[1]
    near = _at(cost, borders, 0.0) + PULL * np.abs(offsets)
    near[borders > cost.shape[2] - 1] = IMPOSSIBLE
    best = offsets[np.argmin(aggregate(near.astype(np.float32), BEND * spacing[1]), axis=2)]
    calm = ndimage.median_filter(general + best, size=[max(3, 2 * int(4 / s) + 1) for s in spacing[[0, 2]]])
    smooth: Surface = ndimage.gaussian_filter(calm, 3 / spacing[[0, 2]], mode="nearest")
    return smooth


def _at(volume: NDArray[np.float32], border: Surface, beyond: float) -> NDArray[np.float64]:
    """Linear interpolation of (section, superior, border) along its last axis; `beyond` behind the volume."""
    many = border if border.ndim == 3 else border[..., None]
    inside = np.clip(many, 0, volume.shape[2] - 1)
    lower = np.minimum(inside.astype(int), volume.shape[2] - 2)
    share = inside - lower
    low, high = (np.take_along_axis(volume, lower + step, axis=2) for step in (0, 1))
    found = np.where(many < 0, beyond, (1 - share) * low + share * high)
    return np.asarray(found if border.ndim == 3 else found[..., 0])
