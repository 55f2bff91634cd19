"""Prediction in tiles against one pass over the whole padded volume."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies

from radparity.networks.geometry import GEOMETRIES, Geometry
from radparity.networks.grid import slab_of
from radparity.networks.network import Network
from radparity.networks.presets import Architecture, build, initialise
from radparity.networks.tiles import Tile, Wanted, plan
from radparity.predict import near_mask, predict_section, predict_volume
from radparity.scaling import Prepare, Scaling, as_is

SIZE = (21, 61, 70)
DIVISORS = (2.0, 0.5, 1.0)


def divided(*divisors: float) -> Prepare:
    return partial(Scaling("pre_p95", "difference", ("t1c", "dce_in", "dce_out"), divisors).apply, scanner="any")


PREPARE = divided(*DIVISORS)


def settled(preset: str, seed: int, mask_prior: bool | None = None) -> Network:
    """An untrained network fitted to its input's scale, so that all its levels count and no probability saturates."""
    network = build(Architecture.of(preset, width=3, mask_prior=mask_prior), batch_norm_momentum=1.0)
    initialise(network, seed)
    generator = torch.Generator().manual_seed(seed)
    size = network.geometry.covering((9, 37, 37))
    volume = torch.randn(1, 3 + network.mask_prior, *size, generator=generator)
    volume[:, :3] /= torch.tensor(DIVISORS).view(1, 3, 1, 1, 1)
    volume[:, 3:] = (volume[:, 3:] > 0).float()
    output = network.geometry.output(size)
    coordinates = torch.rand(1, 3, *output, generator=generator) if network.coordinates else None
    with torch.inference_mode():
        logits = network(volume, coordinates)
        network.classify.weight /= logits.std()
        network.classify.bias.copy_(-logits.mean(dim=(0, 2, 3, 4)) / logits.std())
    return network.eval()


SETTLED = {preset: settled(preset, 2) for preset in sorted(GEOMETRIES)}


@pytest.fixture(scope="module")
def network() -> Network:
    return settled("paper", 1)


@pytest.fixture(scope="module")
def scene() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    mask = np.zeros(SIZE, dtype=bool)
    mask[2:18, 20:41, 30:50] = True
    return generator.normal(size=(3, *SIZE)).astype(np.float32), mask


def in_one_pass(
    network: Network, channels: np.ndarray, mask: np.ndarray, section: int, divisors: tuple[float, ...]
) -> np.ndarray:
    """The definition: reflect the whole volume to one legal input, with the given section on the network's grid."""
    geometry, size = network.geometry, channels.shape[1:]
    before = -section % geometry.period[0]
    margins = [less // 2 for less in geometry.reduction]
    pads = [(margin + before * (axis == 0), 0) for axis, margin in enumerate(margins)]
    for axis in range(3):
        length = size[axis] + pads[axis][0] + margins[axis]
        least = geometry.smallest[axis]
        after = margins[axis] + max(least - length, 0) + -(max(length, least) - least) % geometry.period[axis]
        pads[axis] = (pads[axis][0], after)
    volume = (channels / np.array(divisors)[:, None, None, None]).astype(np.float32)
    if network.mask_prior:
        volume = np.concatenate((volume, mask[None])).astype(np.float32)
    padded = torch.from_numpy(np.pad(volume, ((0, 0), *pads), mode="reflect"))[None]
    grid = None
    if network.coordinates:
        indices = [np.pad(np.arange(n), pad, mode="reflect") for n, pad in zip(size, pads, strict=True)]
        indices = [index[m : len(index) - m] for index, m in zip(indices, margins, strict=True)]
        grid = np.stack(np.meshgrid(*(index / n for index, n in zip(indices, size, strict=True)), indexing="ij"))
        grid = torch.from_numpy(grid.astype(np.float32))[None]
    with torch.inference_mode():
        logits = network(padded, grid)
    probability = torch.softmax(logits, dim=1)[0, 1].numpy()
    return probability[before : before + size[0], : size[1], : size[2]]


@pytest.mark.parametrize("section", [0, 10, 20])
def test_any_tile_gives_the_map_of_one_pass(
    network: Network, scene: tuple[np.ndarray, np.ndarray], section: int
) -> None:
    channels, mask = scene
    near = near_mask(mask)
    expected = np.where(near, in_one_pass(network, channels, mask, section, DIVISORS), 0)
    assert expected[near].std() > 0.05
    models = [(network, PREPARE)]
    for tile in (None, (27, 51, 51), (35, 51, 67), (27, 107, 75)):
        found = predict_volume(models, channels, mask, section, tile=tile)
        assert found.probability.dtype == found.disagreement.dtype == np.float32
        np.testing.assert_allclose(found.probability, expected, atol=1e-4)
        assert not found.disagreement.any()


@pytest.mark.parametrize("preset", ["released", "deepmedic", "unet2d"])
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=strategies.data())
def test_no_tile_changes_the_map_of_any_network(
    preset: str, scene: tuple[np.ndarray, np.ndarray], data: strategies.DataObject
) -> None:
    network = SETTLED[preset]
    channels, mask = scene
    section = data.draw(strategies.integers(0, SIZE[0] - 1), "section")
    period, smallest = network.geometry.period, network.geometry.covering(network.geometry.period)
    # Of a period of 3 the smallest tiles are so many that they would only cost time.
    fewest = 8 if preset == "deepmedic" else 0
    steps = data.draw(strategies.tuples(*[strategies.integers(fewest, fewest + 6)] * 3), "steps")
    tile = tuple(least + step * n for least, step, n in zip(smallest, period, steps, strict=True))
    if network.geometry.whole_section:
        tile = (tile[0], 64, 96)
    expected = np.where(near_mask(mask), in_one_pass(network, channels, mask, section, DIVISORS), 0)
    found = predict_volume([(network, PREPARE)], channels, mask, section, tile=tile)
    np.testing.assert_allclose(found.probability, expected, atol=1e-4)
    alone = predict_section(
        [(network, PREPARE)], slab_of(channels, section), slab_of(mask, section), section, SIZE[0], tile=(19, *tile[1:])
    )
    near = near_mask(mask)[section]
    np.testing.assert_allclose(alone.probability[near], expected[section][near], atol=1e-4)


def blobs(size: tuple[int, int, int], seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """An image (1, 3, section, anterior, superior) of smooth tissue with one bright lesion, and the lesion."""
    generator = np.random.default_rng(seed)
    grid = np.indices(size, dtype=np.float32)
    centre = [n / 2 + generator.uniform(-4, 4) for n in size]
    lesion = (
        sum(((g - c) / (4 + 4 * (axis > 0))) ** 2 for axis, (g, c) in enumerate(zip(grid, centre, strict=True))) < 1
    )
    waves = [np.sin(grid[1] / generator.uniform(4, 20)) * np.cos(grid[2] / generator.uniform(4, 20)) for _ in range(3)]
    image = np.stack(waves) * 0.3 + lesion * np.array([1.0, 1.0, -0.5])[:, None, None, None]
    image += 0.1 * generator.normal(size=image.shape)
    return torch.from_numpy(image.astype(np.float32))[None], torch.from_numpy(lesion)[None]


def test_half_precision_is_close_in_a_trained_network() -> None:
    network = build(Architecture.of("released", width=4), batch_norm_momentum=0.2)
    initialise(network, 4)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for step in range(30):
        image, lesion = blobs((19, 59, 59), step)
        loss = torch.nn.functional.cross_entropy(network(image), lesion[:, 9:10, 19:-19, 19:-19].long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()
    image, lesion = blobs((24, 70, 70), 1000)
    full, half = (
        predict_volume([(network, as_is)], image[0].numpy(), None, precision=precision).probability
        for precision in ("float32", "bfloat16")
    )
    assert full[lesion[0].numpy()].mean() - full[~lesion[0].numpy()].mean() > 0.5
    apart = np.abs(full - half)
    # A wider network is closer still (docs/networks.md): the errors of its many features cancel.
    assert 0 < np.quantile(apart, 0.999) < 0.01
    assert apart.max() < 0.03


@pytest.mark.parametrize("section", [0, 3, 10, 20])
def test_one_section_is_that_section_of_the_volume(
    network: Network, scene: tuple[np.ndarray, np.ndarray], section: int
) -> None:
    channels, mask = scene
    mask = mask.copy()
    mask[section, 20:41, 30:50] = True
    models = [(network, PREPARE)]
    whole = predict_volume(models, channels, mask, section).probability[section]
    for tile in (None, (19, 51, 59)):
        alone = predict_section(models, slab_of(channels, section), slab_of(mask, section), section, SIZE[0], tile=tile)
        np.testing.assert_allclose(alone.probability, whole, atol=1e-4)
    # With the grid begun elsewhere the map is another: the network interpolates between every eighth section.
    shifted = predict_volume(models, channels, mask, section + 4 if section < 10 else section - 4).probability[section]
    assert np.abs(shifted - whole).max() > 1e-3


@pytest.mark.parametrize("size", [(1, 5, 7), (3, 12, 9), (24, 8, 90)])
def test_volumes_smaller_than_the_padding(network: Network, size: tuple[int, int, int]) -> None:
    channels = np.random.default_rng(0).normal(size=(3, *size)).astype(np.float32)
    mask = np.ones(size, dtype=bool)
    section = size[0] // 2
    expected = in_one_pass(network, channels, mask, section, (1.0, 1.0, 1.0))
    found = predict_volume([(network, as_is)], channels, mask)
    np.testing.assert_allclose(found.probability, expected, atol=1e-4)


def test_mean_over_models_each_with_its_divisors(network: Network, scene: tuple[np.ndarray, np.ndarray]) -> None:
    channels, mask = scene
    other = settled("released", 2)
    first, second = (network, PREPARE), (other, divided(1.0, 3.0, 2.0))
    third = (settled("paper", 5), PREPARE)
    alone = [predict_volume([model], channels, mask).probability for model in (first, second, third)]
    together = predict_volume([first, second, third], channels, mask)
    np.testing.assert_allclose(together.probability, np.mean(alone, axis=0), atol=1e-6)
    np.testing.assert_allclose(together.disagreement, np.std(alone, axis=0), atol=1e-6)
    assert together.disagreement.max() > 0.05
    assert not together.disagreement[~near_mask(mask)].any()


def test_without_a_mask_everything_is_predicted_as_in_a_batch_of_one(scene: tuple[np.ndarray, np.ndarray]) -> None:
    channels, mask = scene
    model = (settled("released", 2), PREPARE)
    everywhere = predict_volume([model], channels, None).probability
    masked = predict_volume([model], channels, mask).probability
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


def test_the_networks_state_is_not_changed(network: Network, scene: tuple[np.ndarray, np.ndarray]) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    predict_volume([(network, PREPARE)], *scene)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def box(geometry: Geometry, tile: Tile) -> tuple[slice, ...]:
    """The voxels of the volume that a tile gives."""
    output = geometry.output(tile.size)
    assert all(extent <= length for extent, length in zip(tile.extent, output, strict=True))
    return tuple(slice(max(start, 0), start + extent) for start, extent in zip(tile.output, tile.extent, strict=True))


@pytest.mark.parametrize("preset", sorted(GEOMETRIES))
@settings(max_examples=30, deadline=None)
@given(seed=strategies.integers(0, 2**31), budget=strategies.integers(1, 40), first=strategies.integers(0, 7))
def test_tiles_fit_lie_on_the_grid_and_cover_every_wanted_voxel_once(
    preset: str, seed: int, budget: int, first: int
) -> None:
    geometry, generator = GEOMETRIES[preset], np.random.default_rng(seed)
    voxels = np.zeros((12, 80, 100), dtype=bool)
    for _ in range(3):
        low = [int(generator.integers(n)) for n in voxels.shape]
        voxels[tuple(slice(at, at + 1 + int(generator.integers(40))) for at in low)] = True
    origin = (-(first % geometry.period[0]), 0, 0)
    wanted = Wanted(voxels, origin)
    smallest = (3, 96, 128) if geometry.whole_section else geometry.covering(geometry.period)
    most = budget * np.prod(smallest)
    tiles = list(plan(geometry, wanted, wanted.tiles(geometry), lambda size: np.prod(size) <= most))
    count = np.zeros(voxels.shape, dtype=int)
    for tile in tiles:
        assert np.prod(tile.size) <= most
        assert all((at - o) % step == 0 for at, o, step in zip(tile.output, origin, geometry.period, strict=True))
        assert not geometry.whole_section or tile.output[1:] == (0, 0)
        count[box(geometry, tile)] += 1
    assert (count[voxels] == 1).all()


def test_little_is_computed_for_what_is_not_wanted() -> None:
    geometry = GEOMETRIES["released"]
    voxels = np.zeros((40, 256, 256), dtype=bool)
    voxels[2:6, 10:30, 10:30] = voxels[30:34, 200:220, 200:220] = True
    wanted = Wanted(voxels, (0, 0, 0))
    tiles = list(plan(geometry, wanted, wanted.tiles(geometry), lambda size: True))
    assert len(tiles) == 2
    # Each is cut to what is wanted of its cells of 8 voxels, and the 18 and 38 voxels around it that the network sees.
    assert [tile.size for tile in tiles] == [(27, 67, 67), (35, 59, 59)]


def test_refusals(network: Network, scene: tuple[np.ndarray, np.ndarray]) -> None:
    channels, mask = scene
    models = [(network, PREPARE)]
    with pytest.raises(ValueError, match="takes the breast mask as an input"):
        predict_volume(models, channels, None)
    with pytest.raises(ValueError, match="breast mask is empty"):
        predict_volume(models, channels, np.zeros_like(mask))
    with pytest.raises(ValueError, match="2 channels, but the network takes 3"):
        predict_volume(models, channels[:2], mask)
    with pytest.raises(ValueError, match="not finite"):
        predict_volume(models, np.where(mask, np.nan, channels), mask)
    with pytest.raises(ValueError, match="section 21 is outside"):
        predict_volume(models, channels, mask, 21)
    with pytest.raises(ValueError, match="too small: .* is the smallest"):
        predict_volume(models, channels, mask, tile=(27, 43, 75))
    with pytest.raises(ValueError, match="predict: memory_mb: 1 MB is too little.*Give that much"):
        predict_volume(models, channels, mask, memory_mb=1)
    with pytest.raises(ValueError, match="cut 19, or a larger odd number, around"):
        predict_section(models, channels[:, :17], mask[:17], 10, 21)
    with pytest.raises(ValueError, match="several kinds"):
        predict_volume([*models, (SETTLED["unet2d"], PREPARE)], channels, mask)
    with pytest.raises(ValueError, match="no network"):
        predict_volume([], channels, mask)
