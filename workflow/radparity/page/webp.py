"""Images as WebP of a bounded size: sections, mosaics of sections, thumbnails."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[Any]
"""One section, (anterior, superior)"""
QUALITIES = (85, 75, 65, 55, 45, 35, 25, 15, 8)


def bytes_of(pixels: NDArray[np.uint8], quality: int | None) -> bytes:
    """An image (row, column) or (row, column, colour) as WebP; quality 0 to 100, None: without loss."""
    from PIL import Image

    stream, image = io.BytesIO(), Image.fromarray(pixels).convert("RGB")
    if quality is None:
        image.save(stream, format="WEBP", lossless=True, method=6)
    else:
        image.save(stream, format="WEBP", quality=quality, method=4)
    return stream.getvalue()


def within(pixels: NDArray[np.uint8], limit: int, qualities: Sequence[int] = QUALITIES) -> bytes | None:
    """The best WebP of an image that has at most `limit` bytes; None where none of these qualities is so small."""
    for quality in qualities:
        made = bytes_of(pixels, quality)
        if len(made) <= limit:
            return made
    return None


def scaled(plane: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Intensities as 0 to 255 between two display limits; any number of axes."""
    share = (plane.astype(np.float32) - low) / (high - low)
    found: NDArray[np.uint8] = (np.clip(share, 0, 1) * 255 + 0.5).astype(np.uint8)
    return found


def upright(plane: Plane) -> Plane:
    """A section as an image's rows and columns: superior at the top, anterior to the right."""
    return plane.T[::-1]


def small(plane: Plane, longest: int) -> Plane:
    """A section with at most `longest` voxels a side, averaged where there are more; its field of view stays."""
    if max(plane.shape) <= longest:
        return plane
    from radparity.grid import resample

    ratio = longest / max(plane.shape)
    shape = (1, *(max(1, round(n * ratio)) for n in plane.shape))
    found: Plane = resample(plane[None].astype(np.float32), shape)[0]
    return found


def uri(data: bytes) -> str:
    """A WebP inside a page."""
    return "data:image/webp;base64," + base64.b64encode(data).decode("ascii")
