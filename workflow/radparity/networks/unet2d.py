"""A comparison network in two dimensions: a U-Net of whole sections ("UNet_v0_TumorSegmenter", spec section 10.2).

It sees three neighbouring sections and tells the middle one's tumour. A section is convolved with zeros around it, so
it must be given whole. 791,618 parameters at width 16 with three channels, and 48 more with a fourth channel or the
mask. Planes have the axes (anterior, superior).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from radparity.networks.geometry import GEOMETRIES
from radparity.networks.network import CLASSES, COORDINATES, Network

LEVELS = 6


class UNet2d(Network):
    """Six levels of `base_width` times 1 to 6 channels, two convolutions each; pooling by the maximum, nearest
    upsampling. A map of coordinates, where the network takes one, joins the last features.

    `batch_norm_momentum` is torch's.
    """

    bytes_per_voxel = (600, 30)

    def __init__(
        self,
        base_width: int = 16,
        in_channels: int = 3,
        mask_prior: bool = False,
        coordinates: bool = False,
        batch_norm_momentum: float = 0.01,
    ) -> None:
        super().__init__(GEOMETRIES["unet2d"], base_width, in_channels, mask_prior, coordinates)
        widths = [base_width * (level + 1) for level in range(LEVELS)]
        self.across = nn.Conv3d(in_channels + mask_prior, base_width, (3, 1, 1))
        self.down = nn.ModuleList(
            _level(i, o, batch_norm_momentum) for i, o in zip([base_width, *widths], widths, strict=False)
        )
        self.up = nn.ModuleList(_level(i + o, o, batch_norm_momentum) for i, o in zip(widths[1:], widths, strict=False))
        self.classify = nn.Conv2d(base_width + COORDINATES * coordinates, CLASSES, 1)

    def forward(self, volume: Tensor, coordinates: Tensor | None = None) -> Tensor:
        """Logits (batch, 2, section - 2, anterior, superior) of background and tumour, without softmax.

        `volume` is (batch, channel, section, anterior, superior), the mask last where the network has the prior;
        in-plane sizes are multiples of 32. Raises ValueError as `Network.check_input`.
        """
        self.check_input(volume, coordinates)
        batch, sections = volume.shape[0], volume.shape[2] - 2
        plane = _fold(self.across(volume))
        kept = []
        for number, level in enumerate(self.down):
            plane = level(plane if number == 0 else _halve(plane))
            kept.append(plane)
        for number in reversed(range(len(self.up))):
            plane = self.up[number](torch.cat((_double(plane), kept[number]), dim=1))
        if coordinates is not None:
            plane = torch.cat((plane, _fold(coordinates)), dim=1)
        logits: Tensor = self.classify(plane)
        return logits.reshape(batch, sections, *logits.shape[1:]).transpose(1, 2)


def _level(inputs: int, outputs: int, momentum: float) -> nn.Sequential:
    """Two convolutions of 3 x 3."""
    return nn.Sequential(
        *(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs, eps=1e-3, momentum=momentum)),
        nn.ReLU(inplace=True),
        *(nn.Conv2d(outputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs, eps=1e-3, momentum=momentum)),
        nn.ReLU(inplace=True),
    )


def _fold(volume: Tensor) -> Tensor:
    """(batch, channel, section, anterior, superior) -> (batch x section, channel, anterior, superior)."""
    return volume.transpose(1, 2).flatten(0, 1)


def _halve(plane: Tensor) -> Tensor:
    """The maximum of every 2 x 2 voxels, from slices: torch's own pooling may differ between runs on a GPU."""
    rows = torch.maximum(plane[:, :, 0::2], plane[:, :, 1::2])
    return torch.maximum(rows[..., 0::2], rows[..., 1::2])


def _double(plane: Tensor) -> Tensor:
    """Every voxel becomes 2 x 2 of its value: nearest upsampling whose gradient is the same on every run."""
    batch, channels, rows, columns = plane.shape
    wide = plane[:, :, :, None, :, None].expand(batch, channels, rows, 2, columns, 2)
    return wide.reshape(batch, channels, 2 * rows, 2 * columns)
