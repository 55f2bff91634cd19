"""The study's 3-D U-Net ("UNet_v4"), with or without the breast mask and the place in the breast as priors.

Source: Hirsch et al., Radiology: AI 2022;4(1):e200231, Figure 3 and Methods, and the layer table of the authors'
published code. Convolutions are valid (no padding), so the output is smaller than the input by 18 sections and 38
voxels in-plane and no output voxel has seen padding made by the network. Every patch is seen on a grid of period 8
(three poolings): shifting the input by 8 voxels shifts the output by 8 voxels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from radparity.networks.geometry import UNET_3D
from radparity.networks.network import CLASSES, COORDINATES, Network, crop
from radparity.networks.resample import average_down, linear_up


class UNet3d(Network):
    """The study's network.

    `base_width` is the number of channels of the first convolution; every other width is a multiple of it.
    `mask_prior` adds the breast mask as the last input channel (so it passes the encoder too); its central crop, and
    with `coordinates` the map of three coordinates, are concatenated to the last features, followed by a 1 x 1 x 1
    convolution without batch norm or activation. `batch_norm_momentum` is torch's (1 minus Keras' 0.99 by default);
    short trainings need a larger one.
    """

    bytes_per_voxel = (700, 18)

    def __init__(
        self,
        base_width: int,
        in_channels: int = 3,
        mask_prior: bool = False,
        coordinates: bool = False,
        batch_norm_momentum: float = 0.01,
    ) -> None:
        super().__init__(UNET_3D, base_width, in_channels, mask_prior, coordinates)
        b = base_width

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
        if priors := mask_prior + COORDINATES * coordinates:
            self.merge = nn.Conv3d(2 * b + priors, 4 * b, 1)
        self.classify = nn.Conv3d(4 * b if priors else 2 * b, CLASSES, 1)

    def forward(self, volume: Tensor, coordinates: Tensor | None = None) -> Tensor:
        """Logits (batch, 2, section - 18, anterior - 38, superior - 38) of background and tumour, without softmax.

        `volume` is (batch, channel, section, anterior, superior), channels divided by their divisors, the mask last
        where the network has the prior. `coordinates` is (batch, 3, section - 18, anterior - 38, superior - 38).
        Raises ValueError as `Network.check_input`.
        """
        self.check_input(volume, coordinates)
        full = self.encode0(volume)
        half = self.encode1(average_down(full))
        quarter = self.encode2(average_down(half))
        eighth = self.encode3(average_down(quarter))
        features = self.decode2(torch.cat((linear_up(eighth), crop(quarter, (1, 1, 1))), dim=1))
        features = self.decode1(torch.cat((linear_up(features), crop(half, (3, 3, 3))), dim=1))
        features = self.decode0(torch.cat((linear_up(features), crop(full, (7, 15, 15))), dim=1))
        priors = [crop(volume[:, -1:], (9, 19, 19))] if self.mask_prior else []
        priors += [coordinates] if coordinates is not None else []
        if priors:
            features = self.merge(torch.cat((features, *priors), dim=1))
        logits: Tensor = self.classify(features)
        return logits


def _block(
    in_channels: int, out_channels: int, kernel: tuple[int, int, int], momentum: float
) -> tuple[nn.Conv3d, nn.BatchNorm3d, nn.ReLU]:
    return (
        nn.Conv3d(in_channels, out_channels, kernel),
        nn.BatchNorm3d(out_channels, eps=1e-3, momentum=momentum),
        nn.ReLU(inplace=True),
    )
