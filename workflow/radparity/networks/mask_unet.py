"""The breast-mask network: a 2-D U-Net that sees three neighbouring sections (spec section 8).

Source: the layer table of the authors' published model and `UNet_v0_BreastMask` of their code; 227,960 parameters.
Convolutions are padded in-plane, there is no batch norm. Planes have the axes (anterior, superior).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

SIDE = 256
"""Voxels of a section, both ways."""
SECTIONS = 3
WIDTHS = (16, 32, 48, 64)
COORDINATES = 3


class MaskUNet(nn.Module):
    """Three sections in, the probability of the middle one's voxels to be (not breast, breast) out."""

    def __init__(self) -> None:
        super().__init__()
        self.across = nn.Conv3d(1, 8, (SECTIONS, 1, 1))
        inputs = (8 + COORDINATES, *WIDTHS)
        self.down = nn.ModuleList(_level(i, o) for i, o in zip(inputs, WIDTHS, strict=False))
        self.up = nn.ModuleList(_level(i + o, o) for i, o in zip(WIDTHS[1:], WIDTHS, strict=False))
        self.last = nn.Conv2d(WIDTHS[0] + COORDINATES, 2, 1)

    def forward(self, sections: Tensor, coordinates: Tensor) -> Tensor:
        """Probabilities (batch, 2, anterior, superior), each by its own sigmoid, as the stored model has it.

        sections: (batch, 1, 3, anterior, superior), T1 post-contrast divided by its 95th percentile; coordinates:
        (batch, 3, anterior, superior), voxel index / shape of the volume. In-plane sizes are multiples of 8.
        """
        plane = torch.cat((self.across(sections).squeeze(2), coordinates), dim=1)
        kept = []
        for number, level in enumerate(self.down):
            plane = level(plane if number == 0 else functional.max_pool2d(plane, 2))
            kept.append(plane)
        for number in reversed(range(len(self.up))):
            plane = self.up[number](torch.cat((_double(plane), kept[number]), dim=1))
        return torch.sigmoid(self.last(torch.cat((plane, coordinates), dim=1)))


def initialise(network: MaskUNet, seed: int) -> None:
    """Glorot's uniform distribution for the kernels, 0 for the biases; a function of `seed` alone."""
    generator = torch.Generator().manual_seed(seed)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Conv3d):
            nn.init.xavier_uniform_(layer.weight, generator=generator)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)


def _level(inputs: int, outputs: int) -> nn.Sequential:
    """Two convolutions of 3 x 3."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU()
    )


def _double(plane: Tensor) -> Tensor:
    """Every voxel becomes 2 x 2 of its value: nearest upsampling whose gradient is the same on every run."""
    batch, channels, rows, columns = plane.shape
    wide = plane[:, :, :, None, :, None].expand(batch, channels, rows, 2, columns, 2)
    return wide.reshape(batch, channels, 2 * rows, 2 * columns)
