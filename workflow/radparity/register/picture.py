"""The picture of a registration: one section of each moved phase, before and after, small enough for every exam."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

TITLES = ("target", "before", "after", "difference before", "difference after")
# A PNG of this many pixels in sixteen greys stays below 100 kB.
PIXELS = 340_000
LARGEST = 220
GREYS = 16
MARGIN = 14
SQUARES = 6

Plane = NDArray[np.float32]


class Row(NamedTuple):
    """One section (anterior, superior) of a phase: the target, the phase before and after, in raw intensity.

    phase: its number, from 0.
    """

    phase: int
    target: Plane
    before: Plane
    after: Plane


def largest_section(mask: NDArray[np.bool_]) -> int:
    """The section (first axis) in which a mask is largest."""
    return int(np.argmax(mask.sum(axis=(1, 2))))


def row(
    phase: int, target: NDArray[np.float32], before: NDArray[np.float32], after: NDArray[np.float32], section: int
) -> Row:
    """The planes of one phase, copied so that the volumes can go."""
    return Row(phase, target[section].copy(), before[section].copy(), after[section].copy())


def draw(rows: list[Row], spacing: NDArray[np.float64], path: Path) -> None:
    """Write the picture: a line of panels for each moved phase, anterior to the right, superior up.

    The panels before and after are checkerboards of target and phase: edges that do not meet are motion. The
    differences are grey where nothing changed, bright where contrast was taken up; pairs of bright and dark edges are
    motion. spacing: mm of the volume. The same rows give the same bytes.
    """
    from PIL import Image, ImageDraw

    high, wide = rows[0].target.shape[1] * spacing[2], rows[0].target.shape[0] * spacing[1]
    scale = min(LARGEST / max(high, wide), float(np.sqrt(PIXELS / (len(rows) * len(TITLES) * high * wide))))
    size = max(1, round(high * scale)), max(1, round(wide * scale))
    lines = [np.concatenate([_panel(plane, size) for plane in _planes(one)], axis=1) for one in rows]
    body = np.concatenate(lines)
    levels = np.rint(np.clip(body, 0, 1) * (GREYS - 1)).astype(np.uint8)
    image = Image.new("P", (levels.shape[1], levels.shape[0] + MARGIN), 0)
    image.putpalette([round(grey * 255 / (GREYS - 1)) for grey in range(GREYS) for _ in range(3)])
    image.paste(Image.fromarray(levels, "P"), (0, MARGIN))
    pen = ImageDraw.Draw(image)
    for column, title in enumerate(TITLES):
        pen.text((column * size[1] + 2, 1), title, fill=GREYS - 1)
    for line, one in enumerate(rows):
        pen.text((2, MARGIN + line * size[0] + 1), f"phase {one.phase + 1}", fill=GREYS - 1)
    image.save(path, format="PNG", bits=4, optimize=True)


def _planes(one: Row) -> list[Plane]:
    """The panels of a row as grey between 0 and 1."""
    bright = max(float(np.percentile(one.target, 99.5)), 1e-6)
    target, before, after = (np.sqrt(np.clip(plane / bright, 0, 1)) for plane in one[1:])
    step = np.array(one.target.shape) / SQUARES
    squares = np.add(*np.ix_(*(np.arange(n) // s for n, s in zip(one.target.shape, step, strict=True)))) % 2 == 0
    differences = [0.5 + (one.target - plane) / (2 * bright) for plane in (one.before, one.after)]
    return [target, np.where(squares, target, before), np.where(squares, target, after), *differences]


def _panel(plane: Plane, size: tuple[int, int]) -> Plane:
    """A plane (anterior, superior) as an image of this height and width, superior up."""
    upright = plane.T[::-1]
    ratio = np.array(upright.shape) / size
    panel: Plane = ndimage.affine_transform(
        ndimage.gaussian_filter(upright, np.maximum(0, 0.35 * (ratio - 1))),
        np.diag(ratio),
        0.5 * ratio - 0.5,
        output_shape=size,
        order=1,
        mode="nearest",
        prefilter=False,
    )
    panel[:, -1] = 0
    panel[-1] = 0
    return panel
