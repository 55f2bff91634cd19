"""Prediction in tiles against one pass over the whole padded volume."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from radparity.networks.grid import slab_of
from radparity.networks.presets import build, initialise
from radparity.networks.tiles import largest_tile, smallest_tile, tile_mb
from radparity.networks.unet3d import UNet3d, check_input_size
from radparity.predict import near_mask, predict_section, predict_volume
from radparity.scaling import Prepare, Scaling, as_is

SIZE = (21, 61, 70)
DIVISORS = (2.0, 0.5, 1.0)


def divided(*divisors: float) -> Prepare:
    return partial(Scaling("pre_p95", "difference", ("t1c", "dce_in", "dce_out"), divisors).apply, scanner="any")


PREPARE = divided(*DIVISORS)


def settled(preset: str, seed: int) -> UNet3d:
    """An untrained network fitted to its input's scale, so that all its levels count and no probability saturates."""
    network = build(preset, width=3, batch_norm_momentum=1.0)
    initialise(network, seed)
    generator = torch.Generator().manual_seed(seed)
    volume = torch.randn(1, 3 + network.mask_prior, 27, 75, 75, generator=generator)
    volume[:, :3] /= torch.tensor(DIVISORS).view(1, 3, 1, 1, 1)
    volume[:, 3:] = (volume[:, 3:] > 0).float()
    coordinates = torch.rand(1, 3, 9, 37, 37, generator=generator) if network.mask_prior else None
    with torch.inference_mode():
        logits = network(volume, coordinates)
        network.classify.weight /= logits.std()
        network.classify.bias.copy_(-logits.mean(dim=(0, 2, 3, 4)) / logits.std())
    return network.eval()


@pytest.fixture(scope="module")
def network() -> UNet3d:
    return settled("paper", 1)


@pytest.fixture(scope="module")
def scene() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    mask = np.zeros(SIZE, dtype=bool)
    mask[2:18, 20:41, 30:50] = True
    return generator.normal(size=(3, *SIZE)).astype(np.float32), mask


def in_one_pass(
    network: UNet3d, channels: np.ndarray, mask: np.ndarray, section: int, divisors: tuple[float, ...]
) -> np.ndarray:
    """The definition: reflect the whole volume to one legal input, with the given section at a multiple of 8."""
    size = channels.shape[1:]
    before = -section % 8
    pads = [(9 + before, 0), (19, 0), (19, 0)]
    for axis in range(3):
        length = size[axis] + pads[axis][0]
        least = (19, 43, 43)[axis]
        after = (9, 19, 19)[axis]
        after += -(length + after - least) % 8
        pads[axis] = (pads[axis][0], after)
    volume = np.concatenate((channels / np.array(divisors)[:, None, None, None], mask[None])).astype(np.float32)
    padded = torch.from_numpy(np.pad(volume, ((0, 0), *pads), mode="reflect"))[None]
    indices = [np.pad(np.arange(n), pad, mode="reflect") for n, pad in zip(size, pads, strict=True)]
    indices = [index[m : len(index) - m] for index, m in zip(indices, (9, 19, 19), strict=True)]
    grid = np.stack(np.meshgrid(*(index / n for index, n in zip(indices, size, strict=True)), indexing="ij"))
    with torch.inference_mode():
        logits = network(padded, torch.from_numpy(grid.astype(np.float32))[None])
    probability = torch.softmax(logits, dim=1)[0, 1].numpy()
    return probability[before : before + size[0], : size[1], : size[2]]


@pytest.mark.parametrize("section", [0, 10, 20])
def test_any_tile_gives_the_map_of_one_pass(
    network: UNet3d, scene: tuple[np.ndarray, np.ndarray], section: int
) -> None:
    channels, mask = scene
    near = near_mask(mask)
    expected = np.where(near, in_one_pass(network, channels, mask, section, DIVISORS), 0)
    assert expected[near].std() > 0.05
    models = [(network, PREPARE)]
    for tile in (None, (27, 51, 51), (35, 51, 67), (27, 107, 75)):
        found = predict_volume(models, channels, mask, section, tile=tile)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("section", [0, 3, 10, 20])
def test_one_section_is_that_section_of_the_volume(
    network: UNet3d, scene: tuple[np.ndarray, np.ndarray], section: int
) -> None:
    channels, mask = scene
    mask = mask.copy()
    mask[section, 20:41, 30:50] = True
    models = [(network, PREPARE)]
    whole = predict_volume(models, channels, mask, section)[section]
    for tile in (None, (19, 51, 59)):
        alone = predict_section(models, slab_of(channels, section), slab_of(mask, section), section, SIZE[0], tile=tile)
        np.testing.assert_allclose(alone, whole, atol=1e-4)
    # With the grid begun elsewhere the map is another: the network interpolates between every eighth section.
    shifted = predict_volume(models, channels, mask, section + 4 if section < 10 else section - 4)[section]
    assert np.abs(shifted - whole).max() > 1e-3


@pytest.mark.parametrize("size", [(1, 5, 7), (3, 12, 9), (24, 8, 90)])
def test_volumes_smaller_than_the_padding(network: UNet3d, size: tuple[int, int, int]) -> None:
    channels = np.random.default_rng(0).normal(size=(3, *size)).astype(np.float32)
    mask = np.ones(size, dtype=bool)
    section = size[0] // 2
    expected = in_one_pass(network, channels, mask, section, (1.0, 1.0, 1.0))
    found = predict_volume([(network, as_is)], channels, mask)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_mean_over_models_each_with_its_divisors(network: UNet3d, scene: tuple[np.ndarray, np.ndarray]) -> None:
    channels, mask = scene
    other = settled("released", 2)
    first, second = (network, PREPARE), (other, divided(1.0, 3.0, 2.0))
    alone = [predict_volume([model], channels, mask) for model in (first, second)]
    together = predict_volume([first, second], channels, mask)
    np.testing.assert_allclose(together, (alone[0] + alone[1]) / 2, atol=1e-6)
    assert np.abs(alone[0] - alone[1]).max() > 0.05


def test_without_a_mask_everything_is_predicted_as_in_a_batch_of_one(scene: tuple[np.ndarray, np.ndarray]) -> None:
    channels, mask = scene
    model = (settled("released", 2), PREPARE)
    everywhere = predict_volume([model], channels, None)
    masked = predict_volume([model], channels, mask)
    near = near_mask(mask)
    assert (everywhere > 0).all()
    np.testing.assert_allclose(masked[near], everywhere[near], atol=1e-4)
    assert not masked[~near].any()
    assert 0.05 < near.mean() < 0.6


def test_near_mask_is_the_touched_cells_and_their_neighbours() -> None:
    mask = np.zeros((3, 40, 37), dtype=bool)
    mask[1, 23, 32] = True
    near = near_mask(mask)
    expected = np.zeros_like(mask)
    # Cell (2, 4) of 8 x 8 voxels and those around it; the last column of cells is cut by the border.
    expected[1, 8:32, 24:37] = True
    np.testing.assert_array_equal(near, expected)


def test_the_networks_state_is_not_changed(network: UNet3d, scene: tuple[np.ndarray, np.ndarray]) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    predict_volume([(network, PREPARE)], *scene)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("memory_mb", [200, 1500, 8000])
def test_largest_tile_fits_and_no_larger_one_does(single: bool, memory_mb: float) -> None:
    wanted = (1 if single else 60, 512, 512)
    tile = largest_tile(32, wanted, memory_mb, single)
    check_input_size(tile)
    assert all(length >= least for length, least in zip(tile, smallest_tile(single), strict=True))
    assert tile_mb(32, tile) <= memory_mb
    assert tile_mb(32, (tile[0], tile[1] + 8, tile[2] + 8)) > memory_mb or tile[1] - 38 >= 512
    # No more than is needed, whatever the memory.
    small = largest_tile(32, (1, 20, 30), 1e9, single)
    assert (small[1], small[2]) == (59, 75)


def test_refusals(network: UNet3d, scene: tuple[np.ndarray, np.ndarray]) -> None:
    channels, mask = scene
    models = [(network, PREPARE)]
    with pytest.raises(ValueError, match="takes the breast mask as an input"):
        predict_volume(models, channels, None)
    with pytest.raises(ValueError, match="breast mask is empty"):
        predict_volume(models, channels, np.zeros_like(mask))
    with pytest.raises(ValueError, match="2 channels, but this scales t1c, dce_in, dce_out"):
        predict_volume(models, channels[:2], mask)
    with pytest.raises(ValueError, match="not finite"):
        predict_volume(models, np.where(mask, np.nan, channels), mask)
    with pytest.raises(ValueError, match="section 21 is outside"):
        predict_volume(models, channels, mask, 21)
    with pytest.raises(ValueError, match="gaps"):
        predict_volume(models, channels, mask, tile=(19, 75, 75))
    with pytest.raises(ValueError, match="memory_mb 1 is too small.*at least 26"):
        predict_volume(models, channels, mask, memory_mb=1)
    with pytest.raises(ValueError, match="cut 19 around"):
        predict_section(models, channels, mask, 10, 21)
    with pytest.raises(ValueError, match="no network"):
        predict_volume([], channels, mask)
