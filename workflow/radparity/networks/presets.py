"""The named networks a study can ask for."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from radparity.networks.unet3d import UNet3d


@dataclass(frozen=True)
class Preset:
    """A network by name: width of its first convolution and whether the breast mask is an input."""

    base_width: int
    mask_prior: bool


PRESETS = {
    # Figure 3 and Methods of the paper: 16 convolution layers, mask as prior, about 3 million parameters (3,078,361).
    "paper": Preset(base_width=47, mask_prior=True),
    # The runs that the authors' public code documents: 15 convolution layers, no mask, 1,420,802 parameters.
    "released": Preset(base_width=32, mask_prior=False),
}


def build(preset: str, width: int | None = None, channels: int = 3, batch_norm_momentum: float = 0.01) -> UNet3d:
    """Make the network `preset` for so many image channels, optionally at another base width.

    Raises ValueError for an unknown preset. The weights are torch's; `initialise` sets the study's.
    """
    if preset not in PRESETS:
        raise ValueError(f"network '{preset}' is unknown; write one of: {', '.join(sorted(PRESETS))}")
    chosen = PRESETS[preset]
    return UNet3d(
        base_width=chosen.base_width if width is None else width,
        in_channels=channels,
        mask_prior=chosen.mask_prior,
        batch_norm_momentum=batch_norm_momentum,
    )


def initialise(network: nn.Module, seed: int) -> None:
    """Draw the convolution kernels from Glorot's uniform distribution, set their biases to 0, as the authors do.

    The draw is a function of `seed` alone, whatever was drawn before.
    """
    generator = torch.Generator().manual_seed(seed)
    for layer in network.modules():
        if isinstance(layer, nn.Conv3d):
            nn.init.xavier_uniform_(layer.weight, generator=generator)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)


def count_parameters(network: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
