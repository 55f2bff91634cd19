"""The body against the air in front of it.

Suppressed fat can be as dark as air, so the body is not what is bright but what air cannot reach: a ball rolled in
from the front stops at the skin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radparity.mask.coarse import Spacing, Volume, blur, largest
from radparity.record import DataFault

Voxels = NDArray[np.bool_]

SKIN_MM = 0.8
"""Standard deviation of the smoothing at which the skin is looked for."""
FAT_MM = 4.0
"""The same for suppressed fat; there air and fat differ so little that the noise must be smoothed away."""
BALLS_MM = (9.0, 4.0)
"""Radii of the balls. Gaps in the skin narrower than twice the first stay closed; the second reaches into folds."""
NOISE = 5.0
"""Standard deviations of air above which there is signal."""
FAT_NOISE = 3.0
GHOST = 0.04
"""Share of the brightest tissue below which signal is taken for a ghost of the moving heart."""
HALO_MM = 5.0
"""Depth to which the border is drawn in to where the signal is half of the skin's."""
PITS_MM = 2.0
FILAMENTS_MM = 3.0


@dataclass(frozen=True)
class Body:
    """Voxels of the body (section, anterior, superior), and the raw signal of air."""

    inside: Voxels
    air: float


def find_body(image: Volume, spacing: Spacing) -> Body:
    """The body in a volume (section, anterior, superior) that has air in front. Whatever lies behind the skin is body.

    Raises DataFault `no_signal` for an empty volume, `no_breast` where nothing rises above the air.
    """
    if not np.isfinite(image).all() or np.count_nonzero(image > 0) < 1000:
        raise DataFault("no_signal", "the first post-contrast volume is empty")
    smooth = blur(image, SKIN_MM, spacing)
    air, deviation = air_signal(smooth, spacing)
    bright = float(np.percentile(smooth, 99.5))
    signal = largest(smooth > max(air + NOISE * deviation, air + GHOST * (bright - air)))
    if not signal.any():
        raise DataFault("no_breast", "no tissue rises above the air")
    outside = _roll_in(signal, spacing)
    # Ghosts first, or what lies behind them would be taken for fat.
    outside = ~_tidy(~outside, _in_plane(spacing))
    outside &= ~_dim_fat(image, signal, outside, spacing)
    outside = _draw_in(outside, smooth, air, spacing)
    return Body(_tidy(~outside, _in_plane(spacing)), air)


def air_signal(smooth: Volume, spacing: Spacing) -> tuple[float, float]:
    """Mean and standard deviation of air: from the darkest fifth of blocks of 8 mm, without those that are all zero.

    Zeros are what the scanner filled in, as beyond its own field of view.
    """
    sides = np.where(spacing == spacing.max(), 1, np.maximum(np.round(8 / spacing), 1)).astype(int)
    kept = [length // side * side for length, side in zip(smooth.shape, sides, strict=True)]
    shape = [part for length, side in zip(kept, sides, strict=True) for part in (length // side, side)]
    blocks = smooth[: kept[0], : kept[1], : kept[2]].reshape(shape)
    means, deviations = blocks.mean(axis=(1, 3, 5)).ravel(), blocks.std(axis=(1, 3, 5)).ravel()
    whole = blocks.min(axis=(1, 3, 5)).ravel() > 0
    # A scanner that blanks the air leaves hardly a block of it: then the air is zero.
    if whole.mean() < 0.5:
        return 0.0, 0.0
    dark = whole & (means <= np.percentile(means[whole], 20))
    return float(np.median(means[dark])), float(np.median(deviations[dark]))


def _in_plane(spacing: Spacing) -> Spacing:
    """Spacing for distances within the planes of acquisition only: the next plane is far away."""
    return np.where(np.arange(3) == int(np.argmax(spacing)), 1e4, spacing)


def _within(voxels: Voxels, reach: float, spacing: Spacing) -> Voxels:
    """Voxels that are no further than `reach` mm from some of these."""
    if not voxels.any():
        return voxels
    return np.asarray(ndimage.distance_transform_edt(~voxels, sampling=spacing) <= reach)


def _roll_in(signal: Voxels, spacing: Spacing) -> Voxels:
    """What balls reach that start at the front of the volume and never touch signal.

    The smaller ball goes no further from where the larger one has been than a fold is deep, so that it cannot run
    through the body from a gap in the skin.
    """
    # The planes go on as the first and the last do: else a ball before the first plane would have to fit into it.
    across = int(np.argmax(spacing))
    more = int(np.ceil(BALLS_MM[0] / spacing[across]))
    wide = np.pad(signal, [(more, more) if axis == across else (0, 0) for axis in range(3)], mode="edge")
    distance = ndimage.distance_transform_edt(~wide, sampling=spacing).astype(np.float32)
    reached = np.zeros_like(wide)
    reached[:, -1] = True
    for number, radius in enumerate(BALLS_MM):
        free = distance > radius
        if number:
            free &= _within(reached, BALLS_MM[number - 1] - radius, spacing)
        labels, count = ndimage.label(free)
        entered = np.zeros(count + 1, dtype=bool)
        entered[np.unique(labels[reached & free])] = True
        entered[0] = False
        reached |= _within(entered[labels], radius, spacing)
    # The front itself was only where to start.
    reached[:, -1] &= ~wide[:, -1]
    return np.take(reached, range(more, more + signal.shape[across]), axis=across)


def _dim_fat(image: Volume, signal: Voxels, outside: Voxels, spacing: Spacing) -> Voxels:
    """Fat that a ball has entered through a gap in the skin.

    It lies behind body and is not quite as dark as air when averaged over some millimetres, signal left out.
    """
    tissue = ~outside
    ahead = np.logical_or.accumulate(tissue[:, ::-1], axis=1)[:, ::-1]
    level, weight = (blur(v, FAT_MM, spacing) for v in (np.where(signal, 0, image), ~signal))
    level = np.where(weight > 0.05, level / np.maximum(weight, 0.05), 0)
    air, deviation = air_signal(blur(image, FAT_MM, spacing), spacing)
    return np.asarray(outside & ahead & (level > air + FAT_NOISE * deviation))


def _draw_in(outside: Voxels, smooth: Volume, air: float, spacing: Spacing) -> Voxels:
    """Air that also holds the halo of the skin: voxels below half of the brightest signal within 4 mm of them."""
    planar = _in_plane(spacing)
    window = [2 * int(4 / step) + 1 for step in planar]
    half = (ndimage.maximum_filter(smooth, size=window) + air) / 2
    halo = (smooth < half) & _within(outside, HALO_MM, planar)
    cross = ndimage.generate_binary_structure(3, 1)
    cross[tuple([0, 2] if axis == int(np.argmax(spacing)) else slice(None) for axis in range(3))] = False
    return np.asarray(ndimage.binary_propagation(outside, structure=cross, mask=halo | outside))


def _tidy(body: Voxels, planar: Spacing) -> Voxels:
    """Pits of noise in the skin are filled; filaments, as ghosts are, and whatever hangs on them are taken off."""
    closed = body | ~_within(~_within(body, PITS_MM, planar), PITS_MM, planar)
    core = largest(~_within(~closed, FILAMENTS_MM, planar))
    return largest(closed & _within(core, FILAMENTS_MM + 1.0, planar))
