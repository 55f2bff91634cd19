"""The file of trained weights: what the network is, what it expects, and its numbers.

Equal content gives equal bytes, so that a digest of the file is a digest of the training.
"""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from radparity.networks.presets import build
from radparity.networks.unet3d import UNet3d
from radparity.scaling import Scaling


@dataclass(frozen=True)
class About:
    """What must be known to use a set of weights.

    `scaling` names the image channels in order and makes network input of them; `training` and `validation` list
    the ids of the breasts, so that it can be shown later that no test case was among them. `training_record` takes
    further plain facts.
    """

    preset: str
    width: int
    scaling: Scaling
    training: tuple[str, ...]
    validation: tuple[str, ...] = ()
    training_record: dict[str, Any] = field(default_factory=dict)


def to_bytes(weights: dict[str, Tensor], about: About) -> bytes:
    """The weights file as bytes. Raises ValueError where `about` does not describe these weights."""
    build(about.preset, about.width, len(about.scaling.channels)).load_state_dict(weights)
    # Names and facts are rebuilt from text: pickle writes equal objects differently when one of them is shared.
    content = {
        "about": json.dumps(asdict(about), sort_keys=True),
        "weights": {"".join(name): weights[name].detach().cpu().contiguous().clone() for name in sorted(weights)},
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def save(path: Path, weights: dict[str, Tensor], about: About) -> None:
    """Write the weights file; `path` should be a temporary one that is renamed when the job has succeeded."""
    path.write_bytes(to_bytes(weights, about))


def load(source: Path | bytes) -> tuple[UNet3d, About]:
    """The network in evaluation mode, on the CPU, and what it is. Raises ValueError for a file of another kind."""
    data = source if isinstance(source, bytes) else source.read_bytes()
    name = "these bytes" if isinstance(source, bytes) else str(source)
    try:
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        facts = json.loads(content["about"])
        lists = {key: tuple(value) for key, value in facts.items() if isinstance(value, list)}
        about = About(**facts | lists | {"scaling": Scaling.from_json(facts["scaling"])})
    except Exception as error:
        raise ValueError(f"{name} are no radparity weights, or damaged ({error}); train the fold again") from error
    network = build(about.preset, about.width, len(about.scaling.channels))
    network.load_state_dict(content["weights"])
    return network.eval(), about
