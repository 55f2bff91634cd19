"""Kinetics: percent enhancement and signal enhancement ratio from the raw phases, and how they agree with a site's.

Shown beside the maps that the site itself made, where it has them: an independent check of conversion, phase order and
arithmetic on a real exam. The functional tumour volume itself is made in `outline.tumour_volume`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.outline.site_volume import SiteVolume


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
    tumour: NDArray[np.bool_], site: SiteVolume, affine: NDArray[np.float64], apart: float | None
) -> dict[str, Any]:
    """Our functional tumour volume beside the site's count. apart: s between our times of the phases and the site's."""
    return {
        "voxels": int(tumour.sum()),
        "site_voxels": site.voxels,
        "millilitres": float(tumour.sum() * abs(np.linalg.det(affine[:3, :3])) / 1000),
        "threshold": site.threshold,
        "percent": site.percent,
        "largest_time_difference_s": apart,
    }
