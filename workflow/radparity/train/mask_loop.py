"""The training of the breast-mask network, resumable at any moment without changing a bit of the result."""

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
from numpy.typing import NDArray
from torch import Tensor

from radparity.mask.network import predict_sections
from radparity.mask.sections import around
from radparity.networks.compute import describe, reproducible
from radparity.networks.grid import coordinate_map
from radparity.networks.mask_unet import SIDE, MaskUNet, initialise
from radparity.train import state
from radparity.train.interrupt import Interrupted, stop_signals
from radparity.train.sampling import seed_of

SMOOTHING = 1e-6


@dataclass(frozen=True)
class MaskSettings:
    """Defaults of Hirsch et al. 2022 and its code (spec section 8); the steps have none."""

    steps: int
    minibatch: int = 8
    learning_rate: float = 2e-5
    flip_share: float = 0.5
    validate_every: int = 100


@dataclass(frozen=True)
class MaskedBreast:
    """A breast to train on: T1 post-contrast as `to_sections` makes it and its mask, both (section, 256, 256)."""

    id: str
    patient: str
    volume: NDArray[np.float32]
    mask: NDArray[np.bool_]

    @property
    def digest(self) -> str:
        """Names the content."""
        whole = hashlib.sha256(f"{self.id} {self.patient} {self.volume.shape} ".encode())
        for array in (self.volume, self.mask):
            whole.update(np.ascontiguousarray(array).tobytes())
        return whole.hexdigest()


@dataclass
class MaskResult:
    """Weights (of the best validation, or the last where there is none) and the curve: a row a validation."""

    weights: dict[str, Tensor]
    selected_step: int
    curve: list[dict[str, Any]]


@dataclass
class _Progress:
    step: int = 0
    losses: list[float] = field(default_factory=list)
    curve: list[dict[str, Any]] = field(default_factory=list)
    best_dice: float = -1.0
    best_step: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)


def train_mask(
    training: Sequence[MaskedBreast],
    validation: Sequence[MaskedBreast],
    settings: MaskSettings,
    seed: int,
    state_folder: Path,
    threads: int = 1,
    device: str = "cpu",
    report: Callable[[dict[str, Any]], None] = lambda event: None,
    save_seconds: float = 60.0,
) -> MaskResult:
    """Train from the newest intact state in `state_folder`, or from the start; a function of all but that folder.

    SIGTERM and SIGUSR1 save the state and raise Interrupted. The caller removes the folder when the weights are safe.
    Raises ValueError where there is nothing to train on and for a patient in both sets.
    """
    _check(training, validation)
    configuration = _digest(training, validation, settings, seed, describe(threads, device))
    with reproducible(threads), stop_signals() as received:
        network = MaskUNet()
        initialise(network, seed_of(seed, "mask", "weights"))
        network.to(device)
        optimizer = torch.optim.Adam(network.parameters(), settings.learning_rate, betas=(0.9, 0.999), eps=1e-7)
        progress = _Progress()
        if found := state.load(state_folder, configuration):
            network.load_state_dict(found[1]["network"])
            optimizer.load_state_dict(found[1]["optimizer"])
            progress = _Progress(**found[1]["progress"])
            report({"event": "resumed", "step": progress.step, "steps": settings.steps})
        saved = time.monotonic()
        while progress.step < settings.steps:
            progress.losses.append(_step(network, optimizer, training, settings, seed, progress.step, device))
            progress.step += 1
            last = progress.step == settings.steps
            if progress.step % settings.validate_every == 0 or last:
                _validate(network, validation, progress, device, threads)
                report({"event": "validated", "steps": settings.steps, **progress.curve[-1]})
            if received or last or time.monotonic() - saved >= save_seconds:
                parts = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
                state.save(state_folder, configuration, progress.step, parts | {"progress": asdict(progress)})
                saved = time.monotonic()
            if received and not last:
                raise Interrupted(128 + received[0])
    if progress.best_weights:
        return MaskResult(progress.best_weights, progress.best_step, progress.curve)
    return MaskResult(_copy(network), progress.step, progress.curve)


def soft_dice_loss(probability: Tensor, breast: Tensor) -> Tensor:
    """2 minus the soft Dice of both classes over the whole minibatch; 0 is perfect, 2 the worst.

    probability: (batch, 2, anterior, superior), not breast and breast; breast: (batch, anterior, superior), 0 and 1.
    """
    positive = breast.float()
    truth = torch.stack((1 - positive, positive), dim=1)
    overlap = 2 * (probability * truth).sum((0, 2, 3)) + SMOOTHING
    size = truth.square().sum((0, 2, 3)) + probability.square().sum((0, 2, 3)) + SMOOTHING
    return 2 - (overlap / size).sum()


def draw(
    breasts: Sequence[MaskedBreast], settings: MaskSettings, seed: int, step: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """A minibatch: sections (batch, 1, 3, 256, 256), coordinates (batch, 3, 256, 256), masks (batch, 256, 256).

    Breasts and then sections are drawn alike. A share is flipped along one of the three axes, coordinates with it.
    Every sample is a function of seed, step and its place in the minibatch.
    """
    samples = []
    places = np.arange(SIDE)
    for index in range(settings.minibatch):
        generator = np.random.default_rng(seed_of(seed, "mask", step, index))
        breast = breasts[int(generator.integers(len(breasts)))]
        section = int(generator.integers(len(breast.volume)))
        axis = int(generator.integers(3)) - 3 if generator.random() < settings.flip_share else None
        parts: list[NDArray[Any]] = [
            around(breast.volume, section),
            coordinate_map(np.array([section]), places, places, breast.volume.shape),
            breast.mask[section][None],
        ]
        samples.append(parts if axis is None else [np.flip(part, axis) for part in parts])
    sections, coordinates, masks = (np.stack(part) for part in zip(*samples, strict=True))
    return sections[:, None], np.ascontiguousarray(coordinates[:, :, 0]), np.ascontiguousarray(masks[:, 0])


def dice(network: MaskUNet, breast: MaskedBreast, device: str = "cpu", threads: int = 1) -> float:
    """Dice of probability over 0.5 with the mask, over the whole breast."""
    found = predict_sections(network, breast.volume, device, threads) > 0.5
    return 2 * float((found & breast.mask).sum()) / float(found.sum() + breast.mask.sum())


def _step(
    network: MaskUNet,
    optimizer: torch.optim.Optimizer,
    training: Sequence[MaskedBreast],
    settings: MaskSettings,
    seed: int,
    step: int,
    device: str,
) -> float:
    sections, coordinates, masks = (torch.from_numpy(part).to(device) for part in draw(training, settings, seed, step))
    network.train()
    optimizer.zero_grad(set_to_none=True)
    loss = soft_dice_loss(network(sections, coordinates), masks)
    value = loss.item()
    if not np.isfinite(value):
        raise FloatingPointError(f"the loss is {value}; lower mask: learning_rate or look for damaged images")
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return value


def _validate(
    network: MaskUNet, validation: Sequence[MaskedBreast], progress: _Progress, device: str, threads: int
) -> None:
    scores = [dice(network, breast, device, threads) for breast in validation]
    mean = float(np.mean(scores)) if scores else None
    progress.curve.append({"step": progress.step, "loss": float(np.mean(progress.losses)), "validation_dice": mean})
    progress.losses = []
    if mean is not None and mean > progress.best_dice:
        progress.best_dice, progress.best_step, progress.best_weights = mean, progress.step, _copy(network)


def _copy(network: MaskUNet) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}


def _check(training: Sequence[MaskedBreast], validation: Sequence[MaskedBreast]) -> None:
    if not training:
        raise ValueError("no development breast with a mask is left to train on: see the column breast_mask")
    shared = {breast.patient for breast in training} & {breast.patient for breast in validation}
    if shared:
        raise ValueError(f"patients {sorted(shared)} are in training and in validation; cut the sets by patient")
    for breast in (*training, *validation):
        if breast.volume.shape != breast.mask.shape or breast.volume.shape[1:] != (SIDE, SIDE) or not breast.mask.any():
            raise ValueError(f"breast {breast.id}: its mask is empty or does not fit its image")


def _digest(
    training: Sequence[MaskedBreast],
    validation: Sequence[MaskedBreast],
    settings: MaskSettings,
    seed: int,
    machine: str,
) -> str:
    """Everything that the result depends on, so that a state of another training is never taken."""
    sets = [[breast.digest for breast in breasts] for breasts in (training, validation)]
    return hashlib.sha256(json.dumps([sets, asdict(settings), seed, machine], sort_keys=True).encode()).hexdigest()
