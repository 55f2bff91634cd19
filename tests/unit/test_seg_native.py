"""A mask of a breast's grid marks the exam's voxels of which it covers half, and none elsewhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radparity.grid import GridRules, breast_grid, resample, same_view
from radparity.record import DataFault
from radparity.seg.native import to_native

TURN = np.linalg.qr(np.array([[1, 0.2, -0.1], [-0.15, 1, 0.1], [0.1, -0.2, 1]]))[0]
AFFINE = np.eye(4)
AFFINE[:3, :3] = TURN * np.sign(np.diag(TURN)) * [3.0, 0.8, 0.9]
AFFINE[:3, 3] = [-70, -40, 25]


@given(
    size=st.tuples(*[st.integers(1, 4)] * 3),
    finer=st.tuples(*[st.integers(1, 4)] * 3),
    coarser=st.tuples(*[st.integers(1, 3)] * 3),
    seed=st.integers(0, 99),
)
def test_half_of_a_voxel_decides_whatever_the_two_resolutions(size, finer, coarser, seed):
    """Against counting: both grids are cut into the parts that they share, and the parts of each voxel are counted."""
    size, finer, coarser = map(np.array, (size, finer, coarser))
    # One field of view in `parts` along each axis: native voxels of `finer` parts, the grid's of `coarser` parts.
    parts = size * finer * coarser
    native, grid = parts // finer, parts // coarser
    mask = np.random.default_rng(seed).random(grid) < 0.4
    covered = np.kron(mask, np.ones(coarser)).reshape([n for pair in zip(native, finer, strict=True) for n in pair])
    share = covered.mean(axis=(1, 3, 5))
    wanted = share >= 0.5 - 1e-9
    found = to_native(mask, same_view(AFFINE, native, grid), tuple(native), AFFINE)
    np.testing.assert_array_equal(found, wanted if wanted.any() else share > 0)


@given(shape=st.tuples(*[st.integers(1, 7)] * 3), seed=st.integers(0, 99), rule=st.sampled_from(["double", "off"]))
def test_what_went_to_a_breasts_grid_comes_back_voxel_by_voxel(shape, seed, rule):
    mask = np.random.default_rng(seed).random(shape) < 0.3
    grid = (shape[0], 2 * shape[1], 2 * shape[2]) if rule == "double" else shape
    placed = resample(mask.astype(np.uint8), grid, order=0) > 0
    np.testing.assert_array_equal(to_native(placed, same_view(AFFINE, shape, grid), shape, AFFINE), mask)


def test_one_section_of_one_breast_of_two_marks_that_section_of_the_exam_alone():
    rng = np.random.default_rng(0)
    image = rng.random((40, 30, 30), np.float32)
    affine = np.diag([3.0, 0.8, 0.8, 1.0])
    affine[0, 3] = -60.0
    for side in ("left", "right"):
        grid = breast_grid(image, affine, side, GridRules())
        section, drawn = 4, np.zeros(grid.shape[1:], bool)
        drawn[10:20, 16:30] = True
        here = grid.affine.copy()
        here[:3, 3] += grid.affine[:3, 0] * section
        found = to_native(drawn[None], here, image.shape, affine)
        assert np.flatnonzero(found.any(axis=(1, 2))).tolist() == [grid.first + section]
        np.testing.assert_array_equal(found[grid.first + section], drawn[::2, ::2])


def test_sections_that_were_made_from_thin_ones_mark_all_of_those():
    affine = np.diag([0.8, 0.8, 1.5, 1.0])
    affine[0, 3] = 5.0
    image = np.random.default_rng(0).random((60, 40, 30), np.float32)
    grid = breast_grid(image, affine, "right", GridRules("off", 2.4))
    assert grid.reformatted
    here = grid.affine.copy()
    here[:3, 3] += grid.affine[:3, 0] * 7
    found = to_native(np.ones((1, *grid.shape[1:]), bool), here, image.shape, affine)
    assert np.flatnonzero(found.any(axis=(1, 2))).tolist() == [21, 22, 23]
    assert found[21:24].all()


def test_a_spot_too_small_for_any_voxel_still_marks_the_one_it_lies_in():
    grid = same_view(AFFINE, (3, 4, 4), (3, 16, 16))
    mask = np.zeros((3, 16, 16), bool)
    mask[1, 9, 6] = True
    assert np.argwhere(to_native(mask, grid, (3, 4, 4), AFFINE)).tolist() == [[1, 2, 1]]


def test_a_grid_that_is_turned_against_the_exam_is_a_fault():
    turned = AFFINE.copy()
    turned[:3, :3] = np.array([[1, 0.05, 0], [-0.05, 1, 0], [0, 0, 1]]) @ AFFINE[:3, :3]
    for wrong in (turned, AFFINE @ np.diag([-1, 1, 1, 1])):
        with pytest.raises(DataFault) as fault:
            to_native(np.ones((10, 10, 10), bool), wrong, (10, 10, 10), AFFINE)
        assert fault.value.code == "seg_source_geometry"
