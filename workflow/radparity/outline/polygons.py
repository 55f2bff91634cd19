"""Closed outlines in patient coordinates, filled on the sections of the exam's native grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from radparity.outline.exam import Target
from radparity.record import DataFault

# A line through pixels' centres, written with few decimals, still goes through them.
ON_LINE = 0.02
# A section is meant where a contour lies nearer to its middle than this share of the distance between sections.
NEAR = 0.25
BEYOND = 1.0
Points = NDArray[np.float64]


def fill(points: Points, shape: tuple[int, int]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Pixels whose centre lies inside a closed polygon by the even-odd rule, and those whose centre lies on its line.

    points: (point, 2) in pixel coordinates, a pixel's centre at whole numbers; the last joins the first. A channel that
    leads to a hole and back (keyhole) encloses nothing, so the hole stays open.
    """
    inside, line = np.zeros(shape, bool), np.zeros(shape, bool)
    low = np.clip(np.floor(points.min(axis=0) - 1).astype(int), 0, shape)
    high = np.clip(np.ceil(points.max(axis=0) + 2).astype(int), 0, shape)
    u, v = np.mgrid[low[0] : high[0], low[1] : high[1]].astype(float)
    odd, on = np.zeros(u.shape, bool), np.zeros(u.shape, bool)
    for a, b in zip(points, np.roll(points, -1, axis=0), strict=True):
        along = b - a
        if a[0] != b[0]:
            crosses = (u >= min(a[0], b[0])) & (u < max(a[0], b[0]))
            odd ^= crosses & (a[1] + (u - a[0]) * along[1] / along[0] > v)
        length = float(along @ along)
        share = np.clip(((u - a[0]) * along[0] + (v - a[1]) * along[1]) / length, 0, 1) if length else 0.0
        on |= np.hypot(u - a[0] - share * along[0], v - a[1] - share * along[1]) <= ON_LINE
    box = (slice(low[0], high[0]), slice(low[1], high[1]))
    inside[box], line[box] = odd, on
    return inside, line


def draw(contours: Sequence[Points], target: Target, name: str, exclusive: bool = False) -> NDArray[np.bool_]:
    """Contours (point, 3) in DICOM's patient coordinates (LPS), mm, filled on the native grid.

    A voxel is outlined where its centre lies inside or on the line; one contour within another is a hole. A contour
    that encloses no centre marks the voxels its points lie in. exclusive: contours are combined by XOR, as the file
    says; else two that overlap in part are a fault.
    Raises DataFault `outline_contours` (too few points, not flat, overlapping) and `outline_geometry` (between or
    across sections, beyond the exam).
    """
    sections: dict[tuple[int, int], list[Points]] = {}
    for contour in contours:
        axis, section, flat = _plane(contour, target, name)
        sections.setdefault((axis, section), []).append(flat)
    out = target.empty()
    for (axis, section), flats in sorted(sections.items(), key=lambda item: item[0]):
        np.moveaxis(out, axis, 0)[section] |= _section(flats, np.delete(target.shape, axis), name, exclusive)
    return out


def _plane(contour: Points, target: Target, name: str) -> tuple[int, int, Points]:
    """The axis of the native grid that a contour is flat along, its section, and its points within that section."""
    if contour.ndim != 2 or contour.shape[1] != 3 or len(contour) < 3 or not np.isfinite(contour).all():
        raise DataFault("outline_contours", f"{name} holds a contour of fewer than three points. Draw closed contours")
    voxels = target.voxels(contour)
    extent = np.ptp(voxels, axis=0)
    # The acquired plane first: a contour within a single voxel is flat along every axis.
    axes = sorted(range(3), key=lambda axis: (axis != target.section_axis, extent[axis]))
    flat = [axis for axis in axes if extent[axis] <= NEAR]
    if not flat:
        raise DataFault(
            "outline_geometry", f"a contour of {name} cuts across the exam's sections. Draw on the exam's own sections"
        )
    axis = flat[0]
    level = float(voxels[:, axis].mean())
    if abs(level - round(level)) > NEAR:
        raise DataFault(
            "outline_geometry",
            f"a contour of {name} lies {abs(level - round(level)) * target.spacing[axis]:.1f} mm off the nearest"
            " section. Draw on the exam's own sections",
        )
    points = np.delete(voxels, axis, axis=1)
    sizes = np.delete(target.shape, axis)
    if not 0 <= round(level) < target.shape[axis] or (points < -BEYOND).any() or (points > sizes - 1 + BEYOND).any():
        raise DataFault("outline_geometry", f"a contour of {name} lies outside the exam's images. Draw on this exam")
    return axis, round(level), points


def _section(flats: Sequence[Points], shape: NDArray[np.int_], name: str, exclusive: bool) -> NDArray[np.bool_]:
    """All contours of one section."""
    size = (int(shape[0]), int(shape[1]))
    odd, lines = np.zeros(size, bool), np.zeros(size, bool)
    filled: list[NDArray[np.bool_]] = []
    for points in flats:
        inside, line = fill(points, size)
        if not (inside | line).any():
            near = np.clip(np.rint(points).astype(int), 0, np.array(size) - 1)
            inside[near[:, 0], near[:, 1]] = True
        overlaps = [(inside & other, other) for other in filled]
        if not exclusive and any(
            both.any() and ((both == inside).all() == (both == other).all()) for both, other in overlaps
        ):
            raise DataFault(
                "outline_contours",
                f"two contours of {name} overlap on one section, so it is not known whether what they share belongs to"
                " the cancer. Join them, or draw a hole wholly inside",
            )
        filled.append(inside)
        odd ^= inside
        lines |= line
    odd |= lines
    return odd
