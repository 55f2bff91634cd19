"""Fuzzy c-means against its definition, written out voxel by voxel, and against clusters that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radparity.fuzzy_c_means import cluster_section, tumour_map
from radparity.region import readers_box


def section(seed: int, extent: tuple[int, int] = (9, 11)) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    channels = generator.normal(size=(3, *extent)) * np.array([1, 20, 0.01])[:, None, None]
    return channels, generator.random(extent) < 0.7


def by_definition(channels: np.ndarray, mask: np.ndarray, clusters: int, iterations: int) -> np.ndarray:
    """Bezdek's two steps in plain loops, fuzziness 2; memberships (cluster, voxel)."""
    voxels = [channels[:, i, j] for i, j in np.argwhere(mask)]
    spread = np.std(voxels, axis=0)
    voxels = [voxel / spread for voxel in voxels]
    centres = [np.quantile(voxels, (k + 0.5) / clusters, axis=0) for k in range(clusters)]
    for iteration in range(iterations + 1):
        rows = []
        for centre in centres:
            row = []
            for voxel in voxels:
                own = np.linalg.norm(voxel - centre)
                row.append(1 / sum((own / np.linalg.norm(voxel - other)) ** 2 for other in centres))
            rows.append(row)
        if iteration < iterations:
            centres = [
                sum(u**2 * voxel for u, voxel in zip(row, voxels, strict=True)) / sum(u**2 for u in row) for row in rows
            ]
    return np.array(rows)


@pytest.mark.parametrize("clusters", [2, 4])
def test_it_is_the_definition(clusters: int) -> None:
    channels, mask = section(0)
    found = cluster_section(channels, mask, clusters=clusters, tolerance=0, iterations=6)
    np.testing.assert_allclose(found.memberships, by_definition(channels, mask, clusters, 6), rtol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([2, 3, 4]), st.sampled_from([1.5, 2.0, 3.0]))
def test_memberships_sum_to_one_and_the_objective_never_rises(seed: int, clusters: int, fuzziness: float) -> None:
    channels, mask = section(seed)
    found = cluster_section(channels, mask, clusters=clusters, fuzziness=fuzziness)
    np.testing.assert_allclose(found.memberships.sum(axis=0), 1)
    assert found.memberships.min() >= 0
    assert np.all(np.diff(found.objective) <= 1e-9 * found.objective[0])
    assert not found.membership[~mask].any()
    np.testing.assert_allclose(found.membership[mask], found.memberships[found.tumour_cluster], rtol=1e-6)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.floats(0.001, 1000))
def test_units_and_offsets_do_not_matter(seed: int, factor: float) -> None:
    channels, mask = section(seed)
    moved = channels * np.array([1, factor, 1])[:, None, None] + np.array([5, 0, -0.1])[:, None, None]
    first, second = (cluster_section(each, mask, iterations=20).membership for each in (channels, moved))
    np.testing.assert_allclose(second, first, atol=1e-4)


def test_four_separated_groups_are_recovered_and_the_enhancing_one_is_chosen() -> None:
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 4, size=(40, 50))
    # Tumour (3) has the highest uptake, but not the highest signal: that is group 2.
    means = np.array([[0, 0, 0], [4, 1, 0], [8, 2, 1], [6, 5, -2]], dtype=float)
    channels = np.moveaxis(means[truth] + 0.15 * generator.normal(size=(40, 50, 3)), -1, 0)
    mask = np.zeros((40, 50), dtype=bool)
    mask[3:, 5:] = True
    found = cluster_section(channels, mask)
    assert found.converged
    np.testing.assert_array_equal(found.membership > 0.5, mask & (truth == 3))
    centres = found.centres * channels[:, mask].std(axis=1)
    np.testing.assert_allclose(centres[np.argsort(centres[:, 0])], means[[0, 1, 3, 2]], atol=0.1)
    # Another channel named as DCE-in chooses another cluster.
    np.testing.assert_array_equal(cluster_section(channels, mask, dce_in=0).membership > 0.5, mask & (truth == 2))


def test_voxels_on_a_centre_belong_to_it_alone() -> None:
    channels = np.array([[[0.0, 0.0, 0.0, 1.0, 1.0, 1.0]]])
    found = cluster_section(channels, np.ones((1, 6), dtype=bool), dce_in=0, clusters=2)
    np.testing.assert_array_equal(found.membership, [[0, 0, 0, 1, 1, 1]])


def test_the_end_of_patience_is_told() -> None:
    channels, mask = section(3)
    found = cluster_section(channels, mask, iterations=3)
    assert (found.converged, len(found.objective)) == (False, 3)
    # A tolerance that is met stops before the limit.
    assert len(cluster_section(channels, mask, tolerance=0.05).objective) < 300


def test_refusals() -> None:
    channels, mask = section(0)
    with pytest.raises(ValueError, match="not have the same voxels"):
        cluster_section(channels, mask[1:])
    with pytest.raises(ValueError, match="2 voxels, fewer than 4 clusters"):
        cluster_section(channels, np.indices(mask.shape).sum(axis=0) == 1)
    with pytest.raises(ValueError, match="not finite"):
        cluster_section(np.where(mask, np.nan, channels), mask)
    flat = channels.copy()
    flat[2] = 0.1
    with pytest.raises(ValueError, match="channel 2 is constant"):
        cluster_section(flat, mask)
    with pytest.raises(ValueError, match="a channel"):
        cluster_section(channels, mask, dce_in=3)


def test_a_section_is_divided_into_four_and_a_box_into_two() -> None:
    channels, mask = section(1)
    for region, clusters in (("section", 4), ("readers_box", 2)):
        membership, facts = tumour_map(channels, mask, 1, region)
        np.testing.assert_array_equal(membership, cluster_section(channels, mask, clusters=clusters).membership)
        assert facts == {"clustered_voxels": int(mask.sum()), "converged": True}


def test_a_mask_that_misses_the_section_gives_an_empty_map() -> None:
    channels, mask = section(1)
    few = np.zeros_like(mask)
    few[4, 4:7] = True
    membership, facts = tumour_map(channels, few, 1, "section")
    assert not membership.any() and facts == {"clustered_voxels": 3, "converged": False}


def test_the_box_leaves_out_the_vessel_that_takes_up_as_much_as_the_lesion() -> None:
    generator = np.random.default_rng(5)
    breast, lesion, vessel = (np.zeros((60, 60), bool) for _ in range(3))
    breast[4:56, 4:56], lesion[35:45, 30:42], vessel[8:11, 6:54] = True, True, True
    channels = generator.normal(0, 0.1, size=(3, 60, 60)) + breast
    channels[1] += 4 * (lesion | vessel)
    channels[2] -= lesion | vessel
    box = readers_box([lesion], (0.8, 0.8))
    inside, _ = tumour_map(channels, box, 1, "readers_box")
    np.testing.assert_array_equal(inside > 0.5, lesion)
    assert not inside[~box].any()
    whole, _ = tumour_map(channels, breast, 1, "section")
    np.testing.assert_array_equal(whole > 0.5, lesion | vessel)
