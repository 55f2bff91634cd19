"""The training of one network on one fold, resumable at any moment without changing a bit of the result.

No state of a random generator is kept: every draw is a function of the step (`sampling`), and the first weights of the
seed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from radparity.networks.compute import describe, on_device, reproducible
from radparity.networks.network import Network
from radparity.networks.presets import build, initialise
from radparity.predict import predict_section
from radparity.slab import Breast, digest_of
from radparity.train import state
from radparity.train.checks import check, faint_channels
from radparity.train.feed import Feed
from radparity.train.interrupt import Interrupted, stop_signals
from radparity.train.loss import soft_dice_loss
from radparity.train.patches import Minibatch
from radparity.train.sampling import Key, seed_of
from radparity.train.settings import Result, Settings
from radparity.train.speed import Meter, flops_per_patch, peak_flops

ENOUGH_CASES = 10
"""Malignant validation cases from which the best weights are chosen; the Dice of fewer is too noisy to choose by."""
Report = Callable[[dict[str, Any]], None]


@dataclass
class _Progress:
    """What changes during a training, besides network and optimizer."""

    step: int = 0
    losses: list[float] = field(default_factory=list)
    curve: list[dict[str, Any]] = field(default_factory=list)
    best_score: float = -1.0
    best_step: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    machines: list[str] = field(default_factory=list)


class OutOfMemory(RuntimeError):
    """A step did not fit. What was saved before it stands, and a run with the same settings resumes from there."""


def train_fold(
    training: Sequence[Breast],
    validation: Sequence[Breast],
    settings: Settings,
    key: tuple[int, str, int | str],
    state_folder: Path,
    threads: int = 1,
    device: str = "cpu",
    report: Report = lambda event: None,
    report_seconds: float = 5.0,
    save_seconds: float = 60.0,
) -> Result:
    """Train one network from the newest intact state in `state_folder`, or from the start.

    `key` is (study seed, arm, fold). The result is a function of breasts, settings and key, on one kind of machine
    with one number of threads. `report` is called about every `report_seconds` with step, steps, loss and the figures
    of `speed.Meter`; also on resuming, validating, and with warnings. SIGTERM and SIGUSR1 save the state and raise
    Interrupted; the former handlers are put back in any case. The state folder stays: the caller removes it
    (`state.clear`) when the weights are safely written.
    Raises ValueError for breasts that cannot be trained on and for a patient in both sets, FloatingPointError for a
    loss that is not finite, OutOfMemory where a step does not fit.
    """
    key = Key(*key)
    check(training, validation, settings)
    configuration = configuration_digest(training, validation, settings, key)

    def warn(text: str) -> None:
        report({"event": "warning", "text": text})

    for sentence in faint_channels(training, settings):
        warn(sentence)
    cases = [breast for breast in validation if breast.malignant]
    progress = _Progress()
    with reproducible(threads), stop_signals() as received, _memory_told(settings, progress):
        network = build(settings.architecture, settings.batch_norm_momentum)
        initialise(network, seed_of(*key, "weights"))
        network = on_device(network, device)
        optimizer = make_optimizer(network, settings)
        _resume(progress, network, optimizer, state_folder, configuration, warn)
        if progress.step:
            report({"event": "resumed", "step": progress.step, "steps": settings.steps})
        _note_machine(progress, describe(threads, device), warn)
        feed = Feed(training, key, settings.plan, settings.minibatch, settings.architecture, device)
        meter = Meter(flops_per_patch(settings.architecture, settings.patch), settings.minibatch, peak_flops(device))

        def save() -> None:
            content = {
                "network": network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "progress": asdict(progress),
            }
            state.save(state_folder, configuration, progress.step, content)

        running: Tensor | None = None
        saved = time.monotonic()
        for minibatch in meter.watch(feed.minibatches(progress.step, settings.steps)):
            loss = train_step(network, optimizer, minibatch, settings, progress.step)
            # The loss of the step before is read while this one computes, so that a GPU need not wait for the host.
            _collect(progress, running)
            running = loss
            progress.step += 1
            meter.steps += 1
            now, last = time.monotonic(), progress.step == settings.steps
            validates = last or progress.step % settings.validate_every == 0
            reports = now - meter.began >= report_seconds
            saves = bool(received) or last or now - saved >= save_seconds
            if not (validates or reports or saves):
                continue
            _collect(progress, running)
            running = None
            if reports:
                report({"event": "step", "step": progress.step, "steps": settings.steps, "loss": progress.losses[-1],
                        **meter.read()})  # fmt: skip
            if validates:
                _validate(network, cases, settings, progress, device, threads)
                report({"event": "validated", **progress.curve[-1]})
            if saves:
                save()
                saved = time.monotonic()
            if received and not last:
                raise Interrupted(128 + received[0])
            if reports or validates:
                meter.restart()
        return _result(network, progress, enough=len(cases) >= ENOUGH_CASES)


def configuration_digest(training: Sequence[Breast], validation: Sequence[Breast], settings: Settings, key: Key) -> str:
    """A digest of everything the result depends on: key, settings, and the content of every breast in order."""
    sets = [[breast.digest for breast in breasts] for breasts in (training, validation)]
    return digest_of([list(key), asdict(settings), sets])


def learning_rate(settings: Settings, step: int) -> float:
    """The rate of a step, counted from 0; `cosine` falls along half a wave and would be zero after the last one."""
    if settings.schedule == "constant":
        return settings.learning_rate
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * step / settings.steps))


def make_optimizer(network: Network, settings: Settings) -> torch.optim.Adam:
    """Adam as in the authors' code; fused, all weights in one call: the same bits on every run, and faster."""
    return torch.optim.Adam(network.parameters(), settings.learning_rate, betas=(0.9, 0.999), eps=1e-7, fused=True)


def train_step(
    network: Network, optimizer: torch.optim.Optimizer, minibatch: Minibatch, settings: Settings, step: int
) -> Tensor:
    """One step of the optimizer; returns the loss, not yet waited for.

    bfloat16 has the range of float32, so its gradients need no scaling; weights, batch norm's statistics and the loss
    stay float32.
    """
    network.train()
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(settings, step)
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast(minibatch.volume.device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
        logits = network(minibatch.volume, minibatch.coordinates)
    loss = soft_dice_loss(logits, minibatch.tumour, per_sample=settings.loss == "sample_dice")
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.detach()


@contextmanager
def _memory_told(settings: Settings, progress: _Progress) -> Iterator[None]:
    """Memory that does not suffice, for a minibatch, a step or a validation, is told in one line."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and "can't allocate memory" not in str(error):
            raise
        raise OutOfMemory(
            f"out of memory at step {progress.step + 1}: minibatch {settings.minibatch} of patches"
            f" {list(settings.patch)} with {settings.architecture.preset} of width {settings.architecture.width}. Write"
            " a smaller minibatch or patch, or precision: bfloat16, or ask the scheduler for more memory; what was"
            " saved stands"
        ) from error


def _collect(progress: _Progress, loss: Tensor | None) -> None:
    """Read a loss; before it is saved, a value that is not finite ends the training."""
    if loss is None:
        return
    value = loss.item()
    if not math.isfinite(value):
        raise FloatingPointError(f"the loss is {value}; lower the learning rate or look for damaged channels")
    progress.losses.append(value)


def _resume(
    progress: _Progress,
    network: Network,
    optimizer: torch.optim.Optimizer,
    folder: Path,
    configuration: str,
    warn: Callable[[str], None],
) -> None:
    """Bring all three to the newest intact state, where there is one."""
    found = state.load(folder, configuration, warn)
    if found is not None:
        _, content = found
        network.load_state_dict(content["network"])
        optimizer.load_state_dict(content["optimizer"])
        vars(progress).update(content["progress"])


def _note_machine(progress: _Progress, machine: str, warn: Callable[[str], None]) -> None:
    if machine not in progress.machines:
        progress.machines.append(machine)
        if len(progress.machines) > 1:
            warn(f"resumed on another kind of machine: {progress.machines}")


def _validate(
    network: Network, cases: Sequence[Breast], settings: Settings, progress: _Progress, device: str, threads: int
) -> None:
    """Add a row to the curve, and keep the weights if they are the best so far."""
    scores = [section_dice(network, breast, device, threads, settings.precision) for breast in cases]
    tumour, background = (float(n) for n in np.mean(scores, axis=0)) if scores else (None, None)
    progress.curve.append(
        {
            "step": progress.step,
            "loss": float(np.mean(progress.losses)),
            "validation_dice": tumour,
            "validation_background_dice": background,
            "validation_cases": len(scores),
            "learning_rate": learning_rate(settings, progress.step - 1),
        }
    )
    progress.losses = []
    if tumour is None or background is None:
        return
    score = tumour if settings.selected_by == "tumour" else (tumour + background) / 2
    if score > progress.best_score:
        progress.best_score, progress.best_step = score, progress.step
        progress.best_weights = _copy(network)


def section_dice(
    network: Network, breast: Breast, device: str = "cpu", threads: int = 1, precision: str = "float32"
) -> tuple[float, float]:
    """Dice of tumour (probability over 0.5) and of background, in the labelled section of a malignant breast."""
    channels, mask = breast.slab(network.geometry.sections)
    predicted = predict_section(
        [(network, breast.prepare)],
        channels,
        mask,
        breast.section,
        breast.shape[0],
        device=device,
        threads=threads,
        precision=precision,
    )
    found, outline = predicted.probability > 0.5, breast.outline
    tumour = 2 * float((found & outline).sum()) / float(found.sum() + outline.sum())
    empty = ~(found | outline)
    return tumour, 2 * float(empty.sum()) / max(1.0, float((~found).sum() + (~outline).sum()))


def _copy(network: Network) -> dict[str, Tensor]:
    return {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in network.state_dict().items()
    }


def _result(network: Network, progress: _Progress, enough: bool) -> Result:
    last = _copy(network)
    weights, step = (progress.best_weights, progress.best_step) if enough else (last, progress.step)
    return Result(weights, last, "best" if enough else "last", step, progress.step, progress.curve, progress.machines)
