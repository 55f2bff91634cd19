"""Spreads: how values of many cases are distributed, as points, quartiles, tails and, where many, a violin."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.figures.style import INK, SOFT, Look

FEWEST_FOR_VIOLIN, FEWEST_FOR_QUARTILES, MANY = 20, 3, 60
GOLDEN = 0.6180339887498949
POINTS_WIDTH, VIOLIN_WIDTH, BAR = 0.34, 0.78, 0.3
MARKS = {
    "point": "one case, moved sideways only so that points do not hide one another",
    "violin": f"density of the cases, drawn from {FEWEST_FOR_VIOLIN} cases on, all violins equally wide",
    "thick bar, cross line": f"quartiles and median, drawn from {FEWEST_FOR_QUARTILES} cases on",
    "thin bar": f"5th to 95th percentile, drawn from {FEWEST_FOR_VIOLIN} cases on",
}


def spread(axis: Any, at: float, values: Any, look: Look, name: str) -> None:
    """Draw values (n,) at a place of the horizontal axis; nan are left out, and no value at all is said in words.

    `name` becomes the id of the points, in the SVG too.
    """
    own = np.sort(np.asarray(values, dtype=float))
    own = own[np.isfinite(own)]
    if not own.size:
        axis.text(at, 0.02, "no case", ha="center", color=SOFT, fontsize=7, transform=axis.get_xaxis_transform())
        return
    half = np.full(own.size, POINTS_WIDTH / 2)
    many = own.size >= FEWEST_FOR_VIOLIN
    if many and np.ptp(own) > 0:
        half = _violin(axis, at, own, look)
    aside = ((np.arange(own.size) * GOLDEN) % 1 - 0.5) * 2 * half
    size, border = (13.0, 0.35) if own.size < MANY else (2.5, 0.12)
    points = axis.scatter(
        at - 0.06 + aside,
        own,
        s=size,
        marker=look.marker,
        facecolor=look.colour,
        edgecolor=INK,
        linewidth=border,
        zorder=3,
    )
    points.set_gid(name)
    if own.size >= FEWEST_FOR_QUARTILES:
        low, middle, high = np.percentile(own, [25, 50, 75])
        axis.plot([at + BAR] * 2, [low, high], color=INK, linewidth=2.6, zorder=4, solid_capstyle="butt")
        (line,) = axis.plot([at + BAR - 0.08, at + BAR + 0.08], [middle] * 2, color=INK, linewidth=1.5, zorder=4)
        line.set_gid(f"{name}-median")
        if many:
            axis.plot([at + BAR] * 2, np.percentile(own, [5, 95]), color=INK, linewidth=0.8, zorder=4)


def _violin(axis: Any, at: float, own: NDArray[np.float64], look: Look) -> NDArray[np.float64]:
    """The violin, left of the bars; returns for each value how far its point may be moved and stay inside."""
    body = axis.violinplot([own], [at - 0.06], widths=VIOLIN_WIDTH * 0.8, showextrema=False)["bodies"][0]
    # The hatch takes the colour of the edge; the fill is paler than the points that lie on it.
    body.set(facecolor=_pale(look.colour), edgecolor=SOFT, hatch=look.hatch, linewidth=0.7, alpha=None, zorder=1)
    outline = body.get_paths()[0].vertices
    right = outline[outline[:, 0] >= at - 0.06]
    right = right[np.argsort(right[:, 1], kind="stable")]
    inside: NDArray[np.float64] = 0.8 * (np.interp(own, right[:, 1], right[:, 0]) - (at - 0.06))
    return inside


def _pale(colour: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    red, green, blue = (0.45 * part + 0.55 for part in to_rgb(colour))
    return red, green, blue


def quartiles(values: Any) -> str:
    """Median and width of the interquartile range in two lines, as the paper prints them; nothing without cases."""
    own = np.asarray(values, dtype=float)
    own = own[np.isfinite(own)]
    if not own.size:
        return ""
    low, middle, high = np.percentile(own, [25, 50, 75])
    return f"{middle:.2f}\n± {high - low:.2f}"
