"""A breast as the mask network sees it: sections of 256 x 256 of low resolution, and the way back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radparity.grid import COARSE_MM
from radparity.mask.coarse import Spacing
from radparity.networks.grid import reflected
from radparity.networks.mask_unet import SECTIONS as NEIGHBOURS
from radparity.networks.mask_unet import SIDE
from radparity.record import DataFault


def to_sections(image: NDArray[Any], spacing: Spacing) -> NDArray[np.float32]:
    """T1 post-contrast (section, anterior, superior) as (section, 256, 256), divided by its own 95th percentile.

    Fine exams (in-plane below 0.6 mm) go to the low resolution first, by means over 2 x 2 voxels: the network is
    trained on that (spec section 8).
    Raises DataFault `no_signal` where the percentile is not positive.
    """
    scale = float(np.percentile(image, 95))
    if not np.isfinite(scale) or scale <= 0:
        raise DataFault("no_signal", f"the 95th percentile of the first post-contrast volume is {scale}")
    low = image
    if max(spacing[1:]) < COARSE_MM:
        even = [length // 2 * 2 for length in image.shape[1:]]
        blocks = image[:, : even[0], : even[1]].reshape(len(image), even[0] // 2, 2, even[1] // 2, 2)
        low = blocks.mean(axis=(2, 4))
    return resize(low / scale, (SIDE, SIDE))


def resize(volume: NDArray[Any], plane: tuple[int, ...]) -> NDArray[np.float32]:
    """Every section (anterior, superior) at another size, linearly; the edges of the field of view stay."""
    shape = (volume.shape[0], *plane)
    ratio = np.array(volume.shape) / shape
    resized: NDArray[np.float32] = ndimage.affine_transform(
        volume.astype(np.float32, copy=False),
        np.diag(ratio),
        offset=0.5 * ratio - 0.5,
        output_shape=shape,
        order=1,
        mode="nearest",
        prefilter=False,
    )
    return resized


def around(volume: NDArray[np.float32], section: int) -> NDArray[np.float32]:
    """The three sections around one, (3, anterior, superior); the volume is mirrored at its first and last section."""
    return volume[reflected(section - NEIGHBOURS // 2, NEIGHBOURS, len(volume))]
