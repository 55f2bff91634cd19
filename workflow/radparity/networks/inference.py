"""A trained network for prediction alone: the same numbers as the module gives, for less work and memory.

What is saved: batch norm goes into the convolutions before it; nothing is put side by side only to be convolved; the
upsampling between sections, which no in-plane kernel can tell, comes after the convolution instead of before it; and
the two last layers of the mask prior, which have no activation between them, are one.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from radparity.networks.compute import on_device
from radparity.networks.network import Network, crop
from radparity.networks.unet3d import UNet3d

Forward = Callable[[Tensor, Tensor | None], Tensor]


def for_inference(network: Network, device: str) -> Forward:
    """What takes the input of `network` and gives its logits in evaluation mode, on `device`, with channels last in
    memory. The network itself is left as it was."""
    copy = on_device(without_batch_norm(network), device)
    return _UNet3d(copy) if isinstance(copy, UNet3d) else copy


def without_batch_norm(network: Network) -> Network:
    """A copy in evaluation mode where every batch norm behind a convolution is part of it."""
    copy = deepcopy(network).eval()
    for chain in copy.modules():
        if isinstance(chain, nn.Sequential):
            for number in range(len(chain) - 1):
                layer, norm = chain[number], chain[number + 1]
                if isinstance(layer, nn.Conv2d | nn.Conv3d) and isinstance(norm, nn.BatchNorm2d | nn.BatchNorm3d):
                    chain[number], chain[number + 1] = fuse_conv_bn_eval(layer, norm), nn.Identity()
    return copy


class _UNet3d:
    """`UNet3d.forward`, rearranged."""

    def __init__(self, network: UNet3d) -> None:
        self.network = network
        last = network.classify
        assert last.bias is not None
        self.weight, self.bias = last.weight.detach(), last.bias.detach()
        if network.mask_prior or network.coordinates:
            merge = network.merge
            assert merge.bias is not None
            rows = self.weight.flatten(1).double()
            self.bias = (self.bias.double() + rows @ merge.bias.detach().double()).float()
            self.weight = (rows @ merge.weight.detach().flatten(1).double()).float()[..., None, None, None]

    def __call__(self, volume: Tensor, coordinates: Tensor | None) -> Tensor:
        network = self.network
        network.check_input(volume, coordinates)
        # Images need more than three digits, which is all that half precision has; so do coordinates and logits.
        with torch.autocast(volume.device.type, enabled=False):
            full = network.encode0[:3](volume)
        full = network.encode0[3:](full)
        half, full = network.encode1(_average_down(full)), _kept(full, (7, 15, 15))
        quarter, half = network.encode2(_average_down(half)), _kept(half, (3, 3, 3))
        features = network.encode3(_average_down(quarter))
        features = _decode(network.decode2, features, _kept(quarter, (1, 1, 1)))
        features = _decode(network.decode1, features, half)
        features = _decode(network.decode0, features, full)
        with torch.autocast(volume.device.type, enabled=False):
            width = features.shape[1]
            logits = functional.conv3d(features.float(), self.weight[:, :width], self.bias)
            priors = [crop(volume[:, -1:], (9, 19, 19))] if network.mask_prior else []
            priors += [coordinates] if coordinates is not None else []
            if priors:
                logits += functional.conv3d(torch.cat(priors, dim=1).float(), self.weight[:, width:])
        return logits


def _kept(volume: Tensor, margin: tuple[int, int, int]) -> Tensor:
    """The part of a skip connection that is used, so that the rest can be freed."""
    return crop(volume, margin).contiguous(memory_format=torch.channels_last_3d)


def _average_down(volume: Tensor) -> Tensor:
    """`resample.average_down` by planes: torch pools planes, but not volumes, without another memory layout."""
    batch, _, sections = volume.shape[:3]
    planes = functional.avg_pool2d(volume.transpose(1, 2).flatten(0, 1), 3, stride=2)
    volume = planes.reshape(batch, sections, *planes.shape[1:]).transpose(1, 2)
    length = (sections - 1) // 2
    first, middle, last = (volume[:, :, start : start + 2 * length - 1 : 2] for start in range(3))
    return first.add(middle).add_(last).div_(3)


def _decode(block: nn.Sequential, low: Tensor, skip: Tensor) -> Tensor:
    """`block(cat(linear_up(low), skip))` without the concatenation, and with the sections upsampled last."""
    first = block[0]
    assert isinstance(first, nn.Conv3d)
    below, beside = first.weight[:, : low.shape[1]], first.weight[:, low.shape[1] :]
    joined = functional.conv3d(skip, beside, first.bias)
    low = functional.conv3d(_up_in_plane(low), below)
    joined[:, :, 0::2].add_(low)
    joined[:, :, 1::2].add_(low[:, :, :-1], alpha=0.5).add_(low[:, :, 1:], alpha=0.5)
    for layer in list(block)[1:]:
        joined = layer(joined)
    return joined


def _up_in_plane(volume: Tensor) -> Tensor:
    """`resample.linear_up` of the two in-plane axes: n -> 2n - 1."""
    batch, channels, sections, rows, columns = volume.shape
    size = (batch, channels, sections, rows, 2 * columns - 1)
    wide = volume.new_empty(size).contiguous(memory_format=torch.channels_last_3d)
    wide[..., 0::2] = volume
    torch.add(volume[..., :-1], volume[..., 1:], out=wide[..., 1::2]).mul_(0.5)
    size = (batch, channels, sections, 2 * rows - 1, 2 * columns - 1)
    high = volume.new_empty(size).contiguous(memory_format=torch.channels_last_3d)
    high[:, :, :, 0::2] = wide
    torch.add(wide[:, :, :, :-1], wide[:, :, :, 1:], out=high[:, :, :, 1::2]).mul_(0.5)
    return high
