"""Dice on the logit scale, where a step near 1 counts as much as a longer one near a half."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from radparity.compare.patients import Float

CLIP = 0.001  # Dice is clipped to [CLIP, 1 - CLIP]: a miss and a perfect outline have no logit
MARGIN = 0.2877  # logit(0.80) - logit(0.75), the difference that the paper planned for (Hirsch et al. 2022, Methods)


def logit(dice: ArrayLike) -> Float:
    """log(D / (1 - D)) of Dice 0 to 1, clipped to 0.001 and 0.999; nan stays nan."""
    clipped = np.clip(np.asarray(dice, dtype=np.float64), CLIP, 1 - CLIP)
    return np.asarray(np.log(clipped / (1 - clipped)))
