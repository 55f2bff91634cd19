"""The two fixed resampling steps of the study's network: down by average, up by interpolation, without parameters.

The authors use them against checkerboard artefacts (Aitken et al. 2017, arXiv:1707.02937).
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

SPATIAL_AXES = (2, 3, 4)


def average_down(volume: Tensor) -> Tensor:
    """Average over 3 x 3 x 3 voxels at stride 2 without padding: n -> (n - 1) // 2 on each spatial axis.

    `volume` has the axes (batch, channel, section, anterior, superior).
    """
    # The GPU kernel sums overlapping windows backwards in no fixed order, which would make training irreproducible.
    return average_down_in_slices(volume) if volume.is_cuda else functional.avg_pool3d(volume, 3, stride=2)


def average_down_in_slices(volume: Tensor) -> Tensor:
    """`average_down` from strided slices, axis by axis: slower on a CPU, but its gradient is reproducible anywhere."""
    for axis in SPATIAL_AXES:
        length = (volume.shape[axis] - 1) // 2
        first, middle, last = (_every_second(volume, axis, start, length) for start in range(3))
        volume = (first + middle + last) / 3
    return volume


def linear_up(volume: Tensor) -> Tensor:
    """Put the mean of every two neighbours between them: n -> 2n - 1 on each spatial axis.

    This is trilinear interpolation with aligned corners, and equals the transposed convolution of stride 2 with the
    frozen kernel (0.5, 1, 0.5) x (0.5, 1, 0.5) x (0.5, 1, 0.5), cropped by one voxel on each side. Written as
    slices because torch's own interpolation has no reproducible gradient on a GPU. `volume` has the axes (batch,
    channel, section, anterior, superior).
    """
    for axis in SPATIAL_AXES:
        length = volume.shape[axis]
        if length == 1:
            continue
        before, after = volume.narrow(axis, 0, length - 1), volume.narrow(axis, 1, length - 1)
        pairs = torch.stack((before, (before + after) / 2), dim=axis + 1).flatten(axis, axis + 1)
        volume = torch.cat((pairs, volume.narrow(axis, length - 1, 1)), dim=axis)
    return volume


def _every_second(volume: Tensor, axis: int, start: int, length: int) -> Tensor:
    index = [slice(None)] * volume.ndim
    index[axis] = slice(start, start + 2 * length - 1, 2)
    return volume[tuple(index)]
