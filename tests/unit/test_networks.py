"""The networks against the published layer tables, parameter counts and the frozen transposed convolution."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from radparity.networks.geometry import GEOMETRIES
from radparity.networks.inference import for_inference
from radparity.networks.network import Network
from radparity.networks.presets import PRESETS, Architecture, count_parameters, initialise
from radparity.networks.presets import build as build_architecture
from radparity.networks.resample import average_down, average_down_in_slices, linear_up

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


def build(
    preset: str,
    width: int | None = None,
    channels: int = 3,
    mask_prior: bool | None = None,
    coordinates: bool | None = None,
    batch_norm_momentum: float = 0.01,
) -> Network:
    architecture = Architecture.of(preset, channels, width, mask_prior, coordinates)
    return build_architecture(architecture, batch_norm_momentum)


def inputs(network: Network, size: tuple[int, int, int], batch: int = 1) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Noise of the shape that the network takes, the mask of 0 and 1."""
    volume = torch.randn(batch, network.in_channels + network.mask_prior, *size)
    volume[:, network.in_channels :] = (volume[:, network.in_channels :] > 0).float()
    place = torch.rand(batch, 3, *network.geometry.output(size)) if network.coordinates else None
    return volume, place


def trained(network: Network) -> Network:
    """With batch-norm statistics of noise, so that all levels count, and logits of about 1."""
    initialise(network, 3)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm3d):
            layer.momentum = None
    size = network.geometry.covering((9, 20, 20))
    with torch.no_grad():
        network.train()(*inputs(network, size, 2))
        logits = network.eval()(*inputs(network, size, 2))
        network.classify.weight /= logits.std()
        network.classify.bias /= logits.std()
    return network


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
        ("deepmedic", None, 895_932),
        ("unet2d", None, 791_618),
        ("unet2d", 32, 3_159_170),
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
    assert GEOMETRIES["released"].output(size) == expected
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
    with pytest.raises(ValueError, match="takes no coordinates"):
        build("released", 1)(torch.zeros(1, 3, 19, 43, 43), torch.zeros(1, 3, 1, 5, 5))
    with pytest.raises(ValueError, match="the output needs"):
        build("paper", 1)(torch.zeros(1, 4, 19, 43, 43), torch.zeros(1, 3, 1, 5, 6))
    with pytest.raises(ValueError, match="base width 0"):
        build("deepmedic", 0)
    with pytest.raises(ValueError, match="write one of: deepmedic, paper, released, unet2d"):
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


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_gradients_reach_every_parameter(preset: str) -> None:
    network = build(preset, width=2, mask_prior=True, coordinates=True)
    network(*inputs(network, network.geometry.smallest, batch=2)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in network.parameters())


DEEPMEDIC_TABLE = [  # spec section 10.1: what enters and leaves each part for 13 x 75 x 75
    ("details.0", 1, (13, 35, 35), 40, (1, 9, 9)),
    ("details.1", 1, (13, 35, 35), 40, (1, 9, 9)),
    ("context", 1, (13, 25, 25), 100, (1, 3, 3)),
    ("merge", 80, (1, 9, 9), 100, (1, 9, 9)),
    ("hidden", 201, (1, 9, 9), 220, (1, 9, 9)),
]


def test_the_parts_of_deepmedic() -> None:
    network = build("deepmedic", channels=2, mask_prior=True)
    seen: dict[str, tuple[torch.Size, torch.Size]] = {}
    for name, block in network.named_modules():
        block.register_forward_hook(
            lambda _, inputs, output, name=name: seen.update({name: (inputs[0].shape, output.shape)})
        )
    assert network(torch.randn(1, 3, 13, 75, 75)).shape == (1, 2, 1, 9, 9)
    for name, channels, size, out_channels, out in DEEPMEDIC_TABLE:
        assert seen[name] == ((1, channels, *size), (1, out_channels, *out)), name
    assert network(torch.randn(1, 3, 25, 99, 99)).shape == (1, 2, 13, 33, 33)
    kinds = [type(layer).__name__ for layer in network.hidden]
    assert kinds == ["Conv3d", "LeakyReLU", "BatchNorm3d"]


def test_both_paths_of_deepmedic_end_on_the_same_voxel() -> None:
    network = trained(build("deepmedic", 2, channels=1)).double()
    volume = torch.randn(1, 1, 13, 75, 75, dtype=torch.float64)
    reach = {}
    for name, path in (("details", network.details[0]), ("context", network.context)):
        seen: list[torch.Tensor] = []
        handle = path.register_forward_hook(lambda _, inputs, output, seen=seen: seen.append(output))
        given = volume.clone().requires_grad_()
        network(given)
        handle.remove()
        middle = seen[0].shape[-1] // 2
        (gradient,) = torch.autograd.grad(seen[0][0, :, 0, middle, middle].sum(), given)
        rows = np.flatnonzero(gradient[0, 0].abs().sum(dim=(0, 2)).numpy())
        reach[name] = (rows[0] + rows[-1]) / 2
    assert reach == {"details": 37.0, "context": 37.0}


def test_orthogonal_first_weights() -> None:
    network = build("deepmedic", 8)
    initialise(network, 1)
    kernel = network.merge[0].weight.detach().flatten(1)  # more inputs than outputs: orthonormal rows
    torch.testing.assert_close(kernel @ kernel.T, torch.eye(len(kernel)), atol=1e-5, rtol=0)


def test_every_level_of_the_section_network() -> None:
    network = build("unet2d", 2, mask_prior=True)
    shapes = [[], []]
    for store, blocks in zip(shapes, (network.down, network.up), strict=True):
        for block in blocks:
            block.register_forward_hook(lambda _, inputs, output, store=store: store.append(tuple(output.shape)))
    assert network(torch.randn(1, 4, 3, 64, 96)).shape == (1, 2, 1, 64, 96)
    down = [(1, 2 * (level + 1), 64 >> level, 96 >> level) for level in range(6)]
    assert shapes == [down, down[-2::-1]]


def test_a_slab_is_its_sections_one_by_one() -> None:
    network = trained(build("unet2d", 2, coordinates=True)).double()
    volume, place = (tensor.double() for tensor in inputs(network, (6, 32, 64)))
    with torch.inference_mode():
        together = network(volume, place)
        for section in range(4):
            alone = network(volume[:, :, section : section + 3], place[:, :, section : section + 1])
            torch.testing.assert_close(alone, together[:, :, section : section + 1])


@pytest.mark.parametrize("preset", ["paper", "deepmedic", "unet2d"])
@pytest.mark.parametrize(("mask_prior", "coordinates"), [(True, True), (True, False), (False, True), (False, False)])
def test_inference_gives_the_modules_probabilities(preset: str, mask_prior: bool, coordinates: bool) -> None:
    network = trained(build(preset, 3, mask_prior=mask_prior, coordinates=coordinates))
    size = network.geometry.covering((9, 20, 30))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    for batch in (1, 2):
        volume, place = inputs(network, size, batch)
        with torch.inference_mode():
            expected = network(volume, place)
            found = for_inference(network, "cpu")(volume, place)
        assert expected.std() > 0.1
        torch.testing.assert_close(found.softmax(dim=1), expected.softmax(dim=1), atol=1e-4, rtol=0)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert any(isinstance(layer, nn.BatchNorm2d | nn.BatchNorm3d) for layer in network.modules())


@pytest.mark.parametrize(("mask_prior", "coordinates"), [(True, False), (False, True)])
def test_one_prior_without_the_other(mask_prior: bool, coordinates: bool) -> None:
    network = trained(build("released", 2, mask_prior=mask_prior, coordinates=coordinates))
    volume, place = inputs(network, (19, 43, 43))
    with torch.inference_mode():
        before = network(volume, place)
        if mask_prior:
            volume[:, -1] = 1 - volume[:, -1]
        else:
            place = place + 1
        assert (network(volume, place) - before).abs().max() > 1e-3
