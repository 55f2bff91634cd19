"""The training of one network on one fold, resumable at any moment without changing a bit of the result."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from radparity.networks.compute import describe, on_device, reproducible
from radparity.networks.presets import PRESETS, build, initialise
from radparity.networks.unet3d import UNet3d
from radparity.predict import predict_section
from radparity.scaling import as_is
from radparity.train import state
from radparity.train.interrupt import Interrupted, stop_signals
from radparity.train.loss import soft_dice_loss
from radparity.train.sampling import Key, Patch, Pools, check_pools, draw_minibatch, seed_of
from radparity.train.settings import Result, Settings
from radparity.train.slab import Breast

ENOUGH_CASES = 10
"""Malignant validation cases from which the best weights are chosen; the Dice of fewer is too noisy to choose by."""


@dataclass
class _Progress:
    """What changes during a training, besides network and optimizer."""

    step: int = 0
    losses: list[float] = field(default_factory=list)
    curve: list[dict[str, Any]] = field(default_factory=list)
    best_dice: float = -1.0
    best_step: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    machines: list[str] = field(default_factory=list)


def train_fold(
    training: Sequence[Breast],
    validation: Sequence[Breast],
    settings: Settings,
    key: tuple[int, str, int | str],
    state_folder: Path,
    threads: int = 1,
    device: str = "cpu",
    report: Callable[[dict[str, Any]], None] = lambda event: None,
    report_seconds: float = 5.0,
    save_seconds: float = 60.0,
) -> Result:
    """Train one network from the newest intact state in `state_folder`, or from the start.

    `key` is (study seed, arm, fold). The result is a function of breasts, settings and key, on one kind of machine
    with one number of threads. `report` is called about every `report_seconds` with step, steps, loss, seconds per
    step and its share spent on drawing patches; also on resuming, validating, and when channels are so small that
    batch norm would drown them. SIGTERM and SIGUSR1 save the state and raise Interrupted; the former handlers are
    put back in any case. The state folder stays: the caller removes it (`state.clear`) when the weights are safely
    written.
    Raises ValueError for breasts that cannot be trained on and for a breast in both sets.
    """
    key = Key(*key)
    pools = Pools.of(training)
    _check(training, validation, settings, pools)
    configuration = configuration_digest(training, validation, settings, key)
    _report_scale(training, settings, report)
    cases = [breast for breast in validation if breast.malignant]
    in_plane = (settings.patch[1], settings.patch[2])

    with reproducible(threads), stop_signals() as received:
        network = build(settings.preset, settings.width, len(settings.channels), settings.batch_norm_momentum)
        initialise(network, seed_of(*key, "weights"))
        network = on_device(network, device)
        optimizer = torch.optim.Adam(network.parameters(), settings.learning_rate, betas=(0.9, 0.999), eps=1e-7)
        progress = _resume(network, optimizer, state_folder, configuration)
        if progress.step:
            report({"event": "resumed", "step": progress.step, "steps": settings.steps})
        machine = describe(threads, device)
        if machine not in progress.machines:
            progress.machines.append(machine)
            if len(progress.machines) > 1:
                report({"event": "warning", "text": f"resumed on another kind of machine: {progress.machines}"})

        def save() -> None:
            content = {
                "network": network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "progress": asdict(progress),
            }
            state.save(state_folder, configuration, progress.step, content)

        saved = reported = time.monotonic()
        reported_step, drawing = progress.step, 0.0
        while progress.step < settings.steps:
            begun = time.monotonic()
            patches = draw_minibatch(
                training,
                pools,
                key,
                progress.step,
                settings.minibatch,
                in_plane,
                settings.malignant_share,
                settings.flip_share,
            )
            drawing += time.monotonic() - begun
            progress.losses.append(_step(network, optimizer, patches, settings.loss, device))
            progress.step += 1
            if progress.step % settings.validate_every == 0 or progress.step == settings.steps:
                _validate(network, cases, settings, progress, device, threads)
                report({"event": "validated", **progress.curve[-1]})
            now = time.monotonic()
            if now - reported >= report_seconds:
                seconds = (now - reported) / (progress.step - reported_step)
                loss = progress.losses[-1] if progress.losses else progress.curve[-1]["loss"]
                share = drawing / (now - reported)
                report({"event": "step", "step": progress.step, "steps": settings.steps, "loss": loss,
                        "seconds_per_step": seconds, "drawing_share": share})  # fmt: skip
                reported, reported_step, drawing = now, progress.step, 0.0
            if received or now - saved >= save_seconds or progress.step == settings.steps:
                save()
                saved = time.monotonic()
            if received and progress.step < settings.steps:
                raise Interrupted(128 + received[0])
        return _result(network, progress, enough=len(cases) >= ENOUGH_CASES)


def configuration_digest(training: Sequence[Breast], validation: Sequence[Breast], settings: Settings, key: Key) -> str:
    """A digest of everything the result depends on: key, settings, and the content of every breast in order."""
    content = [
        list(key),
        asdict(settings),
        [breast.digest for breast in training],
        [breast.digest for breast in validation],
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _check(training: Sequence[Breast], validation: Sequence[Breast], settings: Settings, pools: Pools) -> None:
    if settings.preset not in PRESETS:
        raise ValueError(f"network '{settings.preset}' is unknown; write one of: {', '.join(sorted(PRESETS))}")
    if settings.patch[0] != 19:
        raise ValueError(f"patch {settings.patch}: one section is labelled, so the patch must have 19 sections")
    if min(settings.steps, settings.minibatch, settings.validate_every) < 1 or settings.learning_rate <= 0:
        raise ValueError("steps, minibatch and validate_every must be at least 1, learning_rate over 0")
    check_pools(pools, settings.malignant_share, (settings.patch[1], settings.patch[2]))
    for breast in (*training, *validation):
        if breast.channels.shape[0] != len(settings.channels):
            raise ValueError(
                f"breast {breast.id} has {breast.channels.shape[0]} channels, not {', '.join(settings.channels)}"
            )
    shared = {breast.patient for breast in training} & {breast.patient for breast in validation}
    if shared:
        raise ValueError(f"patients {sorted(shared)} are in training and in validation; cut the sets by patient")


def _report_scale(training: Sequence[Breast], settings: Settings, report: Callable[[dict[str, Any]], None]) -> None:
    """Warn of a channel whose variance is below batch norm's epsilon of 1e-3, as with divisors of another unit."""
    sample = training[:: max(1, len(training) // 20)]
    inside = [breast.channels[:, breast.mask].astype(np.float64) for breast in sample]
    deviation = np.concatenate(inside, axis=1).std(axis=1)
    report({"event": "scale", "deviation": dict(zip(settings.channels, deviation.round(4).tolist(), strict=True))})
    for name, value in zip(settings.channels, deviation, strict=True):
        if value**2 < 1e-3:
            report(
                {
                    "event": "warning",
                    "text": f"channel {name} has a standard deviation of {value:.2g}: check its divisor",
                }
            )


def _resume(network: UNet3d, optimizer: torch.optim.Optimizer, folder: Path, configuration: str) -> _Progress:
    found = state.load(folder, configuration)
    if found is None:
        return _Progress()
    _, content = found
    network.load_state_dict(content["network"])
    optimizer.load_state_dict(content["optimizer"])
    return _Progress(**content["progress"])


def _step(network: UNet3d, optimizer: torch.optim.Optimizer, patches: Patch, loss_name: str, device: str) -> float:
    """One minibatch; returns its loss."""
    volume = torch.from_numpy(patches.volume if network.mask_prior else patches.volume[:, :-1])
    volume = volume.to(device).contiguous(memory_format=torch.channels_last_3d)
    coordinates = torch.from_numpy(patches.coordinates).to(device) if network.mask_prior else None
    tumour = torch.from_numpy(patches.tumour).to(device)
    network.train()
    optimizer.zero_grad(set_to_none=True)
    loss = soft_dice_loss(network(volume, coordinates), tumour, per_sample=loss_name == "sample_dice")
    value = loss.item()
    if not np.isfinite(value):
        raise FloatingPointError(f"the loss is {value}; lower the learning rate or look for damaged channels")
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return value


def _validate(
    network: UNet3d, cases: Sequence[Breast], settings: Settings, progress: _Progress, device: str, threads: int
) -> None:
    """Add a row to the curve, and keep the weights if they are the best so far."""
    scores = [tumour_dice(network, breast, device, threads) for breast in cases]
    dice = float(np.mean(scores)) if scores else None
    loss = float(np.mean(progress.losses))
    progress.curve.append(
        {"step": progress.step, "loss": loss, "validation_dice": dice, "validation_cases": len(scores)}
    )
    progress.losses = []
    if dice is not None and dice > progress.best_dice:
        progress.best_dice, progress.best_step = dice, progress.step
        progress.best_weights = _copy(network)


def tumour_dice(network: UNet3d, breast: Breast, device: str = "cpu", threads: int = 1) -> float:
    """Dice of probability over 0.5 with the outline, in the labelled section of a malignant breast."""
    probability = predict_section(
        [(network, as_is)],
        breast.channels,
        breast.mask,
        breast.section,
        breast.volume_shape[0],
        device=device,
        threads=threads,
    )
    found = probability > 0.5
    return 2 * float((found & breast.outline).sum()) / float(found.sum() + breast.outline.sum())


def _copy(network: UNet3d) -> dict[str, Tensor]:
    return {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in network.state_dict().items()
    }


def _result(network: UNet3d, progress: _Progress, enough: bool) -> Result:
    weights, step = (progress.best_weights, progress.best_step) if enough else (_copy(network), progress.step)
    return Result(weights, "best" if enough else "last", step, progress.step, progress.curve, progress.machines)
