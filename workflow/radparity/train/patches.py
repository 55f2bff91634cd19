"""From drawn centres to a minibatch: cut where the slab lies, finished where the network computes.

Both halves run on any device. A stored value becomes network input by looking it up: float16 has 65,536 values, so a
table of `Prepare` over all of them gives on every device the very bits that prediction gets from numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from radparity.networks.geometry import Geometry, Size
from radparity.slab import Breast
from radparity.train.sampling import Draw


class Minibatch(NamedTuple):
    """What a network is trained on, all (batch, ...).

    `volume` is (channel, section, anterior, superior), the mask last where the network has the prior; `coordinates` (3,
    1, anterior, superior) of the output voxels, or None; `tumour` (1, anterior, superior).
    """

    volume: Tensor
    coordinates: Tensor | None
    tumour: Tensor


class Tables:
    """Network input of every float16 value, by scanner, channel and exponent; made when first asked for."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.made: dict[tuple[str, int, int], Tensor] = {}

    def of(self, breast: Breast) -> list[Tensor]:
        """A table of 65,536 values for each channel, indexed by the bits of the stored value."""
        keys = [(breast.scanner, number, exponent) for number, exponent in enumerate(breast.exponents)]
        if any(key not in self.made for key in keys):
            values = np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float32)
            values[~np.isfinite(values)] = 0
            prepared = breast.prepare(np.stack([np.ldexp(values, -exponent) for exponent in breast.exponents]))
            for key, row in zip(keys, prepared, strict=True):
                self.made[key] = torch.from_numpy(np.ascontiguousarray(row, np.float32)).to(self.device)
        return [self.made[key] for key in keys]


def reflected(start: int, length: int, extent: int, device: torch.device) -> Tensor:
    """`networks.grid.reflected` on a device."""
    period = max(2 * (extent - 1), 1)
    index = torch.arange(start, start + length, device=device).remainder(period)
    return torch.where(index < extent, index, period - index)


def cut(planes: Tensor, breast: Breast, draw: Draw, size: Size) -> Tensor:
    """The stored patch of `size` (section, anterior, superior) around a centre, (plane, section, anterior, superior).

    `planes` is the breast's slab on any device. Beyond the border the image is reflected.
    """
    if breast.positions != tuple(range(len(planes) - 1)):
        planes = planes[[*breast.positions, -1]]
    firsts = (breast.first, 0, 0)
    for axis, (middle, length, extent, first) in enumerate(
        zip(draw.centre, size, breast.shape, firsts, strict=True), 1
    ):
        start = middle - length // 2
        if 0 <= start <= extent - length:
            planes = planes.narrow(axis, start - first, length)
        else:
            planes = planes.index_select(axis, reflected(start, length, extent, planes.device) - first)
    return planes


def finish(
    stored: Tensor,
    draws: Sequence[Draw],
    breasts: Sequence[Breast],
    tables: Tables,
    geometry: Geometry,
    mask_prior: bool,
    coordinates: bool,
) -> Minibatch:
    """The minibatch of stored patches (batch, plane, section, anterior, superior) on their device.

    Flips take the coordinates with their voxels.
    """
    size: Size = (stored.shape[2], stored.shape[3], stored.shape[4])
    margins = [less // 2 for less in geometry.reduction]
    marks = stored[:, -1]
    inner = tuple(slice(margin, length - margin) for margin, length in zip(margins, size, strict=True))
    tumour = (marks >= 2)[:, *inner]
    channels = stored.shape[1] - 1
    volume = torch.empty((len(draws), channels + mask_prior, *size), device=stored.device)
    if mask_prior:
        volume[:, -1] = (marks == 1) | (marks == 3)
    bits = stored[:, :-1].contiguous().view(torch.int16).int().bitwise_and(0xFFFF)
    for number, drawn in enumerate(draws):
        for channel, table in enumerate(tables.of(breasts[drawn.breast])):
            torch.index_select(table, 0, bits[number, channel].flatten(), out=volume[number, channel].view(-1))
    places = [
        _coordinates(drawn, breasts[drawn.breast], size, margins, stored.device) for drawn in draws if coordinates
    ]
    for number, drawn in enumerate(draws):
        if drawn.flip is not None:
            axis = (drawn.flip - 3,)
            volume[number] = volume[number].flip(axis)
            tumour[number] = tumour[number].flip(axis)
            if coordinates:
                places[number] = places[number].flip(axis)
    volume = volume.contiguous(memory_format=torch.channels_last_3d)
    return Minibatch(volume, torch.stack(places) if coordinates else None, tumour)


def _coordinates(draw: Draw, breast: Breast, size: Size, margins: Sequence[int], device: torch.device) -> Tensor:
    """Coordinates (3, section, anterior, superior) of the output voxels: index / shape of the volume."""
    axes = [
        reflected(middle - length // 2 + margin, length - 2 * margin, extent, device).double() / extent
        for middle, length, margin, extent in zip(draw.centre, size, margins, breast.shape, strict=True)
    ]
    return torch.stack(torch.meshgrid(*axes, indexing="ij")).float()
