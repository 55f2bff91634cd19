"""The named networks a study can ask for."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from radparity.networks.deepmedic import DeepMedic
from radparity.networks.geometry import GEOMETRIES, Geometry
from radparity.networks.network import Network
from radparity.networks.unet2d import UNet2d
from radparity.networks.unet3d import UNet3d


@dataclass(frozen=True)
class Preset:
    """What a network has where the configuration says nothing."""

    width: int
    mask_prior: bool
    coordinates: bool


PRESETS = {
    # Figure 3 and Methods of the paper: 16 convolution layers, mask as prior, about 3 million parameters (3,078,361).
    "paper": Preset(width=47, mask_prior=True, coordinates=True),
    # The runs that the authors' public code documents: 15 convolution layers, no mask, 1,420,802 parameters.
    "released": Preset(width=32, mask_prior=False, coordinates=False),
    # The comparison networks of the authors' code; width is that of the first convolution.
    "deepmedic": Preset(width=30, mask_prior=False, coordinates=False),
    "unet2d": Preset(width=16, mask_prior=False, coordinates=False),
}


@dataclass(frozen=True)
class Architecture:
    """Everything that decides on a network's shape; `channels` counts the image channels, without the mask."""

    preset: str
    width: int
    channels: int
    mask_prior: bool
    coordinates: bool

    @classmethod
    def of(
        cls,
        preset: str,
        channels: int = 3,
        width: int | None = None,
        mask_prior: bool | None = None,
        coordinates: bool | None = None,
    ) -> Architecture:
        """The architecture of a preset, with its own width and priors where none are given.

        Raises ValueError for an unknown preset.
        """
        if preset not in PRESETS:
            raise ValueError(f"network '{preset}' is unknown; write one of: {', '.join(sorted(PRESETS))}")
        own = PRESETS[preset]
        return cls(
            preset,
            own.width if width is None else width,
            channels,
            own.mask_prior if mask_prior is None else mask_prior,
            own.coordinates if coordinates is None else coordinates,
        )

    @property
    def geometry(self) -> Geometry:
        """Sizes of its input and output."""
        return GEOMETRIES[self.preset]


def build(architecture: Architecture, batch_norm_momentum: float = 0.01) -> Network:
    """Make the network. The weights are torch's; `initialise` sets the study's."""
    kinds: dict[str, type[DeepMedic | UNet2d | UNet3d]] = {"deepmedic": DeepMedic, "unet2d": UNet2d}
    return kinds.get(architecture.preset, UNet3d)(
        architecture.width,
        architecture.channels,
        architecture.mask_prior,
        architecture.coordinates,
        batch_norm_momentum,
    )


def initialise(network: Network, seed: int) -> None:
    """Draw the convolution kernels as the authors do (Glorot's uniform distribution; orthogonal for `deepmedic`), set
    their biases to 0.

    The draw is a function of `seed` alone, whatever was drawn before.
    """
    generator = torch.Generator().manual_seed(seed)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Conv3d):
            network.draw(layer.weight, generator=generator)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)


def count_parameters(network: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
