"""Registration: both engines find known fields, bit for bit again; quality is measured, what is bad is flagged."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from radparity import config
from radparity.faults import FAULTS
from radparity.register import TARGET, Settings, displacement, jacobian, register_exam, warp
from radparity.register.pair import make_pair, tissue_box
from radparity.register.picture import draw, row
from radparity.register.quality import enhancing_mask, flags, likeness, measure, tissue_mask
from radparity.register.settings import Ants, Greedy, Limits

ROOT = Path(__file__).parents[2]
SHAPE, SPACING = (14, 64, 64), np.array([3.0, 1.5, 1.5])
INNER = (slice(2, -2), slice(8, -8), slice(8, -8))


def inverse(true):
    """u with u(x) = -true(x + u(x)): what a volume must be pulled along so that `true` undoes it."""
    found = -true
    for _ in range(8):
        points = np.indices(SHAPE) + np.moveaxis(found / SPACING, -1, 0)
        found = -np.stack(
            [ndimage.map_coordinates(true[..., a], points, order=1, mode="nearest") for a in range(3)], axis=-1
        )
    return found.astype(np.float32)


@pytest.fixture(scope="module")
def pair():
    """A textured volume, the same before contrast (bright parts darker) and moved, and the true field."""
    generator = np.random.default_rng(3)
    texture = ndimage.gaussian_filter(generator.normal(size=SHAPE), (0.8, 1.8, 1.8))
    gland = ndimage.gaussian_filter(generator.normal(size=SHAPE), (1, 3, 3)) > 0.02
    still = np.abs(texture) * 1000 + 50
    fixed = (still * np.where(gland, 2.0, 1.0)).astype(np.float32)
    true = np.stack([ndimage.gaussian_filter(generator.normal(size=SHAPE), (3, 9, 9)) for _ in range(3)], axis=-1)
    true[..., 0] *= 0.3
    true *= 2.0 / np.sqrt((true[INNER] ** 2).sum(-1).mean())
    moving = warp(still * 0.8, inverse(true), SPACING)
    return fixed, moving, true.astype(np.float32)


def error(field, true):
    return np.linalg.norm((field - true)[INNER], axis=-1).mean()


@pytest.mark.parametrize("engine", ["ants", "greedy"])
def test_an_engine_finds_a_known_field_through_contrast_and_repeats_bit_for_bit(pair, engine):
    fixed, moving, true = pair
    chosen = Settings(engine=engine)
    found = displacement(fixed, moving, SPACING, chosen)
    assert found.shape == (*SHAPE, 3) and found.dtype == np.float32
    assert error(found, true) < 0.35 * error(0, true)
    assert np.array_equal(found, displacement(fixed, moving, SPACING, chosen))
    assert jacobian(found, SPACING).min() > 0.3


@pytest.mark.parametrize("engine", ["ants", "greedy"])
@pytest.mark.parametrize("method", ["deformable", "affine"])
def test_the_number_of_threads_changes_no_bit(pair, engine, method, tmp_path):
    np.savez(tmp_path / "pair.npz", fixed=pair[0], moving=pair[1], spacing=SPACING)
    program = (
        "import sys, hashlib, numpy as np\n"
        "from radparity.register import Settings, displacement\n"
        "z = np.load(sys.argv[1])\n"
        f"chosen = Settings(engine={engine!r}, method={method!r}, threads=int(sys.argv[2]))\n"
        "print(hashlib.sha256(displacement(z['fixed'], z['moving'], z['spacing'], chosen).tobytes()).hexdigest())\n"
    )
    # The settings decide, not the environment that the job was started in.
    found = set()
    for threads, environment in (("1", "2"), ("2", "1")):
        out = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "pair.npz"), threads],
            env=os.environ
            | {"PYTHONPATH": str(ROOT / "workflow"), "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": environment},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        found.add(out.splitlines()[-1])
    assert len(found) == 1


@pytest.mark.parametrize("engine", ["ants", "greedy"])
def test_affine_finds_an_affine_motion_and_nothing_else(pair, engine):
    fixed = pair[0]
    matrix = np.array([[1.01, 0.0, 0.01], [0.0, 0.97, 0.03], [-0.01, -0.02, 1.02]])
    points = np.moveaxis(np.indices(SHAPE), 0, -1) * SPACING
    centre = points.reshape(-1, 3).mean(axis=0)
    true = ((points - centre) @ (matrix - np.eye(3)).T + [0.5, 2.0, -1.5]).astype(np.float32)
    moving = warp(fixed, inverse(true), SPACING)
    found = displacement(fixed, moving, SPACING, Settings(engine=engine, method="affine"))
    assert error(found, true) < 0.2 * error(0, true)
    change = jacobian(found, SPACING)[INNER]
    assert change.max() - change.min() < 1e-3


def test_warping_by_a_constant_field_is_a_shift_and_keeps_the_border():
    volume = ndimage.gaussian_filter(np.random.default_rng(0).gamma(2, 50, (9, 20, 20)), 1.5)
    field = np.zeros((*volume.shape, 3), np.float32)
    field[..., 1] = 2.0
    moved = warp(volume, field, np.array([3.0, 1.0, 1.0]))
    assert np.allclose(moved[:, :-3], volume[:, 2:-1], rtol=1e-3)
    assert np.allclose(moved[:, -1], volume[:, -1], rtol=1e-3)
    assert np.array_equal(moved, warp(volume, field, np.array([3.0, 1.0, 1.0]), threads=3))


@given(arrays.arrays(np.float32, (13, 4, 5), elements=strategies.floats(-50, 50, width=32)))
@settings(deadline=None, max_examples=20)
def test_warping_by_nothing_gives_the_positive_part(volume):
    field = np.zeros((*volume.shape, 3), np.float32)
    assert np.allclose(warp(volume, field, np.ones(3), order=1), np.maximum(volume, 0), atol=1e-4)
    assert np.allclose(warp(volume, field, np.ones(3)), np.maximum(volume, 0), atol=1e-3)


def test_the_jacobian_is_the_determinant_everywhere_also_between_slabs():
    generator = np.random.default_rng(1)
    field = ndimage.gaussian_filter(generator.normal(size=(17, 9, 10, 3)), (2, 2, 2, 0)).astype(np.float32) * 5
    spacing = np.array([3.0, 1.0, 0.5])
    gradient = np.stack(
        [np.stack(np.gradient(field[..., a].astype(float), *spacing), axis=-1) for a in range(3)], axis=-2
    )
    assert np.allclose(jacobian(field, spacing), np.linalg.det(gradient + np.eye(3)), atol=1e-4)


def test_the_coarse_pair_keeps_positions_along_every_axis():
    """A field that is linear in position comes back from the coarse grid as itself, wherever the tissue lies."""
    volume = np.zeros((40, 60, 50), np.float32)
    volume[8:30, 14:44, 10:42] = np.random.default_rng(2).gamma(2, 50, (22, 30, 32))
    spacing = np.array([0.8, 0.7, 1.1])
    pair = make_pair(volume, volume, spacing, 2.1, 6.0)
    assert (np.array(pair.fixed.shape) < np.array(volume.shape) / 1.5).all()
    assert pair.box == tissue_box(volume, spacing) and pair.box[1].start > 0
    start = np.array([part.start for part in pair.box]) * spacing
    # In mm of the native grid, a coarse voxel has its centre at start + (i + 0.5) * coarse spacing - 0.5 * spacing.
    places = np.moveaxis(np.indices(pair.fixed.shape) + 0.5, 0, -1) * pair.spacing + start - 0.5 * spacing
    fine = pair.fine(places.astype(np.float32))
    native = np.moveaxis(np.indices(volume.shape), 0, -1) * spacing
    inside = tuple(slice(part.start + 2, part.stop - 2) for part in pair.box)
    assert np.allclose(fine[inside], native[inside], atol=1e-3)


def test_normalization_makes_phases_of_unlike_contrast_and_gain_alike(pair):
    fixed, _, true = pair
    moved = make_pair(fixed, fixed * 7.0, SPACING, 2.1, 6.0)
    assert np.allclose(moved.fixed, moved.moving, atol=1e-4)


@pytest.fixture(scope="module")
def exam(pair):
    """Three phases of a textured breast in air with one lesion that takes up contrast, the first moved; the lesion."""
    distance = np.sqrt(
        sum(((i - (n - 1) / 2) / (0.42 * n)) ** 2 for i, n in zip(np.indices(SHAPE), SHAPE, strict=True))
    )
    breast = 1 / (1 + np.exp((distance - 1) / 0.05))
    lesion = np.zeros(SHAPE, bool)
    lesion[5:9, 28:38, 26:36] = True
    still = pair[0] * breast + 5
    target = still * (1 + 2 * ndimage.gaussian_filter(lesion.astype(float), (0.3, 1, 1)))
    before = warp(still, inverse(pair[2]), SPACING)
    return np.stack([before, target, target * 0.9], axis=-1).astype(np.float32), lesion


@pytest.mark.parametrize("engine", ["ants", "greedy"])
def test_an_exam_is_registered_in_place_with_its_quality(pair, exam, engine):
    original, lesion = exam
    phases = original.copy()
    found = register_exam(phases, np.diag([*SPACING, 1.0]), Settings(engine=engine), lambda _: None)
    assert found.phases is phases
    assert np.array_equal(phases[..., TARGET], original[..., TARGET])
    assert not np.array_equal(phases[..., 0], original[..., 0])
    assert np.allclose(found.fields[..., TARGET, :], 0) and found.fields.shape == (14, 16, 16, 3, 3)
    first, target, last = found.facts["quality"]
    assert first["likeness_after"] > first["likeness_before"] + 0.05
    assert "jacobian" not in target
    # ANTs scales every step to one length, so it also moves what lies in place already (docs/registration.md).
    assert last["mean_displacement_mm"] < {"ants": 0.6, "greedy": 0.1}[engine] < first["mean_displacement_mm"]
    assert first["mean_displacement_mm"] <= first["largest_displacement_mm"]
    bright = enhancing_mask(original[..., TARGET], phases[..., 0], tissue_mask(original[..., TARGET]))
    assert (bright & lesion).sum() > 0.9 * bright.sum()
    low, high = first["jacobian_enhancing"]
    assert first["jacobian"][0] <= low < 1 + first["volume_change_enhancing"] < high <= first["jacobian"][1]
    assert found.facts["flags"] == flags(found.facts["quality"], Limits())
    json.dumps(found.facts)


def test_volume_change_and_displacement_are_those_of_the_field():
    """A field that shrinks a block by a tenth along one axis, in mm, and leaves the rest."""
    field = np.zeros((10, 20, 20, 3), np.float32)
    field[:, 5:15, :, 1] = -0.1 * np.arange(10)[:, None] * 2.0
    field[:, 15:, :, 1] = -0.1 * 9 * 2.0
    tissue, lesion = np.ones(field.shape[:3], bool), np.zeros(field.shape[:3], bool)
    lesion[3:6, 7:13, 5:9] = True
    found = measure(field, np.array([3.0, 2.0, 2.0]), tissue, lesion)
    assert found["volume_change_enhancing"] == pytest.approx(-0.1, abs=1e-3)
    assert found["jacobian_enhancing"] == pytest.approx([0.9, 0.9], abs=1e-3)
    assert found["jacobian"] == pytest.approx([0.9, 1.0], abs=1e-3)
    assert found["largest_displacement_mm"] == pytest.approx(1.8, abs=1e-3)
    assert found["mean_displacement_mm"] == pytest.approx(float(np.abs(field).sum(-1).mean()), abs=1e-3)


def test_off_moves_nothing_and_still_draws(exam, tmp_path):
    phases = exam[0]
    found = register_exam(phases.copy(), np.diag([*SPACING, 1.0]), Settings(method="off"), lambda _: None)
    assert np.array_equal(found.phases, phases) and not found.fields.any()
    assert all("likeness_after" not in q for q in found.facts["quality"])
    draw(found.rows, SPACING, tmp_path / "quality.png")
    assert (tmp_path / "quality.png").stat().st_size > 1000


def test_what_lies_beyond_the_limits_is_flagged_with_its_phase():
    good = {
        "phase": 0,
        "likeness_before": 0.8,
        "likeness_after": 0.9,
        "jacobian": [0.7, 1.3],
        "volume_change_enhancing": 0.02,
    }
    limits = Limits(jacobian=(0.3, 3.0), volume_change=0.1, worse=0.01)
    assert flags([good, {"phase": 1, "likeness_before": 1.0}], limits) == []
    bad = {
        "registration_worse": good | {"phase": 4, "likeness_after": 0.78},
        "registration_folds": good | {"phase": 4, "jacobian": [-0.1, 1.2]},
        "lesion_volume_changed": good | {"phase": 4, "volume_change_enhancing": -0.12},
    }
    for code, entry in bad.items():
        (flag,) = flags([good, entry], limits)
        assert flag["code"] == code and "phase 5" in flag["sentence"]
        assert FAULTS[code].flag and FAULTS[code].stage == "register"
    assert flags([good | {"likeness_after": 0.795}], limits) == []


def test_an_unrelated_phase_is_flagged_from_its_images(pair):
    """A phase of another patient, as after a mix-up in the archive: nothing to align, so tissue is torn about."""
    fixed = pair[0]
    other = np.roll(fixed[::-1, ::-1], 20, axis=2)
    wild = Settings(engine="greedy", greedy=Greedy(update_sigma=1.0, total_sigma=0.1, iterations=(100, 100)))
    phases = np.stack([other, fixed, fixed], axis=-1).astype(np.float32)
    found = register_exam(phases, np.diag([*SPACING, 1.0]), wild, lambda _: None)
    assert "registration_folds" in [flag["code"] for flag in found.facts["flags"]]


def test_strong_uptake_is_found_where_it_is():
    generator = np.random.default_rng(5)
    before = generator.normal(100, 2, (12, 40, 40)).astype(np.float32)
    target = before + 5
    target[4:7, 10:16, 20:26] += 80
    found = enhancing_mask(target, before, np.ones(before.shape, bool))
    assert found[5, 12, 22] and found.sum() <= 0.0101 * found.size
    assert found[3:8, 9:17, 19:27].sum() == found.sum()


def test_likeness_of_a_constant_phase_is_none_and_no_warning():
    volume = np.random.default_rng(0).gamma(2, 50, (4, 8, 8))
    everywhere = np.ones(volume.shape, bool)
    assert likeness(volume, np.zeros_like(volume), everywhere) == 0
    assert likeness(volume, 3 * volume, everywhere) == pytest.approx(1)


def test_the_picture_is_small_and_the_same_again(tmp_path):
    generator = np.random.default_rng(0)
    volume = generator.gamma(2, 50, (3, 512, 512)).astype(np.float32)
    rows = [row(phase, volume, volume[:, ::-1], volume, 1) for phase in range(7)]
    for name in ("one", "two"):
        draw(rows, np.array([3.0, 0.4, 0.4]), tmp_path / f"{name}.png")
    one, two = (hashlib.sha256((tmp_path / f"{n}.png").read_bytes()).hexdigest() for n in ("one", "two"))
    assert one == two
    # Pure noise does not compress: no image is larger than this.
    assert (tmp_path / "one.png").stat().st_size < 200_000


def test_the_configuration_and_the_library_agree_on_every_setting_and_default():
    block = config.Register().model_dump(mode="json")
    assert Settings.of(block) == Settings()
    assert Settings.of(block | {"engine": "greedy", "ants": {"radius": 2}}).ants == Ants(radius=2)
    with pytest.raises(TypeError):
        Settings.of(block | {"spacing": 3})
