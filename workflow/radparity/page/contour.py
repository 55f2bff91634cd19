"""Outlines of masks as SVG paths."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
"""One section, (anterior, superior)"""


def contours(mask: Mask) -> list[NDArray[np.int_]]:
    """The closed borders of a mask, holes too, each as its corners (point, 2) in half voxels.

    x counts from the posterior edge to the right, y from the superior edge downwards, as images are shown: the centre
    of voxel (anterior, superior) is (2 anterior + 1, 2 (height - superior) - 1). Borders run midway between the centres
    of voxels that are inside and outside, so filling them (even-odd) gives the mask back.
    """
    if not mask.any():
        return []
    from contourpy import contour_generator

    found = contour_generator(z=np.pad(mask, 1).T.astype(float)).lines(0.5)
    height, borders = mask.shape[1], []
    for line in found:
        points = np.asarray(line, dtype=float)
        corners = np.column_stack([2 * points[:, 0] - 1, 2 * height - (2 * points[:, 1] - 1)])
        borders.append(_corners(np.rint(corners).astype(int)[:-1]))
    return borders


def _corners(points: NDArray[np.int_]) -> NDArray[np.int_]:
    """A closed line without the points that lie straight between their neighbours."""
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    turns = before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]
    kept: NDArray[np.int_] = points[turns]
    return kept


def svg_path(mask: Mask) -> str:
    """The borders of a mask as the `d` of an SVG path, in half voxels; empty where the mask is."""
    parts = []
    for border in contours(mask):
        moves = np.diff(border, axis=0)
        parts.append(f"M{border[0, 0]} {border[0, 1]}" + "".join(_move(int(x), int(y)) for x, y in moves) + "z")
    return "".join(parts)


def _move(x: int, y: int) -> str:
    if not y:
        return f"h{x}"
    return f"v{y}" if not x else f"l{x}{'' if y < 0 else ' '}{y}"
