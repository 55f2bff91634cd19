"""The study's 3-D U-Net ("UNet_v4"), with or without the breast mask as a spatial prior.

Source: Hirsch et al., Radiology: AI 2022;4(1):e200231, Figure 3 and Methods, and the layer table of the authors'
published code. Convolutions are valid (no padding), so the output is smaller than the input by 18 sections and 38
voxels in-plane and no output voxel has seen padding made by the network. Every patch is seen on a grid of period 8
(three poolings): shifting the input by 8 voxels shifts the output by 8 voxels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from radparity.networks.resample import average_down, linear_up

REDUCTION = (18, 38, 38)
"""Voxels by which the output is smaller than the input, (section, anterior, superior)."""
SMALLEST = (19, 43, 43)
"""Smallest legal input, (section, anterior, superior)."""
PERIOD = 8
"""Legal inputs are SMALLEST plus multiples of this on each axis."""
CLASSES = 2
COORDINATES = 3


def check_input_size(size: Sequence[int]) -> None:
    """Refuse an input (section, anterior, superior) that the network cannot halve three times exactly.

    Raises ValueError with the nearest legal sizes.
    """
    for axis, length, least in zip(("section", "anterior", "superior"), size, SMALLEST, strict=True):
        if length < least or (length - least) % PERIOD:
            below = least + max(length - least, 0) // PERIOD * PERIOD
            nearest = f"{below}" if length < least else f"{below} or {below + PERIOD}"
            raise ValueError(
                f"input of {' x '.join(map(str, size))} voxels: the {axis} axis must be {least} + a multiple of "
                f"{PERIOD}; use {nearest} instead of {length}"
            )


def output_size(size: Sequence[int]) -> tuple[int, int, int]:
    """Size (section, anterior, superior) of the output for a legal input size; raises ValueError for others."""
    check_input_size(size)
    section, anterior, superior = (length - less for length, less in zip(size, REDUCTION, strict=True))
    return section, anterior, superior


class UNet3d(nn.Module):
    """The study's network.

    `base_width` is the number of channels of the first convolution; every other width is a multiple of it.
    `in_channels` counts the image channels, without the mask. `mask_prior` adds the breast mask as the last input
    channel (so it passes the encoder too); its central crop and a map of three coordinates are concatenated to the
    last features, followed by a 1 x 1 x 1 convolution without batch norm or activation. `batch_norm_momentum` is
    torch's (1 minus Keras' 0.99 by default); short trainings need a larger one.
    """

    def __init__(
        self, base_width: int, in_channels: int = 3, mask_prior: bool = False, batch_norm_momentum: float = 0.01
    ) -> None:
        super().__init__()
        if base_width < 1 or in_channels < 1:
            raise ValueError(f"base width {base_width} and {in_channels} channels: both must be at least 1")
        b = base_width
        self.base_width, self.in_channels, self.mask_prior = base_width, in_channels, mask_prior

        def pair(channels: tuple[int, int, int], *kernels: tuple[int, int, int]) -> nn.Sequential:
            first, middle, last = channels
            return nn.Sequential(
                *_block(first, middle, kernels[0], batch_norm_momentum),
                *_block(middle, last, kernels[-1], batch_norm_momentum),
            )

        cube, plane, point = (3, 3, 3), (1, 3, 3), (1, 1, 1)
        self.encode0 = pair((in_channels + mask_prior, b, 2 * b), cube)
        self.encode1 = pair((2 * b, 2 * b, 4 * b), plane)
        self.encode2 = pair((4 * b, 4 * b, 8 * b), point)
        self.encode3 = pair((8 * b, 8 * b, 16 * b), point)
        self.decode2 = pair((16 * b + 8 * b, 8 * b, 8 * b), point)
        self.decode1 = pair((8 * b + 4 * b, 4 * b, 4 * b), plane)
        self.decode0 = pair((4 * b + 2 * b, 2 * b, 2 * b), plane)
        if mask_prior:
            self.merge = nn.Conv3d(2 * b + 1 + COORDINATES, 4 * b, 1)
            self.classify = nn.Conv3d(4 * b, CLASSES, 1)
        else:
            self.classify = nn.Conv3d(2 * b, CLASSES, 1)

    def forward(self, volume: Tensor, coordinates: Tensor | None = None) -> Tensor:
        """Logits (batch, 2, section - 18, anterior - 38, superior - 38) of background and tumour, without softmax.

        `volume` is (batch, channel, section, anterior, superior), channels divided by their divisors, the mask (0
        or 1) last where the network has the prior. `coordinates` is (batch, 3, section - 18, anterior - 38,
        superior - 38): voxel index of each output voxel divided by the shape of the whole breast volume; only with
        the prior. Raises ValueError for an illegal size, a wrong number of channels or missing coordinates.
        """
        check_input_size(volume.shape[2:])
        expected = self.in_channels + self.mask_prior
        if volume.shape[1] != expected:
            with_mask = " with the mask" if self.mask_prior else ""
            raise ValueError(f"input has {volume.shape[1]} channels; this network takes {expected}{with_mask}")
        if self.mask_prior != (coordinates is not None):
            raise ValueError("coordinates must be given to a network with the mask prior, and to no other")

        full = self.encode0(volume)
        half = self.encode1(average_down(full))
        quarter = self.encode2(average_down(half))
        eighth = self.encode3(average_down(quarter))
        features = self.decode2(torch.cat((linear_up(eighth), crop(quarter, (1, 1, 1))), dim=1))
        features = self.decode1(torch.cat((linear_up(features), crop(half, (3, 3, 3))), dim=1))
        features = self.decode0(torch.cat((linear_up(features), crop(full, (7, 15, 15))), dim=1))
        if coordinates is not None:
            mask = crop(volume[:, -1:], (9, 19, 19))
            features = self.merge(torch.cat((features, mask, coordinates), dim=1))
        logits: Tensor = self.classify(features)
        return logits


def crop(volume: Tensor, margin: tuple[int, int, int]) -> Tensor:
    """Take `margin` voxels off both ends of the three last axes (section, anterior, superior)."""
    section, anterior, superior = (slice(m, length - m) for m, length in zip(margin, volume.shape[2:], strict=True))
    return volume[:, :, section, anterior, superior]


def _block(
    in_channels: int, out_channels: int, kernel: tuple[int, int, int], momentum: float
) -> tuple[nn.Conv3d, nn.BatchNorm3d, nn.ReLU]:
    return (
        nn.Conv3d(in_channels, out_channels, kernel),
        nn.BatchNorm3d(out_channels, eps=1e-3, momentum=momentum),
        nn.ReLU(inplace=True),
    )
