"""The small arithmetic of the chain: grids, channels, outlines, folds, thresholds, kinetics, masks, registration."""

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from radparity import fold, grid, harmonize, kinetics, mask, outline, register, segment
from radparity.record import DataFault

AFFINE = np.array([[3.0, 0, 0, -70], [0, 1.0, 0, -20], [0, 0, 1.0, -30], [0, 0, 0, 1]])


def at(affine, *voxel):
    return (affine @ [*voxel, 1])[:3]


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
    assert grid.cut_breast(volume, AFFINE, "left")[0] is volume
    with pytest.raises(DataFault, match="says right") as error:
        grid.cut_breast(volume, AFFINE, "right")
    assert error.value.code == "side_disagrees"


@given(st.integers(2, 7), st.integers(0, 10_000))
@settings(max_examples=30)
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


@pytest.mark.parametrize("harmonization", ["pre_p95", "pre_max", "own_p95", "zscore"])
def test_harmonization_removes_the_gain(harmonization):
    generator = np.random.default_rng(0)
    pre = generator.gamma(2, 50, (6, 8, 8)).astype(np.float32)
    channels = generator.normal(100, 30, (3, 6, 8, 8)).astype(np.float32)
    once = harmonize.scale(channels, pre, harmonization)[0]
    again = harmonize.scale(channels * 7, pre * 7, harmonization)[0]
    assert np.allclose(once, again, rtol=1e-4, atol=1e-5)
    with pytest.raises(DataFault, match="no_signal"):
        harmonize.scale(channels * 0, pre * 0, harmonization)


def test_p95_of_the_record_is_the_scaled_channels_own():
    generator = np.random.default_rng(0)
    phases = generator.gamma(2, 50, (20, 10, 10, 4)).astype(np.float32)
    scaled, own, facts = harmonize.harmonize_breast(phases, AFFINE, [0, 90, 180, 270], "left", "pre_p95", "off", False)
    assert np.allclose(facts["p95"], [np.percentile(np.abs(scaled[..., c]), 95) for c in range(3)], rtol=1e-5)
    assert scaled.shape == (20, 10, 10, 3) and facts["divisors"][0] == pytest.approx(np.percentile(phases[..., 0], 95))


def written(tmp_path, array, affine=AFFINE, name="o.nii.gz"):
    nibabel.save(nibabel.Nifti1Image(array, affine), tmp_path / name)
    return tmp_path / name


def disc(section=7, shape=(20, 30, 30), centre=(12, 17), radius=5):
    index = np.indices(shape[1:])
    out = np.zeros(shape, np.uint8)
    out[section] = (index[0] - centre[0]) ** 2 + (index[1] - centre[1]) ** 2 <= radius**2
    return out


def test_an_outline_is_placed_by_position_in_any_orientation(tmp_path):
    drawn = disc()
    flipped = nibabel.Nifti1Image(
        drawn[::-1, :, ::-1], AFFINE @ np.array([[-1, 0, 0, 19], [0, 1, 0, 0], [0, 0, -1, 29], [0, 0, 0, 1.0]])
    )
    nibabel.save(flipped, tmp_path / "f.nii.gz")
    turned = nibabel.Nifti1Image(
        drawn.transpose(2, 0, 1), AFFINE @ np.array([[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1.0]])
    )
    nibabel.save(turned, tmp_path / "t.nii.gz")
    fine, own = grid.resample_in_plane(drawn, AFFINE, "double", order=0)
    files = {"R1": written(tmp_path, drawn), "R2": tmp_path / "f.nii.gz", "R3": tmp_path / "t.nii.gz"}
    masks, affine, facts = outline.outline_case(files, drawn.shape, AFFINE, fine.shape, own)
    assert facts["section"] == 7 and masks.shape == (1, 60, 60, 3)
    for rater in range(3):
        assert np.array_equal(masks[0, ..., rater], fine[7])
    assert facts["area_mm2"]["R1"] == pytest.approx(drawn.sum())
    assert np.allclose(at(affine, 0, 0, 0), at(own, 7, 0, 0))


@pytest.mark.parametrize(
    ("array", "affine", "code"),
    [
        (disc(shape=(20, 30, 31)), AFFINE, "outline_shape"),
        (disc() * 2, AFFINE, "outline_values"),
        (disc(), AFFINE + np.array([[0, 0, 0, 4.0], [0] * 4, [0] * 4, [0] * 4]), "outline_geometry"),
        (disc() * 0, AFFINE, "outline_empty"),
        (disc(3) + disc(8), AFFINE, "outline_sections"),
    ],
)
def test_outlines_that_cannot_be_used(tmp_path, array, affine, code):
    file = written(tmp_path, array.astype(np.uint8), affine)
    with pytest.raises(DataFault) as error:
        outline.outline_case({"R1": file}, (20, 30, 30), AFFINE, (20, 30, 30), AFFINE)
    assert error.value.code == code
    assert code == "outline_empty" or code == "outline_sections" or "o.nii.gz" in error.value.sentence


def test_outlines_missing_corrupt_or_on_different_sections(tmp_path):
    good, other = written(tmp_path, disc(7)), written(tmp_path, disc(8), name="other.nii.gz")
    (tmp_path / "bad.nii.gz").write_bytes(good.read_bytes()[:60])
    for file, code in (
        (tmp_path / "none.nii.gz", "outline_missing"),
        (tmp_path / "bad.nii.gz", "outline_unreadable"),
        (other, "outline_sections"),
    ):
        with pytest.raises(DataFault) as error:
            outline.outline_case({"R1": good, "R2": file}, (20, 30, 30), AFFINE, (20, 30, 30), AFFINE)
        assert error.value.code == code


def test_a_tiny_outline_is_not_lost_on_a_coarser_grid(tmp_path):
    drawn = disc(radius=0)
    coarse, own = grid.resample_in_plane(drawn, AFFINE, 4.0, order=0)
    masks, *_ = outline.outline_case({"R1": written(tmp_path, drawn)}, drawn.shape, AFFINE, coarse.shape, own)
    assert masks.any()


members = st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=6, max_size=60).map(
    lambda rows: [fold.Member(f"B{n}", f"P{patient}", ill) for n, (patient, ill) in enumerate(rows)]
)


@given(members, st.integers(2, 5), st.integers(0, 5))
def test_no_patient_is_on_two_sides_of_a_fold(rows, count, seed):
    folds = [str(n) for n in range(1, count + 1)]
    assigned = fold.assign_folds(rows, folds, seed, "patient")
    assert fold.assign_folds(reversed(rows), folds, seed, "patient") == assigned
    held = {name: {m.breast for m in rows if assigned[m.breast] == name} for name in folds}
    assert sum(map(len, held.values())) == len(rows)
    ill = [len({m.patient for m in rows if m.malignant and assigned[m.breast] == name}) for name in folds]
    assert max(ill) - min(ill) <= 1
    for name in folds:
        role = fold.roles(rows, assigned, name, 0.25, seed, "patient")
        sides = {}
        for m in rows:
            sides.setdefault(m.patient, set()).add(role[m.breast])
        assert all(len(found) == 1 for found in sides.values())
        assert {b for b, r in role.items() if r == "held_out"} == held[name]


def test_divisors_are_a_percentile_over_training_breasts_and_need_some():
    assert fold.divisors([{"p95": [1.0, 2.0]}, {"p95": [3.0, 4.0]}]) == pytest.approx([2.9, 3.9])
    with pytest.raises(ValueError, match="no training breast is left"):
        fold.divisors([])
    with pytest.raises(ValueError, match="empty in every training breast"):
        fold.divisors([{"p95": [1.0, 0.0]}])


def bump(shape, centre, sigma, height):
    index = np.indices(shape)
    return height * np.exp(-((index[0] - centre[0]) ** 2 + (index[1] - centre[1]) ** 2) / (2 * sigma**2))


def test_only_components_that_reach_the_maximum_stay():
    section = np.maximum(bump((60, 60), (15, 15), 4, 1.0), bump((60, 60), (45, 45), 6, 0.8))
    found = segment.segment_section(section, 0.5, 0.95)
    assert found[15, 15] and not found[45, 45]
    both = segment.segment_section(section, 0.5, 0.7)
    assert both[15, 15] and both[45, 45]


@pytest.mark.parametrize("centre", [(30, 30), (2, 3), (58, 57)])
def test_a_tiny_lesion_survives_anywhere(centre):
    """The published code shifts the seeds of its component rule and deletes these."""
    section = bump((60, 60), centre, 1.0, 0.9)
    found = segment.segment_section(section, 0.5, 0.95)
    assert found[centre] and 1 <= found.sum() <= 9


def test_a_map_without_signal_gives_nothing():
    assert not segment.segment_section(np.zeros((9, 9)), 0.5, 0.95).any()


@given(st.floats(0.1, 0.9), st.floats(0.01, 50))
def test_the_fraction_is_relative_to_the_maximum(fraction, gain):
    section = bump((40, 40), (20, 20), 5, 1.0)
    assert np.array_equal(
        segment.segment_section(section, fraction, 0.9), segment.segment_section(section * gain, fraction, 0.9)
    )


def test_tuning_finds_the_fraction_that_was_planted():
    section = bump((60, 60), (30, 30), 8, 0.7)
    truth = section >= 0.4 * section.max()
    best, curve = segment.tune_fraction([section], [[truth, truth]], 0.95)
    assert best == 0.4 and max(curve, key=lambda p: p["mean_dice"])["mean_dice"] == 1.0
    with pytest.raises(ValueError, match="no tuning case"):
        segment.tune_fraction([section], [[truth & False]], 0.95)


def test_a_tie_takes_the_middle_of_its_run():
    section = np.zeros((20, 20))
    section[5:10, 5:10] = 1.0
    best, _ = segment.tune_fraction([section], [[section > 0]], 0.95)
    assert best == 0.5


def test_kinetics_by_hand():
    pre, early, late = (np.array([v]) for v in ([100.0, 0.0], [180.0, 5.0], [140.0, 5.0]))
    assert kinetics.percent_enhancement(pre, early).tolist() == [[80.0, 0.0]]
    assert kinetics.enhancement_ratio(pre, early, late)[0, 0] == 2.0


def test_functional_tumour_volume_drops_isolated_voxels_and_counts_neighbours_before_the_box():
    phases = np.full((10, 10, 10, 3), 100.0)
    phases[2:5, 2:5, 2:5] = [100, 190, 150]
    phases[8, 8, 8] = [100, 190, 150]
    site = kinetics.SiteVolume(np.array([3.0, 3, 3]), np.array([1.0, 1, 0.5]), 35, 70, 0, [])
    found, box = kinetics.functional_tumour_volume(phases, np.eye(4), site)
    assert box.sum() == 9 and found.sum() == 9
    wide = kinetics.SiteVolume(np.array([5.0, 5, 5]), np.array([9.0, 9, 9]), 35, 70, 0, [])
    assert kinetics.functional_tumour_volume(phases, np.eye(4), wide)[0].sum() == 27


def test_the_mask_finds_bright_tissue_and_refuses_air():
    generator = np.random.default_rng(0)
    image = np.abs(generator.normal(0, 3, (12, 60, 60)))
    index = np.indices(image.shape)
    breast = (index[1] - 15) ** 2 + (index[2] - 30) ** 2 < 22**2
    image[breast] += 60
    image[5:7, 14:18, 28:32] = 2  # a dark cyst inside is part of the breast
    spacing = np.array([3.0, 1.5, 1.5])
    found, facts = mask.breast_mask(image, spacing)
    assert 2 * (found & breast).sum() / (found.sum() + breast.sum()) > 0.95 and found[5, 15, 30]
    assert facts["volume_ml"] == pytest.approx(found.sum() * 6.75 / 1000, abs=0.1)
    with pytest.raises(DataFault):
        mask.breast_mask(np.zeros((12, 60, 60)), spacing)


def test_warping_by_a_constant_field_is_a_shift():
    volume = np.random.default_rng(0).gamma(2, 50, (6, 20, 20))
    volume = ndimage.gaussian_filter(volume, 1.5)
    field = np.zeros((*volume.shape, 3), np.float32)
    field[..., 1] = 2.0
    moved = register.warp(volume, field, np.array([3.0, 1.0, 1.0]))
    assert np.allclose(moved[:, :-3], volume[:, 2:-1], rtol=1e-3)


def test_the_jacobian_of_a_scaling():
    index = np.indices((8, 9, 10)).astype(np.float32)
    spacing = np.array([3.0, 1.0, 0.5])
    field = np.stack([0.1 * index[a] * spacing[a] for a in range(3)], axis=-1).astype(np.float32)
    assert np.allclose(register.jacobian(field, spacing), 1.1**3, rtol=1e-4)


def test_registration_finds_a_known_field_and_repeats_bit_for_bit():
    generator = np.random.default_rng(3)
    shape, spacing = (12, 48, 48), np.array([3.0, 2.0, 2.0])
    affine = np.diag([*spacing, 1])
    fixed = np.abs(ndimage.gaussian_filter(generator.normal(size=shape), (0.8, 1.6, 1.6))) * 1000 + 50
    true = np.stack([ndimage.gaussian_filter(generator.normal(size=shape), (3, 7, 7)) for _ in range(3)], axis=-1)
    true[..., 0] *= 0.2
    true *= 2.5 / np.sqrt((true**2).sum(-1).mean())
    inverse = -true
    for _ in range(8):
        points = np.indices(shape) + np.moveaxis(inverse / spacing, -1, 0)
        inverse = -np.stack(
            [ndimage.map_coordinates(true[..., a], points, order=1, mode="nearest") for a in range(3)], axis=-1
        )
    moving = register.warp(fixed, inverse.astype(np.float32), spacing) * 0.6
    chosen = register.Settings(
        method="deformable",
        spacing_mm=2.0,
        metric="mattes",
        metric_radius=32,
        iterations=(60, 30),
        flow_sigma=4.0,
        total_sigma=0.5,
    )
    found = register.displacement(fixed, moving, affine, chosen)
    inner = (slice(2, -2), slice(6, -6), slice(6, -6))
    before = np.linalg.norm(true[inner], axis=-1).mean()
    after = np.linalg.norm((found - true)[inner], axis=-1).mean()
    assert after < 0.5 * before
    assert np.array_equal(found, register.displacement(fixed, moving, affine, chosen))
