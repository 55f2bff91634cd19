"""From painted tissue to the images of each phase, and the truth that goes with them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radparity.phantom.anatomy import OUTSIDE_MM, Anatomy
from radparity.phantom.grid import Grid
from radparity.phantom.motion import Displacement
from radparity.phantom.smooth import Array


def sample(coefficients: Array, paint: Grid, native: Grid, motion: Displacement | None = None) -> Array:
    """A painted volume, as cubic spline coefficients, at the voxels of the native grid, displaced or not."""
    points = motion.origin_of(native) if motion else native.points
    index = paint.index(points)
    result: Array = ndimage.map_coordinates(
        coefficients, index, order=3, prefilter=False, mode="mirror", output=np.float32
    )
    return result


def rician(rng: np.random.Generator, signal: Array, deviation: float) -> Array:
    """Magnitude of the signal with complex Gaussian noise of this standard deviation."""
    real = rng.standard_normal(signal.shape, dtype=np.float32) * deviation + signal
    imaginary = rng.standard_normal(signal.shape, dtype=np.float32) * deviation
    return np.asarray(np.hypot(real, imaginary))


def level(volume: Array, paint: Grid, native: Grid, order: int = 1) -> Array:
    """A painted distance (order 1) or number (order 0) at the voxels of the native grid."""
    result: Array = ndimage.map_coordinates(
        volume, paint.index(native.points), order=order, mode="nearest", output=np.float32
    )
    return result


def breast_mask(anatomy: Anatomy, native: Grid) -> NDArray[np.uint8]:
    """1 in the left breast, 2 in the right, 0 elsewhere: everything from the chest wall to the skin, skin included."""
    inside = (level(anatomy.skin, anatomy.grid, native) > 0) & (level(anatomy.wall, anatomy.grid, native) > 0)
    left = native.axes[0][:, None, None] < 0
    return np.where(inside, np.where(left, 1, 2), 0).astype(np.uint8)


def lesion_numbers(anatomy: Anatomy, native: Grid) -> NDArray[np.uint8]:
    """The number of the lesion (as in the anatomy's marks) in each voxel of the native grid, 0 outside lesions."""
    inside = level(anatomy.lesion, anatomy.grid, native) > 0
    owner = level(anatomy.owner, anatomy.grid, native, order=0)
    return np.where(inside, owner, 0).astype(np.uint8)


def lesion_level(anatomy: Anatomy, native: Grid, numbers: list[int]) -> Array:
    """Distance inside some of the lesions on the native grid, mm; far outside where another lesion is nearer."""
    chosen = np.where(np.isin(anatomy.owner, numbers), anatomy.lesion, OUTSIDE_MM)
    return level(chosen.astype(np.float32), anatomy.grid, native)


def enhancement_truth(anatomy: Anatomy, native: Grid, times_s: list[float]) -> Array:
    """DCE-in and DCE-out without noise and motion, raw intensities: (section, anterior, superior, 2).

    DCE-in is the first post-contrast phase minus the pre-contrast one; DCE-out the least-squares slope per second over
    the post-contrast phases (Hirsch 2022, Methods).
    """
    t = np.array(times_s[1:]) - np.mean(times_s[1:])
    signals = [anatomy.signal(time) for time in times_s]
    slope = np.asarray(sum(np.float32(w) * s for w, s in zip(t / (t**2).sum(), signals[1:], strict=True)))
    # Both are linear in the signal, so they are taken once before sampling and not once a phase after it.
    return np.stack([sample(part, anatomy.grid, native) for part in (signals[1] - signals[0], slope)], axis=-1)
