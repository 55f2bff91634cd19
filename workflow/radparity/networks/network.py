"""What every network of the study has in common: the sizes it takes, its inputs, and how its weights begin."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from radparity.networks.geometry import Geometry

CLASSES = 2
"""Background and tumour."""
COORDINATES = 3
"""Section, anterior, superior: index of a voxel / shape of the whole breast volume."""

FIXED_MB = 60
"""What a prediction takes whatever the size of its input: workspace of the convolutions, and of the allocator."""


class Network(nn.Module):
    """Base of the networks.

    `in_channels` counts the image channels. With `mask_prior` the breast mask (0 or 1) is a further, last input
    channel; with `coordinates` the network also takes the map of its output voxels' coordinates.
    """

    draw: Callable[..., Any] = staticmethod(nn.init.xavier_uniform_)
    """What draws the first weights of a convolution."""
    bytes_per_voxel: ClassVar[tuple[int, int]]
    """Peak memory of a prediction per voxel of its input: at any width, and per unit of width. Above every measurement
    in single precision on a CPU (docs/networks.md)."""

    def __init__(
        self, geometry: Geometry, base_width: int, in_channels: int, mask_prior: bool, coordinates: bool
    ) -> None:
        super().__init__()
        if base_width < 1 or in_channels < 1:
            raise ValueError(f"base width {base_width} and {in_channels} channels: both must be at least 1")
        self.geometry, self.base_width, self.in_channels = geometry, base_width, in_channels
        self.mask_prior, self.coordinates = mask_prior, coordinates

    def prediction_mb(self, size: Sequence[int]) -> float:
        """Memory in MB that the prediction of one input of this size takes at its peak, weights included."""
        fixed, per_width = self.bytes_per_voxel
        weights = sum(3 * parameter.numel() * parameter.element_size() for parameter in self.parameters())
        return FIXED_MB + (weights + (fixed + per_width * self.base_width) * math.prod(size)) / 1e6

    def check_input(self, volume: Tensor, coordinates: Tensor | None) -> None:
        """Refuse an illegal size, a wrong number of channels, missing or needless coordinates. Raises ValueError."""
        size = self.geometry.output(volume.shape[2:])
        expected = self.in_channels + self.mask_prior
        if volume.shape[1] != expected:
            with_mask = " with the mask" if self.mask_prior else ""
            raise ValueError(f"input has {volume.shape[1]} channels; this network takes {expected}{with_mask}")
        if self.coordinates != (coordinates is not None):
            takes = "takes coordinates, but none were given" if self.coordinates else "takes no coordinates; leave them"
            raise ValueError(f"this network {takes}")
        if coordinates is not None and tuple(coordinates.shape[1:]) != (COORDINATES, *size):
            raise ValueError(f"coordinates are {tuple(coordinates.shape[1:])}; the output needs {(COORDINATES, *size)}")


def crop(volume: Tensor, margin: tuple[int, int, int]) -> Tensor:
    """Take `margin` voxels off both ends of the three last axes (section, anterior, superior)."""
    section, anterior, superior = (slice(m, length - m) for m, length in zip(margin, volume.shape[2:], strict=True))
    return volume[:, :, section, anterior, superior]
