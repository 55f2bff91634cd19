"""What a training refuses before its first step, and what it warns of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from radparity.slab import Breast
from radparity.train.sampling import Pools, check_pools
from radparity.train.settings import Settings

SAMPLE = 20
"""Breasts from which the spread of the channels is judged."""


def check(training: Sequence[Breast], validation: Sequence[Breast], settings: Settings) -> None:
    """Raises ValueError for breasts and settings that cannot be trained with, and for a patient in both sets."""
    geometry = settings.architecture.geometry
    if geometry.output(settings.patch)[0] != 1:
        raise ValueError(
            f"patch {list(settings.patch)}: one section is labelled, so the patch must have"
            f" {geometry.sections} sections"
        )
    if min(settings.steps, settings.minibatch, settings.validate_every) < 1 or settings.learning_rate <= 0:
        raise ValueError("steps, minibatch and validate_every must be at least 1, learning_rate over 0")
    check_pools(Pools.of(training), settings.malignant_share)
    if len(settings.channels) != settings.architecture.channels:
        raise ValueError(f"the network takes {settings.architecture.channels} channels, not {len(settings.channels)}")
    for breast in (*training, *validation):
        if len(breast.positions) != len(settings.channels):
            raise ValueError(
                f"breast {breast.id} has {len(breast.positions)} channels, not {', '.join(settings.channels)}"
            )
    for breast in training if settings.sampling == "code" else ():
        if not breast.malignant and breast.bright is None:
            raise ValueError(
                f"breast {breast.id}: its slab was made for the paper's sampling; make it again for `code`"
            )
    shared = {breast.patient for breast in training} & {breast.patient for breast in validation}
    if shared:
        raise ValueError(f"patients {sorted(shared)} are in training and in validation; cut the sets by patient")


def faint_channels(training: Sequence[Breast], settings: Settings) -> Iterator[str]:
    """A sentence for each channel whose variance is below batch norm's epsilon of 1e-3, as with divisors of another
    unit."""
    inside = []
    for breast in training[:: max(1, len(training) // SAMPLE)]:
        channels, mask = breast.slab(1)
        inside.append(breast.prepare(channels)[:, mask].astype(np.float64))
    deviation = np.concatenate(inside, axis=1).std(axis=1)
    for name, value in zip(settings.channels, deviation, strict=True):
        if value**2 < 1e-3:
            yield f"channel {name} has a standard deviation of {value:.2g}: check its divisor"
