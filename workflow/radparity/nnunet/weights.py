"""The weights file of an nnU-Net: network, plans, and what it was trained on."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch


@dataclass(frozen=True)
class About:
    """What must be known to use a network: its plans and dataset.json (without the cases), the channels' names in
    order, and the breasts that it saw."""

    configuration: str
    plans: dict[str, Any]
    dataset: dict[str, Any]
    channels: tuple[str, ...]
    mirroring: tuple[int, ...]
    training: tuple[str, ...]
    validation: tuple[str, ...]


def save(path: Path, weights: dict[str, torch.Tensor], about: About) -> None:
    """Write the file; the same network gives the same bytes."""
    tensors = {"".join(name): weights[name].contiguous().clone() for name in weights}
    buffer = io.BytesIO()
    torch.save({"about": json.dumps(asdict(about), sort_keys=True), "weights": tensors}, buffer)
    path.write_bytes(buffer.getvalue())


def load(path: Path) -> tuple[dict[str, torch.Tensor], About]:
    """Tensors by name, and what they are."""
    content = torch.load(path, map_location="cpu", weights_only=True)
    facts: dict[str, Any] = json.loads(content["about"])
    lists = {key: tuple(value) for key, value in facts.items() if isinstance(value, list)}
    return content["weights"], About(**facts | lists)
