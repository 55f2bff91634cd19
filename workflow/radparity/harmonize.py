"""Harmonize: one breast's input channels from an exam's registered phases, on the breast's grid, scaled per exam.

Only what the exam itself says is used here. What a fold learns from its training patients is in `scaling`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.channels import CHANNELS, DEFAULT_CHANNELS
from radparity.grid import FIRST_POST, BreastGrid, GridRules, breast_grid, side_shown
from radparity.record import DataFault
from radparity.scaling import exam_landmarks
from radparity.t2 import place_t2
from radparity.tissue import tissue_mask

FEWEST_SECTIONS = 5
HARMONIZATIONS = ("pre_p95", "pre_max", "own_p95", "zscore", "histogram")


@dataclass(frozen=True)
class Settings:
    """The block `harmonize` of the configuration.

    dce_in: `difference` (paper, Methods) or `rate`, per second (authors' later code). assumed_interval_s: the time
    between phases to assume where the headers tell none; None excludes such an exam.
    """

    grid: GridRules = GridRules()
    dce_in: str = "difference"
    assumed_interval_s: float | None = None


def phase_times(
    times: Sequence[float | None], dce_in: str, assumed_interval_s: float | None
) -> tuple[list[float], bool]:
    """The phases' times in s, and whether they are assumed.

    DCE-out needs the times of all post-contrast phases, DCE-in as a rate the pre-contrast one's too; as a difference it
    needs none. Raises DataFault `phase_times_unknown` where a needed time is missing or the times do not grow.
    """
    needed = list(times if dce_in == "rate" else times[FIRST_POST:])
    known = [time for time in needed if time is not None]
    if len(known) == len(needed) and all(later > earlier for earlier, later in zip(known, known[1:], strict=False)):
        return [float("nan") if time is None else float(time) for time in times], False
    if assumed_interval_s is None:
        raise DataFault(
            "phase_times_unknown",
            f"the headers give the phases the times {list(times)} s, and the washout slope needs them. Ask for the"
            " originals, or write under harmonize: times_unknown: assume",
        )
    return [assumed_interval_s * phase for phase in range(len(times))], True


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


def raw_channels(phases: NDArray[Any], times: Sequence[float], as_rate: bool) -> Iterator[NDArray[np.float32]]:
    """T1c, DCE-in and DCE-out in raw intensities, one after the other, so that a caller need not hold all."""
    seconds = np.asarray(times, dtype=float)
    pre, post = phases[..., 0], phases[..., FIRST_POST]
    yield post.astype(np.float32)
    yield enhancement_in(pre, post, float(seconds[FIRST_POST] - seconds[0]), as_rate)
    yield enhancement_out(phases[..., FIRST_POST:], seconds[FIRST_POST:])


def channels_of(phases: NDArray[Any], times: Sequence[float], as_rate: bool) -> NDArray[np.float32]:
    """T1c, DCE-in and DCE-out in raw intensities, channels first.

    phases: (section, anterior, superior, phase), the first before contrast; times: s.
    """
    return np.stack(list(raw_channels(phases, times, as_rate)))


def exam_scale(channel: NDArray[np.float32], pre: NDArray[Any], harmonization: str) -> tuple[float, float]:
    """Offset and divisor of one channel from its own exam (spec section 7); all voxels of the breast's part count.

    channel: raw; pre: the pre-contrast volume of the same part. `histogram` divides as `pre_p95` does: the gain of an
    exam leaves here, the shape of its scanner's histogram by the fold's landmarks.
    Raises DataFault `no_signal` where the divisor is not positive, ValueError for an unknown harmonization.
    """
    offset = 0.0
    if harmonization in ("pre_p95", "histogram"):
        divisor = float(np.percentile(pre, 95))
    elif harmonization == "pre_max":
        divisor = float(pre.max())
    elif harmonization == "own_p95":
        divisor = float(np.percentile(np.abs(channel), 95))
    elif harmonization == "zscore":
        offset, divisor = float(channel.mean(dtype=np.float64)), float(channel.std(dtype=np.float64))
    else:
        raise ValueError(f"harmonization {harmonization} is not known; use one of: {', '.join(HARMONIZATIONS)}")
    if not np.isfinite(divisor) or divisor <= 0 or not np.isfinite(channel).all():
        raise DataFault("no_signal", f"the {harmonization} divisor is {divisor}: the images hold no usable signal")
    return offset, divisor


def harmonize_breast(
    phases: NDArray[Any],
    affine: NDArray[np.float64],
    times: Sequence[float | None],
    side: str | None,
    scanner: str,
    harmonization: str,
    settings: Settings,
    t2: tuple[NDArray[Any], NDArray[np.float64]] | None = None,
    t2_reason: str = "",
) -> tuple[NDArray[np.float32], NDArray[np.float64], dict[str, Any]]:
    """The channels of one breast (section, anterior, superior, channel), its grid's affine, and the record's facts.

    side: left or right; None for the one that is imaged.
    phases: registered, (section, anterior, superior, phase), the first before contrast; times: s, None where unknown.
    t2: the exam's T2-weighted volume (section, anterior, superior) and its affine, where there is one; it becomes a
    fourth channel, or is left out and flagged. t2_reason: what earlier stages say of it.
    Of the facts, `channels` names what is held in order; offsets, divisors and p95 follow it. `p95` (the 95th
    percentile of each scaled channel's magnitude) and `landmarks` (quantiles of scaled T1c in tissue), both on the
    native grid (T2's on the breast's), are what a fold learns from.
    Raises DataFault where the side is not in the volume, its times are unknown or it holds no signal.
    """
    grid = breast_grid(phases[..., FIRST_POST], affine, side, settings.grid)
    part = grid.cut(phases)
    if part.shape[0] < FEWEST_SECTIONS:
        raise DataFault("too_few_sections", f"{part.shape[0]} sections of the {side or 'imaged'} breast")
    seconds, assumed = phase_times(times, settings.dce_in, settings.assumed_interval_s)
    weighted, reason, flags = _usable_t2(t2, t2_reason, grid, part, harmonization)
    names = CHANNELS if weighted is not None else DEFAULT_CHANNELS
    offsets, divisors, p95, landmarks = [], [], [], []
    channels = np.empty((*grid.shape, len(names)), np.float32)
    for position, channel in enumerate(raw_channels(part, seconds, settings.dce_in == "rate")):
        offset, divisor = exam_scale(channel, part[..., 0], harmonization)
        channel -= np.float32(offset)
        channel /= np.float32(divisor)
        offsets.append(offset)
        divisors.append(divisor)
        p95.append(float(np.percentile(np.abs(channel), 95)))
        if position == 0:
            landmarks = exam_landmarks(channel)
        channels[..., position] = grid.resample(channel)
    if weighted is not None:
        channel, offset, divisor = weighted
        offsets.append(offset)
        divisors.append(divisor)
        p95.append(float(np.percentile(np.abs(channel), 95)))
        channels[..., -1] = channel
    facts = {
        "side": side or side_shown(grid.native, part.shape),
        "scanner": scanner,
        "harmonization": harmonization,
        "dce_in": settings.dce_in,
        "times_assumed": assumed,
        "channels": list(names),
        "t2_reason": reason,
        "flags": flags,
        "offsets": offsets,
        "divisors": divisors,
        "p95": p95,
        "landmarks": landmarks,
        **grid.facts(),
    }
    return channels, grid.affine, facts


def _usable_t2(
    t2: tuple[NDArray[Any], NDArray[np.float64]] | None,
    reason: str,
    grid: BreastGrid,
    part: NDArray[Any],
    harmonization: str,
) -> tuple[tuple[NDArray[np.float32], float, float] | None, str, list[dict[str, str]]]:
    """The scaled T2 channel on the breast's grid with its offset and divisor, or None; the reason; flags."""
    if t2 is None:
        return None, reason, []
    tissue = grid.resample(tissue_mask(part[..., FIRST_POST]).astype(np.uint8), order=0) > 0
    try:
        channel = place_t2(*t2, grid, tissue)
        offset, divisor = exam_scale(channel, part[..., 0], harmonization)
    except DataFault as fault:
        return None, fault.sentence, [{"code": "t2_incomplete", "sentence": fault.sentence}]
    channel -= np.float32(offset)
    channel /= np.float32(divisor)
    return (channel, offset, divisor), reason, []
