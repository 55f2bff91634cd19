"""nnU-Net's training of one fold: its trainer as it is, with seeds, a budget and checkpoints that survive a crash."""

from __future__ import annotations

import json
import math
import os
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

from radparity.train.sampling import seed_of

Key = tuple[int | str, ...]


@dataclass(frozen=True)
class Settings:
    """How long nnU-Net trains; the rest is its own choice.

    epochs: of `iterations` steps and `validation_iterations` patches looked at. minutes: instead of epochs, as many as
    fit. workers: processes that augment,
    0 for the training's own.
    """

    configuration: str = "3d_fullres"
    epochs: int = 1000
    minutes: float | None = None
    iterations: int = 250
    validation_iterations: int = 50
    workers: int = 0


@dataclass(frozen=True)
class Result:
    """The network at the end of the training, one row an epoch of its curve, and the axes it was mirrored along."""

    weights: dict[str, torch.Tensor]
    curve: list[dict[str, float]]
    mirroring: tuple[int, ...]
    epochs: int


class SeededTrainer(nnUNetTrainer):  # type: ignore[misc]
    """nnU-Net's trainer, which seeds nothing: here each epoch has its own seed, so that a resumed training draws what
    an uninterrupted one would."""

    key: Key = ()

    def seed(self, *names: int | str) -> None:
        """Seed every generator that nnU-Net and its augmentation draw from."""
        number = seed_of(*self.key, *names)
        random.seed(number)
        np.random.seed(number % 2**32)
        torch.manual_seed(number)

    def on_epoch_start(self) -> None:
        """As nnU-Net, from this epoch's seed."""
        self.seed("epoch", self.current_epoch)
        super().on_epoch_start()

    def save_checkpoint(self, filename: str) -> None:
        """As nnU-Net, but whole or not at all. The best epoch is not kept: nothing is chosen by validation."""
        if not filename.endswith("checkpoint_best.pth"):
            super().save_checkpoint(f"{filename}.partial")
            os.replace(f"{filename}.partial", filename)

    def plot_network_architecture(self) -> None:
        """Nobody looks at it."""


def train(
    plans: dict[str, Any], dataset: dict[str, Any], settings: Settings, key: Key, folder: Path, device: str
) -> Result:
    """Train the first fold of a prepared dataset, or go on where an interrupted call ended.

    `key` is what the randomness depends on; folder: the one given to `set_environment`.
    """
    # Only here: the planner takes the same variable for a number of threads, and 0 is none.
    os.environ["nnUNet_n_proc_DA"] = str(settings.workers)
    if settings.minutes is None:
        epochs = settings.epochs
    else:
        epochs = _epochs_that_fit(plans, dataset, settings, key, folder, device)
    trainer = _trainer(plans, dataset, settings, key, device)
    trainer.num_epochs = epochs
    output = Path(trainer.output_folder)
    trainer.seed("network")
    trainer.initialize()
    for name in ("checkpoint_final.pth", "checkpoint_latest.pth"):
        if (output / name).is_file():
            trainer.load_checkpoint(str(output / name))
            break
    if trainer.current_epoch < epochs:
        trainer.run_training()
    logged = trainer.logger.local_logger.my_fantastic_logging
    columns = {"training_loss": "train_losses", "validation_loss": "val_losses", "validation_dice": "mean_fg_dice"}
    curve = [
        {"epoch": epoch + 1} | {name: float(logged[own][epoch]) for name, own in columns.items()}
        for epoch in range(epochs)
    ]
    mirroring = tuple(int(axis) for axis in trainer.inference_allowed_mirroring_axes or ())
    weights = {name: value.detach().cpu() for name, value in trainer.network.state_dict().items()}
    return Result(weights, curve, mirroring, epochs)


def _trainer(
    plans: dict[str, Any], dataset: dict[str, Any], settings: Settings, key: Key, device: str
) -> SeededTrainer:
    trainer = SeededTrainer(
        dict(plans) | {"continue_training": False}, settings.configuration, 0, dataset, torch.device(device)
    )
    trainer.key = key
    trainer.num_iterations_per_epoch = settings.iterations
    trainer.num_val_iterations_per_epoch = settings.validation_iterations
    trainer.save_every = 1
    trainer.logger.plot_progress_png = lambda folder: None
    return trainer


def _epochs_that_fit(
    plans: dict[str, Any], dataset: dict[str, Any], settings: Settings, key: Key, folder: Path, device: str
) -> int:
    """Epochs for the minutes, from the time of some steps of a trainer that is thrown away; kept for a resumption."""
    kept = folder / "epochs.json"
    if not kept.exists():
        trainer = _trainer(plans, dataset, settings, key, device)
        trainer.on_train_start()
        trainer.on_train_epoch_start()
        trainer.train_step(next(trainer.dataloader_train))
        steps = min(10, settings.iterations)
        started = time.monotonic()
        for _ in range(steps):
            trainer.train_step(next(trainer.dataloader_train))
        step = (time.monotonic() - started) / steps
        # A look at a validation patch costs about a third of a step: forward without backward.
        epoch = step * (settings.iterations + settings.validation_iterations / 3)
        kept.write_text(json.dumps(max(1, math.floor(60 * (settings.minutes or 0) / epoch))))
    return int(json.loads(kept.read_text()))
