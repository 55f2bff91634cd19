"""Tumour probability of a breast from one or several networks, in tiles.

A network sees its input on a grid, so tiles start on one grid; the map then does not depend on the size of the tiles.
Along the sections the grid goes through the section that will be judged: training puts the labelled section in the
middle of the input, and the 3-D U-Net sees only every eighth section as in training; those between are interpolated by
the network.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from radparity.networks.compute import out_of_memory, reproducible
from radparity.networks.geometry import Geometry, Size
from radparity.networks.grid import coordinate_map, reflected
from radparity.networks.inference import Forward, for_inference
from radparity.networks.network import Network
from radparity.networks.tiles import DoesNotFitError, Tile, Wanted, plan
from radparity.scaling import Prepare

Model = tuple[Network, Prepare]
"""A network, and what makes its input of this breast's harmonized channels (`Scaling.of`)."""
Precision = Literal["float32", "bfloat16"]
CELL = 8
"""Voxels in-plane by which the predicted region grows around the mask, for every network alike."""
log = logging.getLogger("radparity")


class Prediction(NamedTuple):
    """Tumour probability, the mean over the models, and their disagreement: the standard deviation over the models
    (of these models alone, so 0 for one). Both have one shape, and are 0 where nothing was predicted."""

    probability: NDArray[np.float32]
    disagreement: NDArray[np.float32]


@dataclass(frozen=True)
class Means:
    """What a prediction may use: inputs of the networks no larger than `tile`, memory, device, threads, precision."""

    tile: Size | None = None
    memory_mb: float = 1500
    device: str = "cpu"
    threads: int = 1
    precision: Precision = "float32"


def predict_volume(
    models: Sequence[Model],
    channels: NDArray[np.floating[Any]],
    mask: NDArray[np.bool_] | None,
    section: int | None = None,
    **means: Any,
) -> Prediction:
    """The maps of a whole breast, (section, anterior, superior).

    `channels` is (channel, section, anterior, superior), harmonized; `mask` (section, anterior, superior) is the
    breast. `section` is the one that will be judged (default: the central one), seen exactly as in training. `means`
    are the fields of `Means`; tiles are as large as is best in `memory_mb`, and where that much is not there, half of
    it is tried, with a warning. Beyond the border the image is reflected. Only voxels near the mask are predicted
    (see `near_mask`); without a mask all are. The networks are left as they were.
    Raises ValueError for shapes that do not fit, values that are not finite, an empty mask, a missing mask for a
    network with the prior, too little memory.
    """
    size = _size(channels)
    section = size[0] // 2 if section is None else section
    if not 0 <= section < size[0]:
        raise ValueError(f"section {section} is outside the {size[0]} sections")
    geometry = _check(models, channels, mask)
    voxels = np.ones(size, dtype=bool) if mask is None else near_mask(mask)
    wanted = Wanted(voxels, (-(-section % geometry.period[0]), 0, 0))
    return _in_tiles(models, _Scene(channels, mask, geometry, (0, 0), size), wanted, Means(**means))


def predict_section(
    models: Sequence[Model],
    slab: NDArray[np.floating[Any]],
    mask: NDArray[np.bool_] | None,
    section: int,
    sections: int,
    **means: Any,
) -> Prediction:
    """The maps (anterior, superior) of the middle section of a slab.

    `slab` is (channel, section, anterior, superior) and `mask` (section, anterior, superior): an odd number of
    sections around `section` of a volume of `sections` sections, reflected at its ends (`networks.grid.slab_of`), at
    least as many as the network sees (`geometry.sections`). The result equals that section of `predict_volume`, for
    less work. Raises ValueError as `predict_volume`.
    """
    size = _size(slab)
    geometry = _check(models, slab, mask)
    if size[0] % 2 == 0 or size[0] < geometry.sections:
        needed = f"{geometry.sections}, or a larger odd number,"
        raise ValueError(f"the slab has {size[0]} sections; cut {needed} around the section to predict")
    middle = size[0] // 2
    voxels = np.ones((1, *size[1:]), dtype=bool) if mask is None else near_mask(mask[middle : middle + 1])
    scene = _Scene(slab, mask, geometry, (middle, section), (sections, size[1], size[2]))
    maps = _in_tiles(models, scene, Wanted(voxels, (0, 0, 0)), Means(**means))
    return Prediction(maps.probability[0], maps.disagreement[0])


def near_mask(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Voxels that are predicted: in each section, the cells of 8 x 8 voxels the mask touches and the cells around them.

    `mask` is (section, anterior, superior). Fixed cells rather than tiles, so that the map does not depend on the
    tile; the ring of 8 to 16 voxels lets a lesion cross the mask's edge.
    """
    sections, *extent = mask.shape
    cells = [-(-length // CELL) for length in extent]
    padded = np.zeros((sections, cells[0] * CELL, cells[1] * CELL), dtype=bool)
    padded[:, : extent[0], : extent[1]] = mask
    touched = padded.reshape(sections, cells[0], CELL, cells[1], CELL).any(axis=(2, 4))
    ringed = np.pad(touched, ((0, 0), (1, 1), (1, 1)))
    around = np.zeros_like(touched)
    for i in range(3):
        for j in range(3):
            around |= ringed[:, i : i + cells[0], j : j + cells[1]]
    near: NDArray[np.bool_] = around.repeat(CELL, axis=1).repeat(CELL, axis=2)[:, : extent[0], : extent[1]]
    return near


@dataclass(frozen=True)
class _Scene:
    """Channels and mask to take tiles from. The first section to predict is `first[0]` of them, and `first[1]` of the
    breast of `size` voxels."""

    channels: NDArray[np.floating[Any]]
    mask: NDArray[np.bool_] | None
    geometry: Geometry
    first: tuple[int, int]
    size: Size

    def cut(self, tile: Tile) -> tuple[NDArray[np.float32], NDArray[np.float32] | None, NDArray[np.float32]]:
        """Channels, mask and coordinates for a tile, reflected beyond the border."""
        held, whole = ((tile.output[0] + first, *tile.output[1:]) for first in self.first)
        starts = [start - less // 2 for start, less in zip(held, self.geometry.reduction, strict=True)]
        box = np.ix_(*(reflected(*axis) for axis in zip(starts, tile.size, self.channels.shape[1:], strict=True)))
        image = np.stack([channel[box] for channel in self.channels]).astype(np.float32)
        prior = None if self.mask is None else self.mask[box][None].astype(np.float32)
        place = [reflected(*axis) for axis in zip(whole, self.geometry.output(tile.size), self.size, strict=True)]
        return image, prior, coordinate_map(place[0], place[1], place[2], self.size)


def _in_tiles(models: Sequence[Model], scene: _Scene, wanted: Wanted, means: Means) -> Prediction:
    """The maps where `wanted`; in tiles that become smaller when the memory is not there."""
    networks = [network for network, _ in models]
    maps = Prediction(*(np.zeros(wanted.voxels.shape, dtype=np.float32) for _ in range(2)))
    memory_mb = means.memory_mb

    def needed_mb(size: Size) -> float:
        return max(network.prediction_mb(size) for network in networks)

    def fits(size: Size) -> bool:
        small = means.tile is None or all(length <= most for length, most in zip(size, means.tile, strict=True))
        return small and needed_mb(size) <= memory_mb

    kind = means.device.partition(":")[0]
    with (
        reproducible(means.threads),
        torch.inference_mode(),
        torch.autocast(kind, torch.bfloat16, enabled=means.precision == "bfloat16"),
    ):
        members = [(for_inference(network, means.device), network, prepare) for network, prepare in models]
        waiting = wanted.tiles(scene.geometry)
        try:
            for tile in plan(scene.geometry, wanted, waiting, fits):
                try:
                    _predict(members, scene, wanted, tile, maps, means.device)
                except (RuntimeError, MemoryError) as error:
                    if not out_of_memory(error):
                        raise
                    taken, least = needed_mb(tile.size), needed_mb(scene.geometry.covering(scene.geometry.period))
                    memory_mb = max(taken / 2, least) if taken > least else taken / 2
                    log.warning("out of memory with a tile of %d MB; going on with %d MB", taken, memory_mb)
                    waiting.append(tile)
        except DoesNotFitError as error:
            if means.tile is not None and memory_mb == means.memory_mb:
                raise ValueError(f"tile {means.tile} is too small: {error.size} is the smallest") from error
            raise ValueError(
                f"predict: memory_mb: {memory_mb:.0f} MB is too little for a network of width {networks[0].base_width}:"
                f" its smallest tile here, {error.size}, takes {np.ceil(needed_mb(error.size)):.0f}. Give that much"
            ) from error
    return maps


def _predict(
    members: Sequence[tuple[Forward, Network, Prepare]],
    scene: _Scene,
    wanted: Wanted,
    tile: Tile,
    maps: Prediction,
    device: str,
) -> None:
    """Fill one tile into the maps."""
    image, prior, coordinates = scene.cut(tile)
    # Where the tile's output lies in the maps, and which part of it: the grid begins before the first section.
    begin = [max(start, 0) for start in tile.output]
    end = [min(s + e, n) for s, e, n in zip(tile.output, tile.extent, wanted.voxels.shape, strict=True)]
    target = tuple(slice(b, e) for b, e in zip(begin, end, strict=True))
    source = tuple(slice(b - s, e - s) for b, e, s in zip(begin, end, tile.output, strict=True))
    found = []
    for forward, network, prepare in members:
        parts = [prepare(image)] if prior is None or not network.mask_prior else [prepare(image), prior]
        volume = torch.from_numpy(np.concatenate(parts))[None].to(device)
        place = torch.from_numpy(coordinates)[None].to(device) if network.coordinates else None
        logits = forward(volume.contiguous(memory_format=torch.channels_last_3d), place)
        found.append(torch.softmax(logits.float(), dim=1)[0, 1].cpu().numpy()[source].astype(np.float64))
    near = wanted.voxels[target]
    maps.probability[target] = np.where(near, np.mean(found, axis=0), 0)
    maps.disagreement[target] = np.where(near, np.std(found, axis=0), 0)


def _size(channels: NDArray[np.floating[Any]]) -> Size:
    if channels.ndim != 4:
        raise ValueError(f"channels have the shape {channels.shape}; give (channel, section, anterior, superior)")
    return channels.shape[1], channels.shape[2], channels.shape[3]


def _check(models: Sequence[Model], channels: NDArray[np.floating[Any]], mask: NDArray[np.bool_] | None) -> Geometry:
    """The geometry that all networks have; raises ValueError for what cannot be predicted."""
    if not models:
        raise ValueError("no network was given to predict with")
    geometry = models[0][0].geometry
    for network, _ in models:
        if network.geometry != geometry:
            raise ValueError("networks of several kinds were given; predict with one kind at a time")
        if network.in_channels != len(channels):
            raise ValueError(f"the image has {len(channels)} channels, but the network takes {network.in_channels}")
    if mask is not None and mask.shape != channels.shape[1:]:
        raise ValueError(f"channels {channels.shape} and mask {mask.shape} do not have the same voxels")
    if mask is not None and not mask.any():
        raise ValueError("the breast mask is empty, so nothing would be predicted; exclude the case or mend its mask")
    if not np.all(np.isfinite(channels)):
        raise ValueError("the channels hold values that are not finite")
    if mask is None and any(network.mask_prior for network, _ in models):
        raise ValueError("this network takes the breast mask as an input, but none was given")
    return geometry
