"""The weights file: what comes back, and one clear line for each way it can be wrong."""

from __future__ import annotations

import io
import json

import pytest
import torch

from radparity.networks.presets import PRESETS, Architecture, build, initialise
from radparity.scaling import Scaling
from radparity.train.weights import About, load, to_bytes

CHANNELS = ("t1c", "dce_in", "dce_out")


def about(preset: str = "paper", width: int = 2, channels: int = 3) -> About:
    scaling = Scaling("pre_p95", "difference", CHANNELS[:channels], (1.0, 2.0, 3.0)[:channels])
    return About(Architecture.of(preset, channels, width), scaling, ("A", "B"), ("C",))


def changed(data: bytes, **facts: object) -> bytes:
    """The file with other facts, and the same numbers."""
    content = torch.load(io.BytesIO(data), weights_only=True)
    content["about"] = json.dumps(json.loads(content["about"]) | facts)
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_what_was_saved_comes_back(preset: str) -> None:
    known = about(preset)
    network = build(known.architecture)
    initialise(network, 1)
    data = to_bytes(network.state_dict(), known)
    found, facts = load(data)
    assert facts == known
    assert not found.training
    for name, value in network.state_dict().items():
        assert torch.equal(found.state_dict()[name], value), name
    assert to_bytes(found.state_dict(), facts) == data


def test_a_file_that_cannot_be_used_says_why_in_one_line() -> None:
    known = about()
    data = to_bytes(build(known.architecture).state_dict(), known)
    wider = vars(Architecture.of("paper", 3, 3))
    fewer = vars(Architecture.of("paper", 2, 2))
    for broken, words in (
        (data[: len(data) // 2], "damaged"),
        (b"no weights", "damaged"),
        (changed(data, architecture=wider), "another architecture than paper of width 3"),
        (changed(data, architecture=vars(Architecture.of("unet2d", 3, 2))), "another architecture than unet2d"),
        (changed(data, architecture=fewer), "takes 2 channels, but 3 are scaled"),
    ):
        with pytest.raises(ValueError, match=words) as caught:
            load(broken)
        assert "\n" not in str(caught.value)
        assert "train the fold again" in str(caught.value)


def test_weights_of_another_network_are_not_saved() -> None:
    with pytest.raises(ValueError, match="another architecture"):
        to_bytes(build(Architecture.of("paper", 3, 3)).state_dict(), about())
