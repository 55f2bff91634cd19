"""Weights without the names of the breasts that they were trained on."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path


def stripped(path: Path) -> bytes:
    """A fold's weights file without case lists. Raises ValueError where the file holds no weights."""
    from radparity.train import weights

    network, about = weights.load(path)
    nameless = replace(
        about, scaling=replace(about.scaling, breasts=()), training=(), validation=(), training_record={}
    )
    return weights.to_bytes(network.state_dict(), nameless)


def stripped_mask(path: Path) -> bytes:
    """A mask network's file without case lists."""
    from radparity.train import mask_weights

    network, _ = mask_weights.load(path)
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch, "weights.pt")
        mask_weights.save(made, network.state_dict(), mask_weights.MaskAbout(()))
        return made.read_bytes()
