"""The strip by which a person judges a case's preparation: its section with the outlines, and registration.

It shows nothing of the network, nor how the readers agree: who judges a case's quality must not know what the study
will find of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.page.contour import Mask, contours
from radparity.page.webp import Plane, scaled, small, upright, within
from radparity.report.figures import LINES

HEIGHTS = (190, 140, 100, 60)
"""Rows, the first with which the strip is small enough."""
GAP = 4
LIMIT = 7_000
BREAST = "#FFFFFF"
OUTLINED = LINES[0][0]
SHADE = 15
"""Behind words, 0 to 255."""


def thumbnail(
    pre: Plane, moved: Plane, post: Plane, breast: Mask, readers: Mapping[str, Mask], spacing_mm: tuple[float, float]
) -> bytes:
    """A WebP of at most 7 kB: T1c with the borders of the breast's mask (white) and of what any reader outlined; what
    changed from before to after contrast, |post - pre|, before and after registration.

    pre: as acquired; moved: registered; post: what it was registered onto; all of one section (anterior, superior).
    breast, readers: on another grid of the same field of view, of voxels spacing_mm.
    """
    high = float(np.percentile(post, 99.7)) or 1.0
    changes = [np.abs(post.astype(np.float32) - other) for other in (pre, moved)]
    top = float(np.percentile(changes[0], 99.7)) or 1.0
    ratio = breast.shape[0] * spacing_mm[0] / (breast.shape[1] * spacing_mm[1])
    for height in HEIGHTS:
        size = (max(40, round(height * ratio)), height)
        first = _tile(post, 0, high, size)
        if readers:
            _outline(first, np.any(list(readers.values()), axis=0), OUTLINED)
        _outline(first, breast, BREAST)
        panels = [first, *(_tile(change, 0, top, size) for change in changes)]
        for panel, words in zip(panels, ("T1c", "change, as acquired", "change, registered"), strict=True):
            _words(panel, words)
        gap = np.full((height, GAP, 3), 255, np.uint8)
        parts = [part for panel in panels for part in (np.asarray(panel), gap)][:-1]
        made = within(np.concatenate(parts, axis=1), LIMIT, (70, 55, 40, 30, 20, 10))
        if made is not None:
            return made
    raise ValueError(f"a strip of {HEIGHTS[-1]} rows does not fit in {LIMIT} bytes")


def without_images(words: str) -> bytes:
    """A strip that says why there is nothing to see."""
    panel = _image(np.full((40, 6 * len(words) + 20, 3), 235, np.uint8))
    _draw(panel).text((10, 12), words, fill="#1b1f24", font=_font(12))
    made = within(np.asarray(panel), LIMIT)
    assert made is not None
    return made


def _tile(plane: Plane, low: float, high: float, size: tuple[int, int]) -> Any:
    from PIL import Image

    pixels = scaled(upright(small(plane, 512)), low, high)
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).convert("RGB")


def _outline(panel: Any, mask: Mask, colour: str) -> None:
    scale = np.array([panel.width / (2 * mask.shape[0]), panel.height / (2 * mask.shape[1])])
    for border in contours(mask):
        corners = [tuple(map(float, corner)) for corner in (border * scale)]
        _draw(panel).line([*corners, corners[0]], fill=colour, width=1)


def _words(panel: Any, words: str) -> None:
    _draw(panel).rectangle((0, 0, 5.6 * len(words) + 7, 14), fill=(SHADE, SHADE, SHADE))
    _draw(panel).text((3, 1), words, fill="white", font=_font(11))


def _draw(panel: Any) -> Any:
    from PIL import ImageDraw

    return ImageDraw.Draw(panel)


def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _image(pixels: NDArray[np.uint8]) -> Any:
    from PIL import Image

    return Image.fromarray(pixels)
