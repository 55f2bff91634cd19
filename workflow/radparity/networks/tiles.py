"""How the voxels to predict are cut into tiles: the fewest voxels to compute, within the memory.

A network sees its input on a grid (`Geometry.period`), so every tile's output begins on one grid that is fixed for the
case. The map then does not depend on the tiles, and a tile may be as small or as large as is best.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.networks.geometry import Geometry, Size


@dataclass(frozen=True)
class Tile:
    """`output` is the first voxel of what the tile predicts, `size` its input, `extent` what is wanted of its output;
    all (section, anterior, superior)."""

    output: Size
    size: Size
    extent: Size

    def halves(self, geometry: Geometry, wanted: Wanted) -> list[Tile]:
        """The tile in two, each cut to what is wanted, along the axis that leaves the least to compute.

        Empty where it cannot be cut.
        """
        found = []
        for axis, step in enumerate(geometry.period):
            if self.extent[axis] > step and not (geometry.whole_section and axis):
                first = math.ceil(self.extent[axis] / step / 2) * step
                found.append([tile for part in self._cut(axis, first) for tile in wanted.tiles(geometry, *part)])
        return min(found, key=lambda tiles: sum(work(geometry, tile.size) for tile in tiles), default=[])

    def _cut(self, axis: int, first: int) -> list[tuple[Size, Size]]:
        origin, less, more = (list(size) for size in (self.output, self.extent, self.extent))
        origin[axis] += first
        less[axis], more[axis] = first, self.extent[axis] - first
        return [(self.output, _size(less)), (_size(origin), _size(more))]


@dataclass(frozen=True)
class Wanted:
    """The voxels to predict, (section, anterior, superior). The grid of tiles goes through `origin`, which is 0 or less
    on each axis."""

    voxels: NDArray[np.bool_]
    origin: Size

    def tiles(self, geometry: Geometry, output: Size | None = None, extent: Size | None = None) -> list[Tile]:
        """One tile around all that is wanted, or what is wanted in a box that begins on the grid; none where nothing
        is."""
        output = self.origin if output is None else output
        shape = self.voxels.shape
        stop = shape if extent is None else [min(o + e, n) for o, e, n in zip(output, extent, shape, strict=True)]
        start = [max(o, 0) for o in output]
        box = self.voxels[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))]
        first, last = [], []
        for axis in range(3):
            found = np.flatnonzero(box.any(axis=tuple({0, 1, 2} - {axis})))
            if not found.size:
                return []
            whole = geometry.whole_section and axis
            low, high = (0, shape[axis]) if whole else (start[axis] + found[0], start[axis] + found[-1] + 1)
            step = geometry.period[axis]
            first.append((low - self.origin[axis]) // step * step + self.origin[axis])
            last.append(high)
        needed = _size([b - a for a, b in zip(first, last, strict=True)])
        return [Tile(_size(first), geometry.covering(needed), needed)]


class DoesNotFitError(ValueError):
    """A tile of input `size` that cannot be cut further is too large."""

    def __init__(self, size: Size) -> None:
        self.size = size
        super().__init__(f"a tile of {' x '.join(map(str, size))} voxels, the smallest, does not fit")


def plan(geometry: Geometry, wanted: Wanted, waiting: list[Tile], fits: Callable[[Size], bool]) -> Iterator[Tile]:
    """Tiles whose inputs fit, cut from those in `waiting`, which the caller may add to meanwhile; together they cover
    every wanted voxel of them.

    Raises DoesNotFitError where a tile that cannot be cut further does not fit.
    """
    while waiting:
        tile = waiting.pop()
        halves = tile.halves(geometry, wanted)
        if not fits(tile.size):
            if not halves:
                raise DoesNotFitError(tile.size)
            waiting += reversed(halves)
        elif halves and sum(work(geometry, half.size) for half in halves) < work(geometry, tile.size):
            waiting += reversed(halves)
        else:
            yield tile


def work(geometry: Geometry, size: Size) -> float:
    """About how much there is to compute for an input of this size, in any unit. A voxel of the output passes the
    wide layers of the decoder as well: about twice the work of one that is only seen."""
    return math.prod(size) + 2 * math.prod(geometry.output(size))


def _size(lengths: Any) -> Size:
    section, anterior, superior = (int(length) for length in lengths)
    return section, anterior, superior
