"""The breast mask by a trained network (spec section 8)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from radparity.mask.classical import SMALLEST_ML
from radparity.mask.coarse import Spacing, largest
from radparity.mask.sections import around, resize, to_sections
from radparity.networks.compute import reproducible
from radparity.networks.grid import coordinate_map
from radparity.networks.mask_unet import SIDE, MaskUNet
from radparity.record import DataFault

CLOSING = 3
"""Dilations and then erosions that close the mask, by the element of 18 neighbours, on the network's grid."""


def breast_mask(
    network: MaskUNet, image: NDArray[Any], spacing: Spacing, device: str = "cpu", threads: int = 1
) -> tuple[NDArray[np.bool_], dict[str, Any]]:
    """The breast in a volume (section, anterior, superior) of one side, RAS+, and the record's facts.

    Probability over 0.5, largest component, closing, as the authors do; unlike theirs, the first and the last section
    are predicted too, from the volume mirrored there.
    Raises DataFault `no_signal` for an empty volume, `no_breast` where less than 30 ml are found.
    """
    probability = predict_sections(network, to_sections(image, spacing), device, threads)
    mask = resize(tidy(probability > 0.5), image.shape[1:]) > 0.5
    millilitres = float(mask.sum() * np.prod(spacing) / 1000)
    if millilitres < SMALLEST_ML:
        raise DataFault("no_breast", f"the mask network found only {millilitres:.0f} ml of breast")
    return mask, {"method": "network", "volume_ml": round(millilitres, 1), "flags": []}


def predict_sections(
    network: MaskUNet, volume: NDArray[np.float32], device: str = "cpu", threads: int = 1, at_once: int = 4
) -> NDArray[np.float32]:
    """Probability of breast (section, 256, 256) for every section of a volume as `to_sections` makes it."""
    count, side = len(volume), np.arange(SIDE)
    found = np.empty_like(volume)
    network.eval().to(device)
    with reproducible(threads), torch.inference_mode():
        for first in range(0, count, at_once):
            chosen = range(first, min(first + at_once, count))
            sections = np.stack([around(volume, s)[None] for s in chosen])
            coordinates = np.swapaxes(coordinate_map(np.array(chosen), side, side, (count, SIDE, SIDE)), 0, 1)
            both = network(
                torch.from_numpy(sections).to(device), torch.from_numpy(np.ascontiguousarray(coordinates)).to(device)
            )
            found[chosen.start : chosen.stop] = both[:, 1].cpu().numpy()
    return found


def tidy(found: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest component in 3-D (26-connected), closed; beyond the volume its border goes on."""
    element = ndimage.generate_binary_structure(3, 2)
    wide = np.pad(largest(found), CLOSING, mode="edge")
    closed = ndimage.binary_closing(wide, element, iterations=CLOSING)
    inner = slice(CLOSING, -CLOSING)
    return np.asarray(closed[inner, inner, inner])
