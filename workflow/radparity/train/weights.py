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

from radparity.networks.network import Network
from radparity.networks.presets import Architecture, build
from radparity.scaling import Scaling


@dataclass(frozen=True)
class About:
    """What must be known to use a set of weights.

    `scaling` names the image channels in order and makes network input of them; `training` and `validation` list
    the ids of the breasts, so that it can be shown later that no test case was among them. `training_record` takes
    further plain facts.
    """

    architecture: Architecture
    scaling: Scaling
    training: tuple[str, ...]
    validation: tuple[str, ...] = ()
    training_record: dict[str, Any] = field(default_factory=dict)


def to_bytes(weights: dict[str, Tensor], about: About) -> bytes:
    """The weights file as bytes. Raises ValueError where `about` does not describe these weights."""
    _filled(about, weights, "these weights")
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


def load(source: Path | bytes) -> tuple[Network, About]:
    """The network in evaluation mode, on the CPU, and what it is.

    Raises ValueError, in one line, for a damaged file or one of another kind, for weights of another architecture than
    the file names, and for another number of channels than it scales.
    """
    data = source if isinstance(source, bytes) else source.read_bytes()
    name = "these bytes" if isinstance(source, bytes) else str(source)
    try:
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        facts = json.loads(content["about"])
        lists = {key: tuple(value) for key, value in facts.items() if isinstance(value, list)}
        made = {
            "architecture": Architecture(**facts["architecture"]),
            "scaling": Scaling.from_json(facts["scaling"]),
        }
        about, weights = About(**facts | lists | made), dict(content["weights"])
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{name} are no radparity weights, or damaged ({reason}); train the fold again") from error
    return _filled(about, weights, name).eval(), about


def _filled(about: About, weights: dict[str, Tensor], name: str) -> Network:
    """The network that `about` describes, with these weights."""
    architecture, channels = about.architecture, about.scaling.channels
    if architecture.channels != len(channels):
        raise ValueError(
            f"{name}: the network takes {architecture.channels} channels, but {len(channels)} are scaled for it"
            f" ({', '.join(channels)}); train the fold again"
        )
    network = build(architecture)
    expected = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in weights.items()}
    strange = sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
    if strange:
        key = strange[0]
        raise ValueError(
            f"{name}: weights of another architecture than {architecture.preset} of width {architecture.width}"
            f" ({len(strange)} arrays differ, the first {key}: {found.get(key, 'missing')} instead of"
            f" {expected.get(key, 'nothing')}); train the fold again"
        )
    network.load_state_dict(weights)
    return network
