"""Kinetics: percent enhancement, signal enhancement ratio and functional tumour volume from the raw phases.

Shown beside the maps that the site itself made, where it has them: an independent check of conversion, phase order and
arithmetic on a real exam. Definitions: reader_statistics, section 2 (functional tumour volume, UCSF).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from scipy import ndimage


@dataclass(frozen=True)
class SiteVolume:
    """What a UCSF segmentation object says of its functional tumour volume.

    centre and half_width in mm, RAS; threshold in raw intensity; percent is the enhancement threshold.
    """

    centre: NDArray[np.float64]
    half_width: NDArray[np.float64]
    threshold: float
    percent: float
    voxels: int
    times: list[float]


def percent_enhancement(pre: NDArray[Any], post: NDArray[Any]) -> NDArray[np.float64]:
    """100 (S1 - S0) / S0; 0 where S0 is 0."""
    pre, post = pre.astype(float), post.astype(float)
    found: NDArray[np.float64] = np.divide(100 * (post - pre), pre, out=np.zeros_like(pre), where=pre > 0)
    return found


def enhancement_ratio(pre: NDArray[Any], early: NDArray[Any], late: NDArray[Any]) -> NDArray[np.float64]:
    """Signal enhancement ratio (S1 - S0) / (S2 - S0); 0 where the late phase does not differ from the first."""
    pre, early, late = pre.astype(float), early.astype(float), late.astype(float)
    found: NDArray[np.float64] = np.divide(early - pre, late - pre, out=np.zeros_like(pre), where=late != pre)
    return found


def read_site_volume(path: Path) -> SiteVolume:
    """Thresholds, volume of interest and voxel count from the private group 0117 of a UCSF DICOM SEG.

    Raises ValueError where the object does not hold them.
    """
    data = pydicom.dcmread(path, stop_before_pixels=True)
    try:
        box = data[0x0117, 0x1020].value[0]
        settings = {item[0x0117, 0x1014].value: item for item in data[0x0117, 0x1010].value}
        volume = data[0x0117, 0x10B0].value[0]
        label = str(volume[0x0117, 0x10B5].value)
        percent = re.search(r"PEearly>\s*([\d.]+)%", label)
        if percent is None:
            raise ValueError(f"{path.name}: the label '{label}' names no enhancement threshold")
        vectors = [
            np.array(box[0x0117, element].value[:3], dtype=float) for element in (0x1042, 0x1043, 0x1044, 0x1045)
        ]
        return SiteVolume(
            centre=vectors[0] * [-1, -1, 1],
            half_width=np.abs(vectors[1]) + np.abs(vectors[2]) + np.abs(vectors[3]),
            threshold=float(settings["pre_contrast_threshold"][0x0117, 0x1019].value),
            percent=float(percent.group(1)),
            voxels=int(volume[0x0117, 0x10B3].value),
            times=[float(t) for t in data[0x0117, 0x1034].value],
        )
    except KeyError as missing:
        raise ValueError(f"{path.name} is no UCSF functional tumour volume: {missing} is not there") from missing


def functional_tumour_volume(
    phases: NDArray[Any], affine: NDArray[np.float64], site: SiteVolume
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Voxels of the functional tumour volume and of the box it is counted in, (section, anterior, superior).

    phases: raw, (section, anterior, superior, phase), the first before contrast. A voxel counts where S0 reaches the
    threshold, early enhancement reaches `percent`, S2 > S0, and at least 4 of its 26 neighbours meet these too.
    """
    pre, early, late = (phases[..., n].astype(float) for n in range(3))
    meets = (pre >= site.threshold) & (percent_enhancement(pre, early) >= site.percent) & (late > pre)
    neighbours = ndimage.convolve(meets.astype(np.int16), np.ones((3, 3, 3), np.int16), mode="constant") - meets
    index = np.indices(meets.shape, dtype=np.float64).reshape(3, -1)
    position = (affine[:3, :3] @ index + affine[:3, 3:]).T.reshape(*meets.shape, 3)
    box = np.asarray((np.abs(position - site.centre) <= site.half_width + 1e-3).all(axis=-1))
    return meets & (neighbours >= 4) & box, box


def agree_enhancement(own: NDArray[Any], site: NDArray[Any], tumour: NDArray[np.bool_]) -> dict[str, Any]:
    """How our percent enhancement agrees with the site's map, which holds its integer part where it is not 0."""
    shown = site != 0
    return {
        "voxels": int(shown.sum()),
        "equal_share": float((np.floor(own[shown]) == site[shown]).mean()),
        "equal_share_in_tumour": float((np.floor(own[tumour]) == site[tumour]).mean()) if tumour.any() else None,
    }


def agree_ratio(own: NDArray[Any], site: NDArray[Any], tumour: NDArray[np.bool_]) -> dict[str, Any]:
    """How our enhancement ratio agrees with the site's map, which is stored in steps of 0.001 and ends at 3."""
    shown = (site > 0) & (site < 3)
    close = np.abs(own - site) <= 5e-4 + 1e-6
    return {
        "voxels": int(shown.sum()),
        "equal_share": float(close[shown].mean()),
        "equal_share_in_tumour": float(close[tumour & shown].mean()) if (tumour & shown).any() else None,
    }


def agree_volume(
    tumour: NDArray[np.bool_], site: SiteVolume, affine: NDArray[np.float64], times: list[float]
) -> dict[str, Any]:
    """Our functional tumour volume beside the site's count; times from the headers beside those it recorded."""
    apart = [abs((t - times[0]) - (s - site.times[0])) for t, s in zip(times, site.times, strict=False)]
    return {
        "voxels": int(tumour.sum()),
        "site_voxels": site.voxels,
        "millilitres": float(tumour.sum() * abs(np.linalg.det(affine[:3, :3])) / 1000),
        "threshold": site.threshold,
        "percent": site.percent,
        "largest_time_difference_s": max(apart),
    }
