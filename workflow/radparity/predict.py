"""Tumour probability of a breast from one or several networks, in tiles.

The networks see a grid of period 8, so tiles start at multiples of 8 voxels from one origin; the map then does not
depend on the size of the tiles. Along the sections the origin is the section that will be judged: training puts the
labelled section in the middle of 19, and only there (and 8, 16 ... sections away) is a section seen as in training;
those between are interpolated by the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from radparity.networks.compute import on_device, reproducible
from radparity.networks.grid import SECTIONS, coordinate_map, reflected
from radparity.networks.tiles import Size, check_tile, largest_tile, origins
from radparity.networks.unet3d import PERIOD, REDUCTION, UNet3d, output_size
from radparity.scaling import Prepare

Model = tuple[UNet3d, Prepare]
"""A network, and what makes its input of this breast's harmonized channels (`Scaling.of`)."""


def predict_volume(
    models: Sequence[Model],
    channels: NDArray[np.floating[Any]],
    mask: NDArray[np.bool_] | None,
    section: int | None = None,
    tile: Size | None = None,
    memory_mb: float = 1500,
    device: str = "cpu",
    threads: int = 1,
) -> NDArray[np.float32]:
    """Tumour probability (section, anterior, superior), the mean over the models.

    `channels` is (channel, section, anterior, superior), harmonized; `mask` (section, anterior,
    superior) is the breast. `section` is the one that will be judged (default: the central one), seen exactly as in
    training. `tile` is the network's input size, else the largest that fits into `memory_mb`. Beyond the border the
    image is reflected. Only voxels near the mask are predicted (see `near_mask`), the others are 0; without a mask
    all are predicted. The networks are moved to `device` and left in evaluation mode.
    Raises ValueError for shapes that do not fit, values that are not finite, an empty mask, a missing mask for a
    network with the prior.
    """
    size = _size(channels)
    section = size[0] // 2 if section is None else section
    if not 0 <= section < size[0]:
        raise ValueError(f"section {section} is outside the {size[0]} sections")
    _check(models, channels, mask)
    first = -(-section % PERIOD)
    tile = _tile(models, (size[0] - first, size[1], size[2]), tile, memory_mb, single_section=False)
    wanted = np.ones(size, dtype=bool) if mask is None else near_mask(mask)
    scene = _Scene(channels, mask, 0, size)
    return _in_tiles(models, scene, wanted, 0, tile, first, device, threads)


def predict_section(
    models: Sequence[Model],
    slab: NDArray[np.floating[Any]],
    mask: NDArray[np.bool_] | None,
    section: int,
    sections: int,
    tile: Size | None = None,
    memory_mb: float = 1500,
    device: str = "cpu",
    threads: int = 1,
) -> NDArray[np.float32]:
    """Tumour probability (anterior, superior) of the middle section of a slab, the mean over the models.

    `slab` is (channel, 19, anterior, superior) and `mask` (19, anterior, superior): the sections around `section`
    of a volume of `sections` sections, reflected at its ends (`networks.grid.slab_of`). The result equals that
    section of `predict_volume`, for less work. Raises ValueError as `predict_volume`.
    """
    size = _size(slab)
    if size[0] != SECTIONS:
        raise ValueError(f"the slab has {size[0]} sections; cut {SECTIONS} around the section to predict")
    _check(models, slab, mask)
    tile = _tile(models, (1, size[1], size[2]), tile, memory_mb, single_section=True)
    middle = SECTIONS // 2
    wanted = np.ones((1, *size[1:]), dtype=bool) if mask is None else near_mask(mask[middle : middle + 1])
    scene = _Scene(slab, mask, section - middle, (sections, size[1], size[2]))
    probability: NDArray[np.float32] = _in_tiles(models, scene, wanted, section, tile, section, device, threads)[0]
    return probability


def near_mask(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Voxels that are predicted: in each section, the cells of 8 x 8 voxels the mask touches and the cells around them.

    `mask` is (section, anterior, superior). Fixed cells rather than tiles, so that the map does not depend on the
    tile; the ring of 8 to 16 voxels lets a lesion cross the mask's edge.
    """
    sections, *extent = mask.shape
    cells = [-(-length // PERIOD) for length in extent]
    padded = np.zeros((sections, cells[0] * PERIOD, cells[1] * PERIOD), dtype=bool)
    padded[:, : extent[0], : extent[1]] = mask
    touched = padded.reshape(sections, cells[0], PERIOD, cells[1], PERIOD).any(axis=(2, 4))
    ringed = np.pad(touched, ((0, 0), (1, 1), (1, 1)))
    around = np.zeros_like(touched)
    for i in range(3):
        for j in range(3):
            around |= ringed[:, i : i + cells[0], j : j + cells[1]]
    near: NDArray[np.bool_] = around.repeat(PERIOD, axis=1).repeat(PERIOD, axis=2)[:, : extent[0], : extent[1]]
    return near


@dataclass(frozen=True)
class _Scene:
    """Channels and mask to take tiles from; their first section is section `low` of a breast of `size` voxels."""

    channels: NDArray[np.floating[Any]]
    mask: NDArray[np.bool_] | None
    low: int
    size: Size

    def tile(
        self, origin: Size, tile: Size
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None, NDArray[np.float32]]:
        """Channels, mask and coordinates for the tile whose output begins at `origin`, reflected beyond the border."""
        starts = [start - less // 2 for start, less in zip(origin, REDUCTION, strict=True)]
        starts[0] -= self.low
        held = self.channels.shape[1:]
        box = np.ix_(*(reflected(*axis) for axis in zip(starts, tile, held, strict=True)))
        image = np.stack([channel[box] for channel in self.channels]).astype(np.float32)
        prior = None if self.mask is None else self.mask[box][None].astype(np.float32)
        section, anterior, superior = (
            reflected(*axis) for axis in zip(origin, output_size(tile), self.size, strict=True)
        )
        return image, prior, coordinate_map(section, anterior, superior, self.size)


def _in_tiles(
    models: Sequence[Model],
    scene: _Scene,
    wanted: NDArray[np.bool_],
    low: int,
    tile: Size,
    first: int,
    device: str,
    threads: int,
) -> NDArray[np.float32]:
    """Probability where `wanted`, whose first section is section `low`; tiles begin at section `first`."""
    probability = np.zeros(wanted.shape, dtype=np.float32)
    networks = [on_device(network, device).eval() for network, _ in models]
    start = (low, 0, 0)
    stop = (low + wanted.shape[0], wanted.shape[1], wanted.shape[2])
    out = output_size(tile)
    with reproducible(threads), torch.inference_mode():
        for origin in origins((first, 0, 0), stop, out):
            begin = [max(o, s) for o, s in zip(origin, start, strict=True)]
            end = [min(o + length, s) for o, length, s in zip(origin, out, stop, strict=True)]
            target = tuple(slice(b - s, e - s) for b, e, s in zip(begin, end, start, strict=True))
            source = tuple(slice(b - o, e - o) for b, e, o in zip(begin, end, origin, strict=True))
            if not wanted[target].any():
                continue
            image, prior, coordinates = scene.tile(origin, tile)
            total = np.zeros(out, dtype=np.float64)
            for network, (_, prepare) in zip(networks, models, strict=True):
                total += _forward(network, prepare(image), prior, coordinates, device)
            probability[target] = (total / len(models))[source]
    return np.where(wanted, probability, np.float32(0))


def _forward(
    network: UNet3d,
    image: NDArray[np.float32],
    prior: NDArray[np.float32] | None,
    coordinates: NDArray[np.float32],
    device: str,
) -> NDArray[np.float32]:
    """Tumour probability of one tile, (section, anterior, superior)."""
    place = None
    if network.mask_prior:
        assert prior is not None
        image = np.concatenate((image, prior))
        place = torch.from_numpy(coordinates)[None].to(device)
    volume = torch.from_numpy(image)[None].to(device).contiguous(memory_format=torch.channels_last_3d)
    probability: NDArray[np.float32] = torch.softmax(network(volume, place), dim=1)[0, 1].cpu().numpy()
    return probability


def _size(channels: NDArray[np.floating[Any]]) -> Size:
    if channels.ndim != 4:
        raise ValueError(f"channels have the shape {channels.shape}; give (channel, section, anterior, superior)")
    return channels.shape[1], channels.shape[2], channels.shape[3]


def _tile(models: Sequence[Model], wanted: Size, tile: Size | None, memory_mb: float, single_section: bool) -> Size:
    if tile is not None:
        check_tile(tile, single_section)
        return tile
    return largest_tile(max(network.base_width for network, _ in models), wanted, memory_mb, single_section)


def _check(models: Sequence[Model], channels: NDArray[np.floating[Any]], mask: NDArray[np.bool_] | None) -> None:
    if not models:
        raise ValueError("no network was given to predict with")
    if mask is not None and mask.shape != channels.shape[1:]:
        raise ValueError(f"channels {channels.shape} and mask {mask.shape} do not have the same voxels")
    if mask is not None and not mask.any():
        raise ValueError("the breast mask is empty, so nothing would be predicted; exclude the case or mend its mask")
    if not np.all(np.isfinite(channels)):
        raise ValueError("the channels hold values that are not finite")
    if mask is None and any(network.mask_prior for network, _ in models):
        raise ValueError("this network takes the breast mask as an input, but none was given")
