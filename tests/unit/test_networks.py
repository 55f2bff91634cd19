"""The network against the published layer table, parameter counts and the frozen transposed convolution."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from radparity.networks.presets import build, count_parameters, initialise
from radparity.networks.resample import average_down, average_down_in_slices, linear_up
from radparity.networks.unet3d import UNet3d, output_size

LAYER_TABLE = [
    ("encode0", 2, (15, 71, 71)),
    ("encode1", 4, (7, 31, 31)),
    ("encode2", 8, (3, 15, 15)),
    ("encode3", 16, (1, 7, 7)),
    ("decode2", 8, (1, 13, 13)),
    ("decode1", 4, (1, 21, 21)),
    ("decode0", 2, (1, 37, 37)),
]
BLOCK_INPUTS = {
    "encode0": (4, (19, 75, 75)),
    "encode1": (2, (7, 35, 35)),
    "encode2": (4, (3, 15, 15)),
    "encode3": (8, (1, 7, 7)),
    "decode2": (16 + 8, (1, 13, 13)),
    "decode1": (8 + 4, (1, 25, 25)),
    "decode0": (4 + 2, (1, 41, 41)),
}


@pytest.mark.parametrize("preset", ["paper", "released"])
def test_every_row_of_the_layer_table(preset: str) -> None:
    width = 2
    network = build(preset, width=width)
    seen: dict[str, tuple[torch.Size, torch.Size]] = {}
    for name, block in network.named_children():
        block.register_forward_hook(
            lambda _, inputs, output, name=name: seen.update({name: (inputs[0].shape, output.shape)})
        )
    prior = preset == "paper"
    volume = torch.randn(2, 3 + prior, 19, 75, 75)
    coordinates = torch.rand(2, 3, 1, 37, 37) if prior else None
    assert network(volume, coordinates).shape == (2, 2, 1, 37, 37)
    for name, multiple, size in LAYER_TABLE:
        channels, input_size = BLOCK_INPUTS[name]
        channels = 3 + prior if name == "encode0" else channels * width
        assert seen[name] == ((2, channels, *input_size), (2, multiple * width, *size)), name
    if prior:
        assert seen["merge"] == ((2, 2 * width + 4, 1, 37, 37), (2, 4 * width, 1, 37, 37))


@pytest.mark.parametrize(
    ("preset", "width", "parameters"),
    [
        ("released", 16, 357_634),
        ("released", None, 1_420_802),
        ("released", 46, 2_929_834),
        ("released", 47, 3_058_292),
        ("released", 64, 5_663_746),
        ("released", 128, 22_616_066),
        ("paper", 32, 1_430_626),
        ("paper", 46, 2_949_108),
        ("paper", None, 3_078_361),
    ],
)
def test_parameter_counts(preset: str, width: int | None, parameters: int) -> None:
    assert count_parameters(build(preset, width)) == parameters


@pytest.mark.parametrize(("preset", "layers"), [("paper", 16), ("released", 15)])
def test_convolution_layers_and_batch_norm(preset: str, layers: int) -> None:
    network = build(preset, width=4)
    convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv3d)]
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm3d)]
    assert (len(convolutions), len(norms)) == (layers, 14)
    assert all((norm.eps, norm.momentum) == (1e-3, 0.01) for norm in norms)
    # Batch-norm moving statistics of the published table: 146 x base width numbers.
    assert sum(norm.running_mean.numel() + norm.running_var.numel() for norm in norms) == 146 * 4


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((19, 43, 43), (1, 5, 5)),
        ((19, 75, 75), (1, 37, 37)),
        ((27, 75, 75), (9, 37, 37)),
        ((27, 99, 99), (9, 61, 61)),
        ((19, 107, 107), (1, 69, 69)),
        ((19, 43, 59), (1, 5, 21)),
    ],
)
def test_legal_inputs(size: tuple[int, int, int], expected: tuple[int, int, int]) -> None:
    assert output_size(size) == expected
    with torch.inference_mode():
        assert build("released", width=1)(torch.zeros(1, 3, *size)).shape == (1, 2, *expected)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((18, 75, 75), "section axis.*use 19 instead of 18"),
        ((19, 76, 75), "anterior axis.*use 75 or 83 instead of 76"),
        ((19, 75, 35), "superior axis.*use 43 instead of 35"),
    ],
)
def test_illegal_inputs_are_refused_with_the_nearest_legal_size(size: tuple[int, int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build("released", width=1)(torch.zeros(1, 3, *size))


def test_wrong_channels_coordinates_or_name_are_refused() -> None:
    with pytest.raises(ValueError, match="takes 4 with the mask"):
        build("paper", 1)(torch.zeros(1, 3, 19, 43, 43), torch.zeros(1, 3, 1, 5, 5))
    with pytest.raises(ValueError, match="coordinates"):
        build("paper", 1)(torch.zeros(1, 4, 19, 43, 43))
    with pytest.raises(ValueError, match="write one of: paper, released"):
        build("papers")


def test_upsampling_is_the_frozen_transposed_convolution_and_trilinear_interpolation() -> None:
    volume = torch.randn(2, 3, 4, 5, 1, dtype=torch.float64)
    line = torch.tensor([0.5, 1, 0.5], dtype=torch.float64)
    kernel = torch.einsum("i,j,k->ijk", line, line, line).expand(3, 1, 3, 3, 3)
    transposed = functional.conv_transpose3d(volume, kernel, stride=2, groups=3)[:, :, 1:-1, 1:-1, 1:-1]
    trilinear = functional.interpolate(volume, size=(7, 9, 1), mode="trilinear", align_corners=True)
    torch.testing.assert_close(linear_up(volume), transposed)
    torch.testing.assert_close(linear_up(volume), trilinear)


@pytest.mark.parametrize("size", [(7, 9, 11), (8, 10, 3)])
def test_average_down_in_slices_is_average_down(size: tuple[int, int, int]) -> None:
    volume = torch.randn(2, 3, *size, dtype=torch.float64, requires_grad=True)
    by_kernel, by_slices = average_down(volume), average_down_in_slices(volume)
    torch.testing.assert_close(by_slices, by_kernel)
    weights = torch.randn_like(by_kernel)
    torch.testing.assert_close(
        torch.autograd.grad((by_slices * weights).sum(), volume)[0],
        torch.autograd.grad((by_kernel * weights).sum(), volume)[0],
    )


def test_output_follows_input_by_multiples_of_the_period_only() -> None:
    network = build("released", width=2, batch_norm_momentum=1.0).double()
    initialise(network, 0)
    volume = torch.randn(1, 3, 27, 75, 75, dtype=torch.float64)
    with torch.inference_mode():
        # One pass in training sets the batch-norm statistics, so that the deep levels count as in a trained network.
        network(volume)
        network.eval()
        whole = network(volume)
        shifted = network(volume[:, :, 8:, 8:, 16:])
        off_grid = network(torch.roll(volume, -4, dims=3))[:, :, :, :20]
    torch.testing.assert_close(shifted, whole[:, :, 8:, 8:, 16:])
    assert (off_grid - whole[:, :, :, 4:24]).abs().max() > 0.05


def test_mask_and_coordinates_reach_the_output() -> None:
    network = build("paper", width=2).eval()
    initialise(network, 0)
    volume, coordinates = torch.randn(1, 4, 19, 43, 43), torch.rand(1, 3, 1, 5, 5)
    with torch.inference_mode():
        before = network(volume, coordinates)
        moved = coordinates.clone()
        moved[0, 1, 0, 2, 3] += 0.5
        # A coordinate belongs to its own output voxel and to no other.
        changed = (network(volume, moved) - before).abs().sum(dim=1)[0, 0] > 1e-6
        assert np.argwhere(changed.numpy()).tolist() == [[2, 3]]
        # So does the central crop of the mask, once the encoder's view of the mask is taken away.
        network.encode0[0].weight[:, -1] = 0
        before = network(volume, coordinates)
        volume[0, -1, 9, 19 + 1, 19 + 4] += 1
        changed = (network(volume, coordinates) - before).abs().sum(dim=1)[0, 0] > 1e-6
        assert np.argwhere(changed.numpy()).tolist() == [[1, 4]]


def test_initial_weights_are_glorot_uniform_and_a_function_of_the_seed() -> None:
    network, again, other = (build("released", width=8) for _ in range(3))
    torch.manual_seed(5)
    for each, seed in ((network, 1), (again, 1), (other, 2)):
        initialise(each, seed)
    for (name, weight), (_, same) in zip(network.state_dict().items(), again.state_dict().items(), strict=True):
        assert torch.equal(weight, same), name
    assert not torch.equal(network.encode1[0].weight, other.encode1[0].weight)
    kernel = network.encode1[0].weight  # 16 -> 16 channels, 1 x 3 x 3
    limit = (6 / (16 * 9 + 16 * 9)) ** 0.5
    assert kernel.abs().max() <= limit
    assert float(kernel.detach().std()) == pytest.approx(limit / 3**0.5, rel=0.05)
    assert not network.encode1[0].bias.any()


def test_gradients_reach_every_parameter() -> None:
    network: UNet3d = build("paper", width=2)
    network(torch.randn(2, 4, 19, 43, 43), torch.rand(2, 3, 1, 5, 5)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in network.parameters())
