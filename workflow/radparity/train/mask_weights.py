"""The file of a trained mask network: its numbers and what made them. Equal content gives equal bytes."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from radparity.networks.mask_unet import MaskUNet

KIND = "breast mask network"


@dataclass(frozen=True)
class MaskAbout:
    """`training` and `validation` list the breasts whose masks were used; `record` takes further plain facts."""

    training: tuple[str, ...]
    validation: tuple[str, ...] = ()
    record: dict[str, Any] = field(default_factory=dict)


def save(path: Path, weights: dict[str, Tensor], about: MaskAbout) -> None:
    """Write the weights file; `path` should be a temporary one that is renamed when the job has succeeded."""
    MaskUNet().load_state_dict(weights)
    content = {
        "kind": KIND,
        "about": json.dumps(asdict(about), sort_keys=True),
        # Names are rebuilt from text: pickle writes equal objects differently when one of them is shared.
        "weights": {"".join(name): weights[name].detach().cpu().contiguous().clone() for name in sorted(weights)},
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    path.write_bytes(buffer.getvalue())


def load(path: Path) -> tuple[MaskUNet, MaskAbout]:
    """The network in evaluation mode, on the CPU, and what it is. Raises ValueError for a file of another kind."""
    try:
        content = torch.load(io.BytesIO(path.read_bytes()), map_location="cpu", weights_only=True)
        if content["kind"] != KIND:
            raise KeyError(f"its kind is {content['kind']}")
        facts = json.loads(content["about"])
        network = MaskUNet()
        network.load_state_dict(content["weights"])
    except Exception as error:
        raise ValueError(
            f"{path} holds no weights of the mask network, or is damaged ({error}). Name another file under"
            " mask: weights, or leave that line out and give masks to train on"
        ) from error
    about = MaskAbout(tuple(facts["training"]), tuple(facts["validation"]), facts["record"])
    return network.eval(), about
