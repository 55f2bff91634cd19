"""Harmonize: the breast's grid in any plane, the midline, the channels, and the scale of an exam."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from radparity import grid, harmonize, midline
from radparity.grid import GridRules, breast_grid
from radparity.phantom import image
from radparity.phantom.anatomy import paint
from radparity.phantom.design import SIZES, ExamDesign
from radparity.phantom.grid import Grid, place
from radparity.record import DataFault

AFFINE = np.array([[3.0, 0, 0, -70], [0, 1.0, 0, -20], [0, 0, 1.0, -30], [0, 0, 0, 1]])
PLAIN = harmonize.Settings(GridRules("off"))


def at(affine, *voxel):
    return (affine @ [*voxel, 1])[:3]


def turned(degrees, spacing, origin):
    """An oblique affine: the axes turned about all three patient axes."""
    a, b, c = np.deg2rad(degrees)
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = about_x @ about_y @ about_z @ np.diag(spacing)
    affine[:3, 3] = origin
    return affine


# The grid


@given(st.sampled_from([(7, 10), (8, 9), (5, 5)]), st.sampled_from([0.7, 1.0, 1.3]))
def test_doubling_keeps_the_field_of_view_and_a_linear_image(shape, spacing):
    affine = np.diag([3.0, spacing, spacing, 1])
    index = np.indices((4, *shape)).astype(float)
    volume = 10 + 2 * index[1] * spacing + 5 * index[2] * spacing + index[0]
    fine, own = grid.resample_in_plane(volume, affine, "double")
    assert fine.shape == (4, 2 * shape[0], 2 * shape[1])
    for old, new in ((-0.5, -0.5), (np.array(shape) - 0.5, 2 * np.array(shape) - 0.5)):
        old, new = np.broadcast_to(old, 2), np.broadcast_to(new, 2)
        assert np.allclose(at(affine, 0, *old), at(own, 0, *new))
    here = np.array([at(own, 1, i, j) for i in range(1, 2 * shape[0] - 1) for j in range(1, 2 * shape[1] - 1)])
    assert np.allclose(fine[1, 1:-1, 1:-1].ravel(), 10 + 2 * here[:, 1] + 5 * here[:, 2] + 1)


def test_fine_images_are_left_alone_and_a_fixed_spacing_is_reached():
    volume = np.ones((4, 20, 20))
    assert grid.resample_in_plane(volume, np.diag([3, 0.55, 0.55, 1.0]), "double")[0] is volume
    fine, own = grid.resample_in_plane(volume, np.diag([3, 1.0, 1.0, 1.0]), 0.4)
    assert fine.shape == (4, 50, 50) and np.allclose(np.diag(own)[1:3], 0.4)


@pytest.mark.parametrize(
    ("spacing", "shape", "rule", "wanted"),
    [
        ((3.5, 0.7, 0.7), (20, 30, 32), "double", (3.5, 0.35, 0.35)),  # sagittal: sections stay
        ((3.5, 0.5, 0.5), (20, 30, 32), "double", (3.5, 0.5, 0.5)),
        ((0.7, 0.7, 2.0), (80, 60, 40), "double", (2.95, 0.35, 0.35)),  # axial
        ((0.7, 0.7, 2.0), (80, 60, 40), "off", (2.95, 0.7, 0.7)),
        ((0.8, 2.0, 0.8), (80, 24, 60), "off", (3.05, 0.8, 0.8)),  # coronal: the finer of both in-plane spacings
        ((1.0, 1.0, 1.0), (60, 40, 40), 0.5, (3.0, 0.5, 0.5)),  # isotropic
    ],
)
@pytest.mark.parametrize("oblique", [(0, 0, 0), (4, -7, 10)])
def test_a_point_of_the_patient_keeps_its_place_in_every_plane(spacing, shape, rule, wanted, oblique):
    """An image of patient coordinates: after cutting and resampling each voxel still tells where it lies."""
    affine = turned(oblique, spacing, (-90, -20, -30))
    native = np.moveaxis(np.indices(shape).astype(float), 0, -1) @ affine[:3, :3].T + affine[:3, 3]
    found = breast_grid(np.ones(shape), affine, "left", GridRules(rule, 3.0))
    assert np.linalg.norm(found.affine[:3, :3], axis=0) == pytest.approx(wanted, rel=0.01)
    placed = np.stack([found.place(native[..., k]) for k in range(3)], axis=-1)
    own = np.moveaxis(np.indices(found.shape).astype(float), 0, -1) @ found.affine[:3, :3].T + found.affine[:3, 3]
    margin = tuple(slice(n // 6 + 1, n - n // 6 - 1) for n in found.shape)
    # Averaging takes a native voxel cut by a section's border for its centre: up to a few hundredths of its width.
    assert np.allclose(placed[margin], own[margin], atol=0.04 * min(spacing))
    # The field of view stays, corner to corner.
    for part, whole in ((0, 0), (1, 1)):
        corner = [np.array(s) * p - 0.5 for s, p in ((shape, part), (found.shape, whole))]
        assert np.allclose(at(affine, *corner[0]), at(found.affine, *corner[1]), atol=1e-6)


def test_reformatting_averages_and_does_not_alias():
    """Stripes finer than a section vanish instead of turning into coarse false ones, and the mean stays."""
    affine = np.diag([0.7, 0.7, 2.0, 1])
    affine[0, 3] = -60
    stripes = np.broadcast_to(100 + 50 * (-1.0) ** np.arange(60)[:, None, None], (60, 40, 20))
    found = breast_grid(stripes, affine, "left", GridRules("off", 2.8))
    assert found.shape == (15, 40, 57) and found.reformatted
    assert np.allclose(found.place(stripes), 100, atol=1e-3)


def test_masks_and_images_share_the_grid_and_a_small_mask_is_not_lost():
    affine = np.diag([0.7, 0.7, 2.0, 1])
    affine[0, 3] = -60
    index = np.indices((60, 40, 20))
    ball = (index[0] - 30) ** 2 * 0.49 + (index[1] - 20) ** 2 * 0.49 + (index[2] - 10) ** 2 * 4 < 64
    found = breast_grid(ball * 100.0, affine, "left", GridRules("double", 2.8))
    mask, smooth = found.place(ball.astype(np.uint8), order=0), found.place(ball * 100.0) > 50
    assert mask.dtype == np.uint8 and mask.shape == smooth.shape == found.shape
    assert 2 * (mask & smooth).sum() / (mask.sum() + smooth.sum()) > 0.96
    volumes = [m.sum() * abs(np.linalg.det(a[:3, :3])) for m, a in ((ball, affine), (mask, found.affine))]
    assert volumes[1] == pytest.approx(volumes[0], rel=0.03)
    dot = np.zeros((60, 40, 20), np.uint8)
    dot[30, 20, 10] = 1
    assert found.place(dot, order=0).any()


def test_resampling_repeats_bit_for_bit_and_leaves_its_input_alone():
    volume = np.random.default_rng(0).gamma(2, 50, (40, 24, 12)).astype(np.float32)
    kept = volume.copy()
    first, second = (grid.resample(volume, (11, 48, 60)) for _ in range(2))
    assert np.array_equal(first, second) and np.array_equal(volume, kept) and first.dtype == np.float32


# The midline


def two_breasts(shift_mm=0.0, apart=150.0, belly=0.0, axial=False):
    """Two mounds on a chest, the sternum at `shift_mm`; the affine of a 320 mm wide volume centred on x = 0."""
    spacing = np.array([1.0, 1.0, 4.0]) if axial else np.array([3.2, 1.6, 2.0])
    shape = tuple(int(v) for v in np.array([320, 160, 160]) / spacing)
    affine = np.diag([*spacing, 1])
    affine[:3, 3] = -160 + spacing[0] / 2, 0, -80
    x, a, s = (affine[k, 3] + spacing[k] * np.arange(shape[k]) for k in range(3))
    x, a, s = np.meshgrid(x - shift_mm, a, s, indexing="ij", sparse=True)
    surface = 50 - 0.0012 * x**2 + belly * np.exp(-((s + 80) ** 2) / 400)
    for side in (-1, 1):
        surface = surface + 75 * np.exp(-((x - side * apart / 2) ** 2 + s**2) / (2 * 30**2))
    inside = (a < surface) & (np.abs(x) < 150)
    generator = np.random.default_rng(1)
    return np.where(inside, 100.0, 0) + np.abs(generator.normal(0, 4, shape)), affine


@pytest.mark.parametrize("axial", [False, True])
@pytest.mark.parametrize("shift", [-45.0, -30.0, 0.0, 4.0, 38.0])
def test_the_midline_of_an_off_centre_patient_is_found_in_the_image(shift, axial):
    volume, affine = two_breasts(shift, axial=axial)
    where, source = midline.find_midline(volume, affine)
    assert source == ("image" if abs(shift) > 20 else "origin")
    assert where == pytest.approx(shift if source == "image" else 0, abs=6)
    left, right = (breast_grid(volume, affine, side, GridRules("off")) for side in ("left", "right"))
    assert left.last + 1 == right.first and left.first == 0 and right.last == volume.shape[0] - 1
    assert left.facts()["midline_mm"] == round(where, 2) and left.facts()["midline_from"] == source


@pytest.mark.parametrize("origin", [0.0, 500.0, -900.0])
def test_an_implausible_origin_does_not_matter(origin):
    """Exports that lost the position count from 0 at the first section."""
    volume, affine = two_breasts(20.0)
    affine[0, 3] = origin
    where, source = midline.find_midline(volume, affine)
    assert source == "image" and where == pytest.approx(origin + 160 + 20, abs=8)


def test_a_belly_between_the_breasts_is_no_third_summit():
    volume, affine = two_breasts(-35.0, belly=60.0)
    assert midline.find_midline(volume, affine)[0] == pytest.approx(-35, abs=6)


def test_contradictions_between_origin_and_image_are_faults():
    volume, affine = two_breasts()
    one = volume[volume.shape[0] // 2 :]
    single = affine.copy()
    single[0, 3] = 2.0
    assert midline.find_midline(one, single) is None
    centred = single.copy()
    centred[0, 3] = -80.0  # one breast, but around x = 0
    narrow = ndimage.zoom(volume, (0.5, 1, 1), order=1)
    beside = affine.copy()
    beside[0, 3] = 5.0  # two breasts in 160 mm, but right of x = 0
    for image_, where in ((one, centred), (narrow, beside)):
        with pytest.raises(DataFault) as error:
            midline.find_midline(image_, where)
        assert error.value.code == "midline_unclear"


@pytest.mark.parametrize("plane", ["sagittal", "axial"])
@pytest.mark.parametrize("shift", [0.0, 26.0])
def test_the_midline_of_a_virtual_patient(plane, shift):
    """The phantom's anatomy, imaged in both planes: no section of one breast goes to the other."""
    design = ExamDesign(
        "E04", "P03", "both", "benign", "malignant", "development", "Discovery 3T", "coarse", 4, "per_phase", "none"
    )
    native, painted, slabs = place(design, SIZES["demo"], 1)
    anatomy = paint(design, painted, slabs, SIZES["demo"], 1)
    if plane == "axial":
        spacing = (1.2, 1.2, 3.0)
        size = (np.array(native.shape) * native.spacing / spacing).astype(int)
        native = Grid(native.origin, spacing, tuple(int(n) for n in size))
    signal = np.maximum(image.sample(anatomy.signal(90.0), painted, native), 0)
    truth = image.breast_mask(anatomy, native)
    affine = native.affine
    affine[0, 3] += shift
    for code, side in ((1, "left"), (2, "right")):
        found = breast_grid(signal, affine, side, GridRules())
        assert found.midline_from == ("image" if shift else "origin")
        own = found.cut(truth)
        assert (own == 3 - code).sum() < 0.03 * (own == code).sum()
        assert (own == code).sum() > 0.97 * (truth == code).sum()
        assert found.reformatted == (plane == "axial")


def test_a_bilateral_volume_is_cut_at_the_midline_and_nothing_is_lost():
    volume = np.arange(48)[:, None, None] * np.ones((48, 4, 4))
    affine = np.diag([3.5, 1, 1, 1.0])
    affine[0, 3] = -3.5 * 23.5
    left, left_affine = grid.cut_breast(volume, affine, "left")
    right, right_affine = grid.cut_breast(volume, affine, "right")
    assert np.array_equal(np.concatenate([left, right]), volume)
    assert at(left_affine, 0, 0, 0)[0] == affine[0, 3] and at(right_affine, 0, 0, 0)[0] == pytest.approx(1.75)


def test_a_volume_of_the_other_side_is_refused():
    volume = np.ones((20, 4, 4))
    assert np.array_equal(grid.cut_breast(volume, AFFINE, "left")[0], volume)
    with pytest.raises(DataFault, match="says right") as error:
        grid.cut_breast(volume, AFFINE, "right")
    assert error.value.code == "side_disagrees"


# The channels


@given(st.integers(2, 7), st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_washout_slope_is_the_least_squares_one(phases, seed):
    generator = np.random.default_rng(seed)
    times = np.sort(generator.uniform(0, 500, phases)) + np.arange(phases)
    posts = generator.normal(100, 20, (2, 3, phases))
    wanted = np.polyfit(times, posts.reshape(6, phases).T, 1)[0].reshape(2, 3)
    assert np.allclose(harmonize.enhancement_out(posts, times), wanted, atol=1e-4)


def test_channels_of_a_known_exam():
    times = [0.0, 100.0, 200.0, 300.0]
    phases = np.stack([np.full((6, 4, 4), v) for v in (50.0, 150.0, 140.0, 130.0)], axis=-1)
    t1c, dce_in, dce_out = harmonize.channels_of(phases, times, as_rate=False)
    assert (t1c[0, 0, 0], dce_in[0, 0, 0]) == (150, 100) and dce_out[0, 0, 0] == pytest.approx(-0.1)
    assert harmonize.channels_of(phases, times, as_rate=True)[1][0, 0, 0] == pytest.approx(1.0)


def test_unknown_times_exclude_or_are_assumed():
    known = [None, 90.0, 200.0]
    assert harmonize.phase_times(known, "difference", None)[1] is False
    for times, dce_in in ((known, "rate"), ([0.0, None, None], "difference"), ([0.0, 90.0, 90.0], "difference")):
        with pytest.raises(DataFault) as error:
            harmonize.phase_times(times, dce_in, None)
        assert error.value.code == "phase_times_unknown"
        assert harmonize.phase_times(times, dce_in, 120.0) == ([0.0, 120.0, 240.0], True)


def phases_of(seed=0, shape=(20, 10, 10, 4)):
    return np.random.default_rng(seed).gamma(2, 50, shape).astype(np.float32)


def test_a_difference_needs_no_time_of_the_first_phase_and_the_record_says_what_was_assumed():
    known, unknown = ([first, 90, 180, 270] for first in (0, None))
    made = [
        harmonize.harmonize_breast(phases_of(), AFFINE, t, "left", "A", "pre_p95", PLAIN)[0] for t in (known, unknown)
    ]
    assert np.array_equal(*made)
    assume = harmonize.Settings(GridRules("off"), assumed_interval_s=90.0)
    same, _, facts = harmonize.harmonize_breast(phases_of(), AFFINE, [None] * 4, "left", "A", "pre_p95", assume)
    assert np.array_equal(same, made[0]) and facts["times_assumed"] is True


# The scale of an exam


@pytest.mark.parametrize("harmonization", harmonize.HARMONIZATIONS)
def test_harmonization_removes_the_gain(harmonization):
    once, again = (
        harmonize.harmonize_breast(phases_of() * gain, AFFINE, [0, 90, 180, 270], "left", "A", harmonization, PLAIN)
        for gain in (1, 7)
    )
    assert np.allclose(once[0], again[0], rtol=1e-4, atol=1e-5)
    assert np.allclose(once[2]["landmarks"], again[2]["landmarks"], rtol=1e-4)
    for dead in (phases_of() * 0, np.where(phases_of() > 300, np.nan, phases_of())):
        with pytest.raises(DataFault, match="no_signal"):
            harmonize.harmonize_breast(dead, AFFINE, [0, 90, 180, 270], "left", "A", harmonization, PLAIN)


def test_the_scale_is_what_the_harmonization_says():
    phases, times = phases_of(), [0, 90, 180, 270]
    raw = harmonize.channels_of(phases, times, as_rate=False)
    pre = phases[..., 0]
    wanted = {
        "pre_p95": raw / np.percentile(pre, 95),
        "pre_max": raw / pre.max(),
        "own_p95": np.stack([channel / np.percentile(np.abs(channel), 95) for channel in raw]),
        "zscore": np.stack([(channel - channel.mean()) / channel.std() for channel in raw]),
        "histogram": raw / np.percentile(pre, 95),
    }
    assert tuple(wanted) == harmonize.HARMONIZATIONS
    for name, expected in wanted.items():
        scaled, _, facts = harmonize.harmonize_breast(phases, AFFINE, times, "left", "A", name, PLAIN)
        assert np.allclose(np.moveaxis(scaled, -1, 0), expected, rtol=1e-4, atol=1e-5)
        assert np.allclose(facts["p95"], [np.percentile(np.abs(c), 95) for c in expected], rtol=1e-4)
        assert scaled.shape == (20, 10, 10, 3) and facts["harmonization"] == name and facts["scanner"] == "A"


def test_a_sliver_of_a_breast_is_a_fault():
    with pytest.raises(DataFault, match="too_few_sections"):
        harmonize.harmonize_breast(phases_of(shape=(4, 9, 9, 4)), AFFINE, [0, 1, 2, 3], "left", "A", "pre_p95", PLAIN)


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_breast_without_a_side_is_the_one_that_the_volume_shows(side):
    volume, affine = np.random.default_rng(1).normal(size=(20, 4, 4)), AFFINE.copy()
    affine[0, 3] += {"left": 0, "right": 200}[side]
    named = grid.breast_grid(volume, affine, side, GridRules())
    open_ = grid.breast_grid(volume, affine, None, GridRules())
    assert np.array_equal(open_.cut(volume), named.cut(volume)) and np.array_equal(open_.affine, named.affine)
    assert grid.side_shown(open_.affine, open_.shape) == side


def test_a_breast_without_a_side_in_a_volume_of_both_is_refused():
    affine = np.diag([3.5, 1, 1, 1.0])
    affine[0, 3] = -3.5 * 23.5
    with pytest.raises(DataFault, match="shows both") as error:
        grid.cut_breast(np.ones((48, 4, 4)), affine, None)
    assert error.value.code == "side_open"
