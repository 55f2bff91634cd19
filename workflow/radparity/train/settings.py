"""How a network is trained, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from radparity.networks.presets import PRESETS


@dataclass(frozen=True)
class Settings:
    """How a network is trained. The defaults are those of Hirsch et al. 2022 and its code; the steps have none.

    `patch` is the input (section, anterior, superior), 19 sections; `batch_norm_momentum` is torch's, the default
    Keras' 0.99: a training of a few hundred steps needs about 0.1, or the moving statistics still hold their
    initial values at its end.
    """

    preset: str
    steps: int
    channels: tuple[str, ...] = ("t1c", "dce_in", "dce_out")
    width: int | None = None
    minibatch: int = 16
    patch: tuple[int, int, int] = (19, 75, 75)
    learning_rate: float = 1e-5
    malignant_share: float = 0.25
    flip_share: float = 0.5
    loss: Literal["minibatch_dice", "sample_dice"] = "minibatch_dice"
    validate_every: int = 100
    batch_norm_momentum: float = 0.01

    def base_width(self) -> int:
        """The width in use: the given one or the preset's."""
        return PRESETS[self.preset].base_width if self.width is None else self.width


@dataclass(frozen=True)
class Result:
    """Trained weights and how they came about.

    `selected` is "best" (highest validation Dice) or "last" (fewer than 10 malignant validation cases). `curve` has
    a row per validation: step, mean loss since the row before, mean tumour Dice of the malignant validation cases
    (None without any) and their number. `machines` lists the kinds of machine that took part; with more than one,
    the bits may differ from an uninterrupted run's.
    """

    weights: dict[str, Tensor]
    selected: Literal["best", "last"]
    selected_step: int
    steps: int
    curve: list[dict[str, Any]]
    machines: list[str]
