"""The box around the readers' outlines: against its definition, and what it never loses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from radparity.region import MARGIN_MM, readers_box

SPACINGS = st.tuples(st.floats(0.2, 3.0), st.floats(0.2, 3.0))
OUTLINES = st.lists(arrays(bool, (13, 17), elements=st.booleans(), fill=st.just(False)), min_size=1, max_size=4)


def by_definition(outlines, spacing_mm, margin_mm):
    """Voxel by voxel: inside are those whose distance along each axis to the range of outlined ones is short enough."""
    drawn = np.argwhere(np.any(outlines, axis=0))
    box = np.zeros(outlines[0].shape, bool)
    for voxel in np.ndindex(box.shape) if len(drawn) else ():
        beyond = np.maximum(drawn.min(axis=0) - voxel, voxel - drawn.max(axis=0))
        # The margin's last voxel is the one that the margin ends in.
        box[voxel] = all((n - 1) * step < margin_mm - 1e-6 * step for n, step in zip(beyond, spacing_mm, strict=True))
    return box


@given(OUTLINES, SPACINGS)
def test_it_is_the_definition_and_loses_no_readers_voxel(outlines, spacing_mm):
    box = readers_box(outlines, spacing_mm)
    np.testing.assert_array_equal(box, by_definition(outlines, spacing_mm, MARGIN_MM))
    assert all(not (mask & ~box).any() for mask in outlines)


@given(OUTLINES, SPACINGS)
def test_another_reader_can_only_enlarge_it(outlines, spacing_mm):
    assert not (readers_box(outlines[:1], spacing_mm) & ~readers_box(outlines, spacing_mm)).any()


def test_the_margin_is_five_millimetres_whatever_the_pixel():
    mask = np.zeros((80, 80), bool)
    mask[40, 40] = True
    for step, voxels in ((0.5, 10), (0.7, 8), (1.0, 5), (float(np.float32(0.1)) * 10, 5), (6.0, 1)):
        box = readers_box([mask, np.zeros_like(mask)], (step, 2.5))
        rows, columns = np.flatnonzero(box.any(axis=1)), np.flatnonzero(box.any(axis=0))
        assert (rows[0], rows[-1], columns[0], columns[-1]) == (40 - voxels, 40 + voxels, 38, 42)


def test_the_border_of_the_image_cuts_it_and_nothing_outlined_gives_none():
    mask = np.zeros((20, 30), bool)
    mask[0, 29] = True
    assert readers_box([mask], (1.0, 1.0)).sum() == 36
    assert not readers_box([np.zeros((20, 30), bool)], (1.0, 1.0)).any()


def test_refusals():
    with pytest.raises(ValueError, match="one grid, got shapes"):
        readers_box([np.zeros((3, 3), bool), np.zeros((3, 4), bool)], (1, 1))
    with pytest.raises(ValueError, match="one grid"):
        readers_box([], (1, 1))
