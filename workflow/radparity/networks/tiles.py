"""How a volume is cut into tiles for a network whose output is smaller than its input and has a grid of 8 voxels."""

from __future__ import annotations

import math
from collections.abc import Iterator

from radparity.networks.grid import SECTIONS
from radparity.networks.unet3d import PERIOD, REDUCTION, SMALLEST, check_input_size

Size = tuple[int, int, int]

BYTES_PER_VOXEL = 320
BYTES_PER_VOXEL_AND_WIDTH = 12
"""Peak memory of one tile per input voxel, and per input voxel and unit of base width: above every measurement on a CPU
with widths 8 to 47 and tiles of 19 x 139 x 139 to 35 x 235 x 235."""


def tile_mb(base_width: int, tile: Size) -> float:
    """Memory in MB that one tile of this input size takes at its peak."""
    return (BYTES_PER_VOXEL + BYTES_PER_VOXEL_AND_WIDTH * base_width) * math.prod(tile) / 1e6


def smallest_tile(single_section: bool) -> Size:
    """The smallest input whose outputs, set at multiples of 8 voxels, leave no gap."""
    return SECTIONS if single_section else SECTIONS + PERIOD, SMALLEST[1] + PERIOD, SMALLEST[2] + PERIOD


def check_tile(tile: Size, single_section: bool) -> None:
    """Refuse a tile that the network cannot take, or that would leave gaps between neighbours. Raises ValueError."""
    check_input_size(tile)
    least = smallest_tile(single_section)
    if any(length < shortest for length, shortest in zip(tile, least, strict=True)):
        raise ValueError(f"tile {tile} would leave gaps between neighbours; use at least {least}")
    if single_section and tile[0] != SECTIONS:
        raise ValueError(f"a tile of {tile[0]} sections for a single section; use {SECTIONS}")


def largest_tile(base_width: int, wanted: Size, memory_mb: float, single_section: bool) -> Size:
    """The largest legal input that fits into `memory_mb` and yields no more than the output `wanted` needs.

    It grows in-plane first, evenly: the border that is computed and thrown away is larger there. Raises ValueError
    if not even the smallest fits.
    """
    tile = smallest_tile(single_section)
    if tile_mb(base_width, tile) > memory_mb:
        needed = math.ceil(tile_mb(base_width, tile))
        raise ValueError(
            f"memory_mb {memory_mb:g} is too small for a network of width {base_width}; give at least {needed}"
        )
    most = [
        least + PERIOD * max(0, math.ceil((length + less - least) / PERIOD))
        for length, less, least in zip(wanted, REDUCTION, SMALLEST, strict=True)
    ]
    for axes in ((1, 2), () if single_section else (0,)):
        growing = True
        while growing:
            growing = False
            for axis in axes:
                grown = _longer(tile, axis)
                if grown[axis] <= most[axis] and tile_mb(base_width, grown) <= memory_mb:
                    tile, growing = grown, True
    return tile


def origins(first: Size, stop: Size, out: Size) -> Iterator[Size]:
    """First output voxel of every tile of output `out`: multiples of 8 from `first`, covering all before `stop`."""
    sections, anteriors, superiors = (
        range(start, end, max(length // PERIOD * PERIOD, 1))
        for start, end, length in zip(first, stop, out, strict=True)
    )
    for section in sections:
        for anterior in anteriors:
            for superior in superiors:
                yield section, anterior, superior


def _longer(tile: Size, axis: int) -> Size:
    sizes = [length + PERIOD * (i == axis) for i, length in enumerate(tile)]
    return sizes[0], sizes[1], sizes[2]
