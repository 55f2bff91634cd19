"""Harmonize: one breast's input channels from an exam's registered phases, on the breast's grid, scaled per exam."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.grid import cut_breast, resample_in_plane
from radparity.record import DataFault

FEWEST_SECTIONS = 5


def enhancement_in(pre: NDArray[Any], post: NDArray[Any], seconds: float, as_rate: bool) -> NDArray[np.float32]:
    """DCE-in: first post-contrast minus pre-contrast (paper, Methods), or that per second (authors' later code)."""
    difference = post.astype(np.float32) - pre.astype(np.float32)
    return difference / np.float32(seconds) if as_rate else difference


def enhancement_out(posts: NDArray[Any], times: NDArray[np.float64]) -> NDArray[np.float32]:
    """DCE-out: ordinary least-squares slope per second over all post-contrast phases (spec section 5).

    posts: (..., phase); times: s. Slope = sum((t - mean t)(s - mean s)) / sum((t - mean t)^2); negative is washout.
    """
    centred = times - times.mean()
    weights = (centred / (centred**2).sum()).astype(np.float32)
    slope: NDArray[np.float32] = np.zeros(posts.shape[:-1], np.float32)
    for phase, weight in enumerate(weights):
        slope += weight * posts[..., phase]
    return slope


def channels_of(phases: NDArray[Any], times: list[float], as_rate: bool) -> NDArray[np.float32]:
    """T1c, DCE-in and DCE-out in raw intensities, channels first.

    phases: (section, anterior, superior, phase), the first before contrast; times: s.
    """
    seconds = np.asarray(times, dtype=float)
    pre, post = phases[..., 0], phases[..., 1]
    return np.stack(
        [
            post.astype(np.float32),
            enhancement_in(pre, post, float(seconds[1] - seconds[0]), as_rate),
            enhancement_out(phases[..., 1:], seconds[1:]),
        ]
    )


def scale(
    channels: NDArray[np.float32], pre: NDArray[Any], harmonization: str
) -> tuple[NDArray[np.float32], list[float], list[float]]:
    """Scale a breast's channels by its own exam: (x - offset) / divisor for each channel (spec section 7).

    channels: (channel, section, anterior, superior), raw, native grid; pre: its pre-contrast volume, all voxels count.
    Returns the scaled channels, the offsets and the divisors.
    Raises DataFault `no_signal` where a divisor is not positive.
    """
    offsets = [0.0] * len(channels)
    if harmonization == "pre_p95":
        divisors = [float(np.percentile(pre, 95))] * len(channels)
    elif harmonization == "pre_max":
        divisors = [float(pre.max())] * len(channels)
    elif harmonization == "own_p95":
        divisors = [float(np.percentile(np.abs(channel), 95)) for channel in channels]
    elif harmonization == "zscore":
        offsets = [float(channel.mean(dtype=np.float64)) for channel in channels]
        divisors = [float(channel.std(dtype=np.float64)) for channel in channels]
    else:
        raise ValueError(f"harmonization {harmonization} is not known; use pre_p95, pre_max, own_p95 or zscore")
    if not all(np.isfinite(divisors)) or min(divisors) <= 0:
        raise DataFault("no_signal", f"the {harmonization} divisors are {divisors}: the images hold no signal")
    offset, divisor = (np.array(v, np.float32).reshape(-1, 1, 1, 1) for v in (offsets, divisors))
    scaled: NDArray[np.float32] = (channels - offset) / divisor
    return scaled, offsets, divisors


def harmonize_breast(
    phases: NDArray[Any],
    affine: NDArray[np.float64],
    times: list[float],
    side: str,
    harmonization: str,
    in_plane: str | float,
    as_rate: bool,
) -> tuple[NDArray[np.float32], NDArray[np.float64], dict[str, Any]]:
    """The channels of one breast (section, anterior, superior, channel), its grid's affine, and the record's facts.

    phases: registered, (section, anterior, superior, phase). `p95` of the facts is the 95th percentile of each scaled
    channel's magnitude on the native grid: the divisors of a fold are made from these.
    Raises DataFault where the side is not in the volume or holds no signal.
    """
    cut, affine = cut_breast(phases, affine, side)
    if cut.shape[0] < FEWEST_SECTIONS:
        raise DataFault("too_few_sections", f"{cut.shape[0]} sections of the {side} breast")
    raw = channels_of(cut, times, as_rate)
    scaled, offsets, divisors = scale(raw, cut[..., 0], harmonization)
    p95 = [float(np.percentile(np.abs(channel), 95)) for channel in scaled]
    out = [resample_in_plane(channel, affine, in_plane) for channel in scaled]
    grid = out[0][1]
    facts = {
        "side": side,
        "harmonization": harmonization,
        "offsets": offsets,
        "divisors": divisors,
        "p95": p95,
        "native_mm": [round(float(v), 4) for v in np.linalg.norm(affine[:3, :3], axis=0)],
        "spacing_mm": [round(float(v), 4) for v in np.linalg.norm(grid[:3, :3], axis=0)],
        "shape": list(out[0][0].shape),
    }
    return np.stack([image for image, _ in out], axis=-1), grid, facts
