"""Filling contours: against matplotlib's point-in-polygon test, and there and back for any mask."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.path import Path as Shape
from outlines import keyhole, rectangle
from skimage.measure import find_contours

from radparity.outline.exam import Target
from radparity.outline.polygons import draw, fill
from radparity.record import DataFault

SHAPE = (30, 34)
TARGET = Target((4, *SHAPE), np.diag([3.0, 1.0, 1.0, 1.0]))
CENTRES = np.argwhere(np.ones(SHAPE, bool)).astype(float)


def contour(points, section=1):
    """Pixel coordinates (anterior, superior) on a section as patient coordinates (LPS)."""
    points = np.asarray(points, float)
    return np.column_stack([np.full(len(points), -3.0 * section), -points[:, 0], points[:, 1]])


def drawn(contours, exclusive=False):
    found = draw([contour(points) for points in contours], TARGET, "o", exclusive)
    assert not found[[0, 2, 3]].any()
    return found[1]


@st.composite
def stars(draw):
    """A star-shaped polygon about a point, as radii at rising angles; its line misses most centres."""
    centre = np.array([draw(st.floats(10, 20)), draw(st.floats(10, 24))])
    radii = draw(st.lists(st.floats(2, 9), min_size=5, max_size=20))
    angles = 2 * np.pi * np.arange(len(radii)) / len(radii) + 0.1
    return centre, centre + np.array(radii)[:, None] * np.column_stack([np.sin(angles), np.cos(angles)])


def away(points):
    """Pixels whose centre is not on a polygon's line, to within what a line's width could decide."""
    closed = np.vstack([points, points[:1]])
    steps = np.concatenate([np.linspace(a, b, 200) for a, b in zip(closed, closed[1:], strict=False)])
    return np.sqrt(((CENTRES[:, None] - steps[None]) ** 2).sum(-1)).min(axis=1).reshape(SHAPE) > 0.1


@settings(max_examples=30, deadline=None)
@given(stars())
def test_a_polygon_marks_the_pixels_whose_centre_it_encloses(star):
    _, points = star
    inside, line = fill(points, SHAPE)
    wanted = Shape(points).contains_points(CENTRES).reshape(SHAPE)
    clear = away(points)
    np.testing.assert_array_equal(inside[clear], wanted[clear])
    assert not line[clear].any()


@settings(max_examples=25, deadline=None)
@given(stars(), st.floats(0.3, 0.7))
def test_a_hole_is_open_however_it_is_written(star, share):
    centre, outer = star
    inner = centre + share * (outer - centre)
    clear = away(outer) & away(inner) & away(np.vstack([outer[0], inner[0]]))
    holds = [Shape(points).contains_points(CENTRES).reshape(SHAPE) for points in (outer, inner)]
    wanted = holds[0] & ~holds[1]
    for found in (drawn([outer, inner]), drawn([inner, outer], exclusive=True), drawn([keyhole(outer, inner)])):
        if wanted[clear].any() and holds[1].any():
            np.testing.assert_array_equal(found[clear], wanted[clear])


@settings(max_examples=60, deadline=None)
@given(arrays(bool, (9, 11), elements=st.booleans()))
def test_the_contours_of_any_mask_give_it_back(mask):
    """Islands, holes, islands in holes, the border: traced by scikit-image, between the pixels."""
    found = np.zeros(mask.shape, bool)
    traced = [points[:-1] - 1 for points in find_contours(np.pad(mask, 1).astype(float), 0.5)]
    if traced:
        target = Target((4, *mask.shape), TARGET.affine)
        found = draw([contour(points) for points in traced], target, "o", exclusive=True)[1]
    np.testing.assert_array_equal(found, mask)


def test_a_line_through_centres_counts_as_inside_however_it_runs():
    for points in ([(4, 5), (4, 12), (9, 12), (9, 5)], [(9, 5), (9, 12), (4, 12), (4, 5)]):
        found = drawn([np.array(points) + 0.004])
        assert found[4:10, 5:13].all() and found.sum() == 6 * 8


@pytest.mark.parametrize(
    ("contours", "code"),
    [
        ([contour([(4, 4), (9, 9)])], "outline_contours"),
        ([contour(rectangle((4, 4), (9, 9))), contour(rectangle((7, 7), (12, 12)))], "outline_contours"),
        ([contour(rectangle((4, 4), (9, 9)))] * 2, "outline_contours"),
        ([contour(rectangle((4, 4), (9, 9))) + [1.5, 0, 0]], "outline_geometry"),
        ([contour(rectangle((4, 4), (9, 9))) + [[0, 0, 0], [3, 0, 0], [6, 0, 0], [3, 0, 0]]], "outline_geometry"),
        ([contour(rectangle((4, 4), (9, 9))) + [30, 0, 0]], "outline_geometry"),
        ([contour(rectangle((4, 4), (9, 9))) + [0, 0, 30]], "outline_geometry"),
    ],
    ids=["line", "overlap", "twice", "between sections", "across sections", "no section there", "beyond the matrix"],
)
def test_contours_that_cannot_be_filled(contours, code):
    with pytest.raises(DataFault) as found:
        draw(contours, TARGET, "o")
    assert found.value.code == code
