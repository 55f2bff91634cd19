"""The study's loss: soft Dice of both classes."""

from __future__ import annotations

import torch
from torch import Tensor

SMOOTHING = 1e-6


def soft_dice_loss(logits: Tensor, tumour: Tensor, per_sample: bool = False) -> Tensor:
    """2 minus the soft Dice of background and of tumour; 0 is perfect, 2 is the worst.

    `logits` is (batch, 2, section, anterior, superior), `tumour` is (batch, section, anterior, superior) of 0 and
    1. The sums run over all voxels of the whole minibatch, as in the authors' published code (Hirsch et al. 2022).
    A minibatch without tumour then costs about 1 whatever is predicted. With `per_sample` they run over each
    sample, and the mean over samples is taken.
    """
    probability = torch.softmax(logits.float(), dim=1).flatten(2)
    positive = tumour.float().flatten(1)
    truth = torch.stack((1 - positive, positive), dim=1)
    voxels = (2,) if per_sample else (0, 2)
    overlap = 2 * (probability * truth).sum(voxels) + SMOOTHING
    size = truth.square().sum(voxels) + probability.square().sum(voxels) + SMOOTHING
    return 2 - (overlap / size).sum(-1).mean()
