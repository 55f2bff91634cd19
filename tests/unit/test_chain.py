"""The small arithmetic of the chain: outlines, folds, thresholds, kinetics, registration."""

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radparity import fold, grid, kinetics, outline, segment
from radparity.record import DataFault

AFFINE = np.array([[3.0, 0, 0, -70], [0, 1.0, 0, -20], [0, 0, 1.0, -30], [0, 0, 0, 1]])


def at(affine, *voxel):
    return (affine @ [*voxel, 1])[:3]


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
    masks, affine, facts, _ = outline.outline_case(files, drawn.shape, AFFINE, fine.shape, own)
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


def test_a_mask_on_several_sections_has_no_place_on_one():
    with pytest.raises(ValueError, match="several sections"):
        outline.place.place(disc(3) + disc(8) > 0, AFFINE, AFFINE, (20, 30, 30), 3)


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


def test_kinetics_by_hand():
    pre, early, late = (np.array([v]) for v in ([100.0, 0.0], [180.0, 5.0], [140.0, 5.0]))
    assert kinetics.percent_enhancement(pre, early).tolist() == [[80.0, 0.0]]
    assert kinetics.enhancement_ratio(pre, early, late)[0, 0] == 2.0
