"""Volumes as mosaics: all sections of a breast side by side in one small image, for the volume view."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radparity.grid import resample
from radparity.page.webp import scaled, upright, within

MARGIN_MM = 6.0
# Longest side of a section in pixels, and qualities of the image: the first that is small enough is taken.
TRIED = ((128, (50, 40, 30)), (112, (35, 25)), (96, (30, 20)), (80, (25, 15)), (64, (20, 10, 5)), (48, (15, 5, 0)))
BRIGHTEST = 99.8
"""Percentile that is shown white."""


class Frame(NamedTuple):
    """The part of a section that is shown, in pixels: of the `whole` section (width, height) the rectangle from left
    and top. Anterior is at the right, superior at the top."""

    whole: tuple[int, int]
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Mosaic:
    """Sections in rows, the first at the upper left, `columns` of them a row, each as its frame says.

    first, sections: which sections of the breast's grid these are, counted from 0 at the patient's left.
    """

    data: bytes
    frame: Frame
    columns: int
    first: int
    sections: int

    def facts(self) -> dict[str, Any]:
        """All but the image."""
        return {name: value for name, value in asdict(self).items() if name != "data"}


def read_mosaic(data: bytes, facts: dict[str, Any]) -> Mosaic:
    """A mosaic from its image and what `facts` said, which may have gone through JSON."""
    whole, *rest = facts["frame"]
    return Mosaic(data, Frame(tuple(whole), *rest), facts["columns"], facts["first"], facts["sections"])


def mosaic(volume: NDArray[Any], breast: NDArray[np.bool_], step: NDArray[Any], limit: int) -> Mosaic:
    """A volume (section, anterior, superior) around the breast, 8 bits, at most `limit` bytes.

    The volume shows the same field of view as the breast's mask, section by section; step: mm, of the mask's voxels.
    Raises ValueError where it cannot be made so small.
    """
    high = float(np.percentile(volume, BRIGHTEST))
    most = max(volume.shape[1:])
    for longest, qualities in TRIED:
        frame = frame_of(breast, step, longest, most)
        made = within(sheet(scaled(tiles(volume, frame), 0, high if high > 0 else 1)), limit, qualities)
        if made is not None:
            return Mosaic(made, frame, _columns(len(volume)), 0, len(volume))
    raise ValueError(f"{len(volume)} sections do not fit in {limit} bytes")


def probability_mosaic(probability: NDArray[Any], first: int, frame: Frame, limit: int) -> Mosaic | None:
    """A probability map, 255 for 1, in the frame of another mosaic; None where it holds nothing, or does not fit.

    first: the section that the map begins at.
    """
    if not probability.any():
        return None
    made = within(sheet(scaled(tiles(probability, frame), 0, 1)), limit, (80, 60, 40, 20, 5))
    return None if made is None else Mosaic(made, frame, _columns(len(probability)), first, len(probability))


def frame_of(breast: NDArray[np.bool_], step: NDArray[Any], longest: int, most: int) -> Frame:
    """The frame of a breast's mask and 6 mm more, its longer side about `longest` pixels; all where the mask is empty.

    most: pixels that the longer side of the whole section may have, so that nothing is shown finer than it is.
    """
    length = np.array([n * float(mm) for n, mm in zip(breast.shape[1:], step[1:], strict=True)])
    ends = np.array([[0.0, n] for n in length])
    if breast.any():
        for axis in (0, 1):
            marked = np.flatnonzero(breast.any(axis=(0, 2 - axis)))
            low, high = marked[0] * step[axis + 1] - MARGIN_MM, (marked[-1] + 1) * step[axis + 1] + MARGIN_MM
            ends[axis] = max(0.0, low), min(length[axis], high)
    pixel = max(max(ends[:, 1] - ends[:, 0]) / longest, max(length) / most)
    whole = (max(1, round(length[0] / pixel)), max(1, round(length[1] / pixel)))
    cells = [np.array(whole[k]) * ends[k] / length[k] for k in (0, 1)]
    left, right = int(np.floor(cells[0][0])), int(np.ceil(cells[0][1]))
    low, high = int(np.floor(cells[1][0])), int(np.ceil(cells[1][1]))
    return Frame(whole, left, whole[1] - high, right - left, high - low)


def tiles(volume: NDArray[Any], frame: Frame) -> NDArray[np.float32]:
    """The frame of each section of a volume (section, anterior, superior) as (section, row, column)."""
    whole = resample(volume.astype(np.float32), (len(volume), *frame.whole))
    rows = np.stack([upright(plane) for plane in whole])
    found: NDArray[np.float32] = rows[:, frame.top : frame.top + frame.height, frame.left : frame.left + frame.width]
    return found


def sheet(tiles: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Tiles (section, row, column) side by side in about a square."""
    count, height, width = tiles.shape
    columns = _columns(count)
    rows = -(-count // columns)
    whole = np.zeros((rows * columns, height, width), np.uint8)
    whole[:count] = tiles
    return whole.reshape(rows, columns, height, width).swapaxes(1, 2).reshape(rows * height, columns * width)


def _columns(count: int) -> int:
    return int(np.ceil(np.sqrt(count)))
