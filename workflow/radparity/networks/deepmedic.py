"""A comparison network of two resolutions after DeepMedic: the authors' "MultiPriors_v2" (spec section 10.1).

Kept of v2: a detail path of its own for every channel, a context path that sees the first channel (T1c) at a third of
the in-plane resolution, the order convolution, leaky ReLU, batch norm, orthogonal first weights, widths and depths,
valid convolutions. With three channels and without mask it has v2's 895,932 trainable parameters. Not kept: v2 takes
T1 before contrast, T1 after contrast and their difference; here it takes the channels of its arm, so that networks are
compared on the same images. The context path is trained with the rest. With the mask prior, the mask joins where the
authors' v0 lets its spatial prior join: in front of the last hidden layer.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from radparity.networks.geometry import GEOMETRIES
from radparity.networks.network import CLASSES, COORDINATES, Network, crop

PUBLISHED_WIDTH = 30
COARSE = 3
"""In-plane voxels that the context path averages into one, both ways."""
DETAIL_MARGIN = (0, 20, 20)
"""What the detail paths leave off the input, so that both resolutions end on the same voxels."""


class DeepMedic(Network):
    """Detail paths, one a channel, and a context path, joined by 1 x 1 x 1 convolutions.

    `base_width` is the number of channels of the first convolutions, 30 as published; the others keep their published
    ratio to it. `batch_norm_momentum` is torch's.
    """

    draw = staticmethod(nn.init.orthogonal_)
    bytes_per_voxel = (900, 10)

    def __init__(
        self,
        base_width: int = PUBLISHED_WIDTH,
        in_channels: int = 3,
        mask_prior: bool = False,
        coordinates: bool = False,
        batch_norm_momentum: float = 0.01,
    ) -> None:
        super().__init__(GEOMETRIES["deepmedic"], base_width, in_channels, mask_prior, coordinates)

        def wide(published: int) -> int:
            return max(1, round(published * base_width / PUBLISHED_WIDTH))

        def chain(*widths: int, kernel: tuple[int, int, int]) -> list[nn.Module]:
            pairs = zip(widths, widths[1:], strict=False)
            return [layer for i, o in pairs for layer in _block(i, o, kernel, batch_norm_momentum)]

        cube, plane, point = (3, 3, 3), (1, 3, 3), (1, 1, 1)
        narrow, broad = wide(30), wide(40)
        self.details = nn.ModuleList(
            nn.Sequential(
                *chain(1, *[narrow] * 6, kernel=cube),
                *chain(narrow, *[broad] * 7, kernel=plane),
            )
            for _ in range(in_channels)
        )
        self.context = nn.Sequential(
            *chain(1, *[narrow] * 6, kernel=cube),
            *chain(*[narrow] * 6, kernel=plane),
            *chain(narrow, wide(60), wide(60), wide(100), kernel=point),
        )
        self.merge = nn.Sequential(*chain(in_channels * broad, wide(100), kernel=point))
        joined = 2 * wide(100) + mask_prior + COORDINATES * coordinates
        self.hidden = nn.Sequential(*chain(joined, wide(220), kernel=point))
        self.classify = nn.Conv3d(wide(220), CLASSES, 1)

    def forward(self, volume: Tensor, coordinates: Tensor | None = None) -> Tensor:
        """Logits (batch, 2, section - 12, anterior - 66, superior - 66) of background and tumour, without softmax.

        `volume` is (batch, channel, section, anterior, superior), the mask last where the network has the prior.
        Raises ValueError as `Network.check_input`.
        """
        self.check_input(volume, coordinates)
        near = crop(volume, DETAIL_MARGIN)
        details = [path(near[:, number : number + 1]) for number, path in enumerate(self.details)]
        coarse = functional.avg_pool3d(volume[:, :1], (1, COARSE, COARSE))
        features = [self.merge(torch.cat(details, dim=1)), _repeat(self.context(coarse))]
        features += [crop(volume[:, -1:], (6, 33, 33))] if self.mask_prior else []
        features += [coordinates] if coordinates is not None else []
        logits: Tensor = self.classify(self.hidden(torch.cat(features, dim=1)))
        return logits


def _block(
    in_channels: int, out_channels: int, kernel: tuple[int, int, int], momentum: float
) -> tuple[nn.Conv3d, nn.LeakyReLU, nn.BatchNorm3d]:
    return (
        nn.Conv3d(in_channels, out_channels, kernel),
        nn.LeakyReLU(0.3, inplace=True),
        nn.BatchNorm3d(out_channels, eps=1e-3, momentum=momentum),
    )


def _repeat(volume: Tensor) -> Tensor:
    """Every voxel becomes 3 x 3 of its value in-plane: nearest upsampling whose gradient is the same on every run."""
    batch, channels, sections, rows, columns = volume.shape
    wide = volume[:, :, :, :, None, :, None].expand(batch, channels, sections, rows, COARSE, columns, COARSE)
    return wide.reshape(batch, channels, sections, COARSE * rows, COARSE * columns)
