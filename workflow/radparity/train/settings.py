"""How a network is trained, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from radparity.networks.presets import Architecture
from radparity.slab import Sampling
from radparity.train.sampling import Plan


@dataclass(frozen=True)
class Settings:
    """How a network is trained. The defaults are those of Hirsch et al. 2022 and its code; the steps have none.

    `channels` names the image channels in order. `patch` is the input (section, anterior, superior), of as many
    sections as give one section of output. `batch_norm_momentum` is torch's, the default Keras' 0.99: a training of a
    few hundred steps needs about 0.1, or the moving statistics still hold their initial values at its end.
    """

    architecture: Architecture
    steps: int
    channels: tuple[str, ...] = ("t1c", "dce_in", "dce_out")
    minibatch: int = 16
    patch: tuple[int, int, int] = (19, 75, 75)
    sampling: Sampling = "paper"
    learning_rate: float = 1e-5
    schedule: Literal["constant", "cosine"] = "constant"
    malignant_share: float = 0.25
    flip_share: float = 0.5
    loss: Literal["minibatch_dice", "sample_dice"] = "minibatch_dice"
    validate_every: int = 100
    selected_by: Literal["tumour", "both"] = "tumour"
    batch_norm_momentum: float = 0.01
    precision: Literal["float32", "bfloat16"] = "float32"

    @property
    def plan(self) -> Plan:
        """How patches are drawn."""
        return Plan(self.patch, self.malignant_share, self.flip_share, self.sampling)


@dataclass(frozen=True)
class Result:
    """Trained weights and how they came about.

    `selected` is "best" (highest validation score) or "last" (fewer than 10 malignant validation cases); `weights` are
    the selected ones, `last` those of the last step. `curve` has a row per validation: step, mean loss since the row
    before, mean Dice of tumour and of background over the malignant validation cases (None without any), their number,
    and the learning rate. `machines` lists the kinds of machine that took part; with more than one, the bits may differ
    from an uninterrupted run's.
    """

    weights: dict[str, Tensor]
    last: dict[str, Tensor]
    selected: Literal["best", "last"]
    selected_step: int
    steps: int
    curve: list[dict[str, Any]]
    machines: list[str]
