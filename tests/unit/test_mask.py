"""The breast mask: against the phantoms' truth, on phantoms made difficult, and the mask network."""

from __future__ import annotations

import hashlib
import os
import signal
from functools import cache
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from radparity.config import ConfigError, load
from radparity.grid import GridRules
from radparity.load import load_study
from radparity.mask import network as by_network
from radparity.mask import sections, wall
from radparity.mask.classical import breast_mask
from radparity.mask.coarse import coarsen, refine
from radparity.networks.mask_unet import MaskUNet, initialise
from radparity.phantom import image as phantom
from radparity.phantom.anatomy import paint
from radparity.phantom.design import SCANNERS, SIZES, ExamDesign, generator
from radparity.phantom.grid import place
from radparity.record import DataFault
from radparity.train import mask_weights
from radparity.train.interrupt import Interrupted
from radparity.train.mask_breasts import masked_breast, split
from radparity.train.mask_loop import MaskedBreast, MaskSettings, draw, soft_dice_loss, train_mask

ROOT = Path(__file__).parents[2]
SEED = 11


@cache
def virtual(side, resolution="coarse", sides=None):
    """A virtual breast 120 s after injection: image, truth, spacing."""
    imaged = sides or side
    labels = ["malignant" if imaged in (name, "both") else "" for name in ("left", "right")]
    design = ExamDesign("E07", "P03", imaged, *labels, "test", "Discovery 3T", resolution, 4, "multiphase", "none")
    native, painted, slabs = place(design, SIZES["demo"], SEED)
    anatomy = paint(design, painted, slabs, SIZES["demo"], SEED)
    signal_ = phantom.sample(anatomy.signal(120.0), painted, native)
    image = phantom.rician(generator(SEED, "noise"), signal_, SCANNERS[design.scanner].noise)
    truth = phantom.breast_mask(anatomy, native) == (1 if side == "left" else 2)
    own = np.flatnonzero(truth.any(axis=(1, 2)))
    cut = slice(own[0], own[-1] + 1)
    return image[cut], truth[cut], np.array(native.spacing)


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


@pytest.mark.parametrize(
    ("side", "resolution", "sides"),
    [("left", "coarse", None), ("right", "coarse", None), ("left", "fine", None), ("right", "coarse", "both")],
)
def test_the_mask_agrees_with_the_truth(side, resolution, sides):
    image, truth, spacing = virtual(side, resolution, sides)
    found, facts = breast_mask(image, spacing)
    assert dice(found, truth) > 0.95
    assert facts["volume_ml"] == pytest.approx(found.sum() * np.prod(spacing) / 1000, abs=0.1)
    assert facts["fat"] == "dark" and facts["wall_seen"] > 0.8 and not facts["flags"]


@pytest.mark.parametrize("gain", [1e-4, 37.0])
def test_the_mask_does_not_depend_on_the_gain(gain):
    image, _, spacing = virtual("left")
    assert dice(breast_mask(image * np.float32(gain), spacing)[0], breast_mask(image, spacing)[0]) > 0.999


def implanted(image, truth, spacing, level):
    """A ball of even signal, in units of the breast's median, in the middle of the breast."""
    depth = ndimage.distance_transform_edt(truth, sampling=spacing)
    centre = np.unravel_index(np.argmax(depth), depth.shape)
    index = np.indices(image.shape, sparse=True)
    ball = sum(((i - c) * s) ** 2 for i, c, s in zip(index, centre, spacing, strict=True)) < (0.8 * depth.max()) ** 2
    noise = np.random.default_rng(0).choice(image[:, -12:].ravel(), image.shape)
    return np.where(ball, np.hypot(level * np.median(image[truth]), noise), image).astype(np.float32), ball


@pytest.mark.parametrize("level", [0.0, 5.0])
def test_an_implant_stays_in_the_mask(level):
    image, truth, spacing = virtual("left")
    difficult, ball = implanted(image, truth, spacing, level)
    found, _ = breast_mask(difficult, spacing)
    assert found[ball].all() and dice(found, truth) > 0.95


def test_faint_ghosts_in_the_air_are_left_out():
    image, truth, spacing = virtual("left")
    ghost = 0.02 * np.roll(image, image.shape[2] // 2, axis=2) + 0.02 * np.roll(image, image.shape[1] // 2, axis=1)
    assert dice(breast_mask(image + ghost, spacing)[0], truth) > 0.95


def test_the_mask_holds_where_signal_falls_off_behind():
    image, truth, spacing = virtual("left")
    tip = np.flatnonzero(truth.any(axis=(0, 2)))[-1]
    behind = np.clip(tip - np.arange(image.shape[1]), 0, None) * spacing[1]
    noise = image[:, -12:].std()
    generator_ = np.random.default_rng(0)
    faded = np.hypot(
        image * np.exp(-behind / 60)[:, None] + generator_.normal(0, noise, image.shape),
        generator_.normal(0, noise, image.shape),
    )
    assert dice(breast_mask(faded.astype(np.float32), spacing)[0], truth) > 0.95


def test_an_axial_exam_gives_the_same_mask():
    image, truth, spacing = virtual("left")
    lengthened = round(image.shape[0] * spacing[0])

    def axial(volume):
        fine = ndimage.zoom(volume, (lengthened / volume.shape[0], 1, 1), order=1, grid_mode=True, mode="nearest")
        kept = volume.shape[2] // 3 * 3
        return fine[:, :, :kept].reshape(*fine.shape[:2], -1, 3).mean(axis=3)

    step = np.array([spacing[0] * image.shape[0] / lengthened, spacing[1], 3 * spacing[2]])
    found, _ = breast_mask(axial(image), step)
    assert dice(found, axial(truth.astype(np.float32)) > 0.5) > 0.95


def test_air_that_the_scanner_has_blanked():
    image, truth, spacing = virtual("left")
    blanked = np.where(image < 1.8 * np.median(image[:, -12:]), 0, image)
    assert dice(breast_mask(blanked, spacing)[0], truth) > 0.95


def test_fat_that_is_not_suppressed():
    """Tissue turned over: fat is bright, gland and muscle are dark; the skin stays as bright as the fat."""
    image, truth, spacing = virtual("left")
    depth = ndimage.distance_transform_edt(truth, sampling=spacing)
    body = truth | (np.cumsum(truth[:, ::-1], axis=1)[:, ::-1] > 0)
    bright = np.percentile(image[truth], 80)
    turned = np.where(body, np.clip(1.2 * bright - image, 0.2 * bright, None), image)
    turned[truth & (depth < 3) & (np.cumsum(truth, axis=1) > 4)] = bright
    found, facts = breast_mask(turned.astype(np.float32), spacing)
    assert facts["fat"] == "bright" and dice(found, truth) > 0.93
    told, facts = breast_mask(turned.astype(np.float32), spacing, fat="bright")
    assert facts["fat"] == "bright" and np.array_equal(told, found)


def test_the_flank_does_not_run_on_to_the_back():
    index = np.indices((120, 110, 20)).astype(float)
    thorax = (index[0] / 110) ** 2 + ((index[1] - 5) / 80) ** 2
    body = (thorax < 1) | (((index[0] - 45) / 35) ** 2 + ((index[1] - 70) / 35) ** 2 + ((index[2] - 10) / 12) ** 2 < 1)
    tissue = np.where(thorax < 0.72, 60.0, 25.0) * body
    noise = np.random.default_rng(1).normal(0, 3, (2, *body.shape))
    found, _ = breast_mask(np.hypot(tissue + noise[0], noise[1]).astype(np.float32), np.array([1.5, 1.5, 4.0]))
    # The wall's foremost point is 5 + 80 * sqrt(0.72) voxels from the back.
    reach = (5 + 80 * np.sqrt(0.72)) * 1.5 - 60
    back = np.flatnonzero(found.any(axis=(0, 2)))[0] * 1.5
    assert back == pytest.approx(reach, abs=6) and found[45, 95, 10] and not found[45, 60, 10]


def test_a_wall_that_nobody_can_see_is_flagged():
    index = np.indices((20, 80, 80)).astype(float)
    body = index[1] < 30 + 30 * np.exp(-((index[2] - 40) ** 2) / 400)
    noise = np.random.default_rng(1).normal(0, 3, (2, *body.shape))
    even = np.hypot(60 * body + noise[0], noise[1]).astype(np.float32)
    _, facts = breast_mask(even, np.array([3.0, 1.5, 1.5]))
    assert [flag["code"] for flag in facts["flags"]] == ["chest_wall_unseen"]


def test_volumes_without_a_breast_are_refused():
    spacing = np.array([3.0, 1.0, 1.0])
    with pytest.raises(DataFault) as fault:
        breast_mask(np.zeros((12, 60, 60), np.float32), spacing)
    assert fault.value.code == "no_signal"
    air = np.abs(np.random.default_rng(0).normal(5, 1, (12, 60, 60))).astype(np.float32)
    air[5:7, 5:12, 25:32] = 80
    with pytest.raises(DataFault) as fault:
        breast_mask(air, spacing)
    assert fault.value.code == "no_breast"


@given(st.integers(0, 10_000), st.floats(0, 1))
@settings(deadline=None, max_examples=40)
def test_one_line_of_columns_gets_its_best_path(seed, bend):
    """On a single line the sum of paths is exact: the dearest alternative is found by trying all paths."""
    cost = np.random.default_rng(seed).random((1, 5, 4)).astype(np.float32)
    paths = np.stack(np.meshgrid(*[np.arange(4)] * 5, indexing="ij"), axis=-1).reshape(-1, 5)
    prices = cost[0, np.arange(5), paths].sum(axis=1) + bend * np.abs(np.diff(paths, axis=1)).sum(axis=1)
    total = wall.aggregate(cost, bend)[0]
    for column in range(5):
        best = np.array([prices[paths[:, column] == candidate].min() for candidate in range(4)])
        assert np.allclose(total[column] - total[column].min(), best - best.min(), atol=1e-4)


@given(st.lists(st.integers(0, 60), min_size=3, max_size=30))
def test_the_chest_skin_lies_under_the_profile_and_bulges_nowhere(profile):
    inside = np.arange(61)[None, :, None] < np.array(profile)[None, None, :]
    line = wall.chest_skin(inside, np.ones(3))[0]
    known = np.array(profile) > 0
    assert (line[known] <= np.array(profile)[known] + 1e-9).all()
    first, last = (np.flatnonzero(known)[[0, -1]]) if known.any() else (0, 0)
    assert (np.diff(line[first : last + 1], 2) >= -1e-9).all()


def test_coarse_grids_and_back_keep_a_linear_image():
    index = np.indices((6, 16, 24)).astype(np.float32)
    image = 2 * index[0] + index[1] - 3 * index[2]
    coarse, factors = coarsen(image, np.array([3.0, 0.4, 0.4]), 0.8)
    assert factors.tolist() == [1, 2, 2] and coarse.shape == (6, 8, 12)
    assert np.allclose(refine(coarse, factors, image.shape)[:, 1:-1, 1:-1], image[:, 1:-1, 1:-1], atol=1e-4)


# The network.


def test_the_network_is_the_one_of_the_paper():
    network = MaskUNet()
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == 227_960
    table = []
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Conv3d):
            layer.register_forward_hook(lambda m, i, o: table.append((m.in_channels, *o.shape[1:])))
    out = network(torch.zeros(1, 1, 3, 256, 256), torch.zeros(1, 3, 256, 256))
    assert table == [
        (1, 8, 1, 256, 256),
        (11, 16, 256, 256), (16, 16, 256, 256),
        (16, 32, 128, 128), (32, 32, 128, 128),
        (32, 48, 64, 64), (48, 48, 64, 64),
        (48, 64, 32, 32), (64, 64, 32, 32),
        (112, 48, 64, 64), (48, 48, 64, 64),
        (80, 32, 128, 128), (32, 32, 128, 128),
        (48, 16, 256, 256), (16, 16, 256, 256),
        (19, 2, 256, 256),
    ]  # fmt: skip
    # Each channel has a sigmoid of its own: the two do not add up to 1.
    assert out.shape == (1, 2, 256, 256) and not torch.allclose(out.sum(1), torch.ones(1, 256, 256))


def test_the_upsampling_repeats_the_nearest_voxel():
    from radparity.networks.mask_unet import _double

    plane = torch.randn(2, 3, 4, 5)
    assert torch.equal(_double(plane), torch.nn.functional.interpolate(plane, scale_factor=2, mode="nearest"))


def test_sections_are_scaled_by_their_own_percentile_and_fine_ones_made_coarse():
    image = np.random.default_rng(0).gamma(2, 50, (4, 512, 512)).astype(np.float32)
    fine = sections.to_sections(image, np.array([3.0, 0.35, 0.35]))
    assert fine.shape == (4, 256, 256)
    blocks = image.reshape(4, 256, 2, 256, 2).mean(axis=(2, 4)) / np.percentile(image, 95)
    assert np.allclose(fine, blocks, rtol=1e-4)
    assert np.allclose(sections.to_sections(image * 7, np.array([3.0, 0.35, 0.35])), fine, rtol=1e-4)
    with pytest.raises(DataFault):
        sections.to_sections(np.zeros((4, 64, 64)), np.array([3.0, 1.0, 1.0]))


def test_every_section_is_predicted_with_its_neighbours_and_coordinates():
    torch.manual_seed(0)
    network = MaskUNet()
    initialise(network, 3)
    volume = np.random.default_rng(0).gamma(2, 0.2, (5, 256, 256)).astype(np.float32)
    found = by_network.predict_sections(network, volume, at_once=2)
    mirrored = np.stack([volume[1], volume[0], volume[1]])
    index = np.meshgrid([0.0], np.arange(256) / 256, np.arange(256) / 256, indexing="ij")
    with torch.inference_mode():
        first = network(
            torch.from_numpy(mirrored[None, None]), torch.from_numpy(np.stack(index)[:, 0][None].astype(np.float32))
        )
    assert found.shape == volume.shape and np.allclose(found[0], first[0, 1].numpy(), atol=1e-5)
    assert np.array_equal(found, by_network.predict_sections(network, volume, at_once=2))


def test_the_largest_component_is_closed():
    found = np.zeros((6, 256, 256), dtype=bool)
    found[:, 40:200, :150] = True
    found[2:4, 100:104, 60:64] = False
    found[1, 230:240, 230:240] = True
    tidy = by_network.tidy(found)
    assert tidy[2, 102, 62] and not tidy[1, 235, 235] and tidy[:, 40:200, :150].all() and tidy.sum() == 6 * 160 * 150


def test_the_loss_is_the_soft_dice_of_both_classes():
    breast = torch.zeros(2, 4, 4)
    breast[:, :2] = 1
    perfect = torch.stack((1 - breast, breast), dim=1)
    assert soft_dice_loss(perfect, breast).item() == pytest.approx(0, abs=1e-6)
    assert soft_dice_loss(1 - perfect, breast).item() == pytest.approx(2, abs=1e-6)
    half = torch.full_like(perfect, 0.5)
    # Of each class 16 of 32 voxels: overlap 2 * 8, size 16 + 32 / 4.
    assert soft_dice_loss(half, breast).item() == pytest.approx(2 - 2 * 16 / 24, abs=1e-5)


def drawn(number, patient):
    random = np.random.default_rng(number)
    mask = np.zeros((4, 256, 256), dtype=bool)
    mask[:, : 90 + 20 * number, 40:200] = True
    volume = random.gamma(2, 0.1, mask.shape) + mask * 0.6
    return MaskedBreast(f"b{number}", patient, volume.astype(np.float32), mask)


SETTINGS = MaskSettings(steps=4, minibatch=1, learning_rate=1e-3, validate_every=2)


def weights_of(result):
    return hashlib.sha256(
        b"".join(result.weights[name].numpy().tobytes() for name in sorted(result.weights))
    ).hexdigest()


def test_an_interrupted_training_ends_with_the_same_weights(tmp_path):
    training, validation = [drawn(0, "p0"), drawn(1, "p1")], [drawn(2, "p2")]
    whole = train_mask(training, validation, SETTINGS, SEED, tmp_path / "whole")

    def stop(event):
        if event["event"] == "validated" and event["step"] == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted):
        train_mask(training, validation, SETTINGS, SEED, tmp_path / "cut", report=stop)
    seen = []
    resumed = train_mask(training, validation, SETTINGS, SEED, tmp_path / "cut", report=seen.append)
    assert seen[0]["event"] == "resumed" and seen[0]["step"] >= 2
    assert weights_of(resumed) == weights_of(whole) and resumed.curve == whole.curve
    other = train_mask(training, validation, SETTINGS, SEED + 1, tmp_path / "cut")
    assert weights_of(other) != weights_of(whole)


def test_patients_are_kept_apart(tmp_path):
    breasts = [drawn(0, "p0"), drawn(1, "p0"), drawn(2, "p1")]
    training, validation = split(breasts, 0.5, SEED)
    assert {b.patient for b in training}.isdisjoint(b.patient for b in validation) and validation
    with pytest.raises(ValueError, match="p0"):
        train_mask([breasts[0]], [breasts[1]], SETTINGS, SEED, tmp_path)
    with pytest.raises(ValueError, match="breast_mask"):
        train_mask([], [], SETTINGS, SEED, tmp_path)


def test_what_is_drawn_depends_on_seed_step_and_place_only():
    breasts = [drawn(0, "p0"), drawn(1, "p1")]
    many = MaskSettings(steps=1, minibatch=6)
    one = draw(breasts, many, SEED, 3)
    assert all(np.array_equal(a, b) for a, b in zip(one, draw(breasts, many, SEED, 3), strict=True))
    assert not np.array_equal(one[0], draw(breasts, many, SEED, 4)[0])
    # Coordinates go with their voxels: the mask begins at the smallest anterior coordinate, flipped or not.
    for _, coordinates, mask in zip(*one, strict=True):
        assert coordinates[1][mask].min() == 0 and coordinates[1][mask].max() < 0.5


def test_weights_come_back_as_they_were_and_other_files_are_refused(tmp_path):
    network = MaskUNet()
    initialise(network, 1)
    about = mask_weights.MaskAbout(("b1", "b2"), ("b3",), {"steps": 4})
    for name in ("a.pt", "b.pt"):
        mask_weights.save(tmp_path / name, network.state_dict(), about)
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()
    again, said = mask_weights.load(tmp_path / "a.pt")
    assert said == about and all(
        torch.equal(a, b) for a, b in zip(again.parameters(), network.parameters(), strict=True)
    )
    (tmp_path / "b.pt").write_bytes(b"no weights")
    with pytest.raises(ValueError, match="mask: weights"):
        mask_weights.load(tmp_path / "b.pt")


def test_a_network_that_has_learned_phantoms_masks_another(tmp_path):
    """Few steps on one breast: enough to show that image, mask and the way back lie on each other."""
    image, truth, spacing = virtual("left")
    volume = sections.to_sections(image, spacing)
    breast = MaskedBreast("b", "p", volume, sections.resize(truth, (256, 256)) > 0.5)
    result = train_mask([breast], [], MaskSettings(30, 2, 3e-3, 0.0, 30), SEED, tmp_path)
    network = MaskUNet()
    network.load_state_dict(result.weights)
    other, known, step = virtual("left", "fine")
    found, facts = by_network.breast_mask(network, other, step)
    assert found.shape == other.shape and facts["method"] == "network" and dice(found, known) > 0.8


def test_masks_to_train_on_are_checked(tmp_path):
    image, truth, spacing = virtual("left")
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = [-80, -20, -50]
    rules = GridRules()

    def given_as(array, name="m.nii.gz", matrix=affine):
        nibabel.save(nibabel.Nifti1Image(array, matrix), tmp_path / name)
        return tmp_path / name

    made = masked_breast("B1", "P1", "left", image, affine, given_as(truth.astype(np.uint8)), rules)
    assert made.volume.shape == made.mask.shape == (len(image), 256, 256)
    assert made.mask.mean() == pytest.approx(truth.mean(), rel=0.02)
    moved = affine.copy()
    moved[0, 3] += 5
    for file in (
        tmp_path / "absent.nii.gz",
        given_as(truth[:, 1:].astype(np.uint8)),
        given_as(truth.astype(np.uint8), matrix=moved),
        given_as(np.zeros(truth.shape, np.uint8), "empty.nii.gz"),
    ):
        with pytest.raises(DataFault) as fault:
            masked_breast("B1", "P1", "left", image, affine, file, rules)
        assert fault.value.code == "breast_mask_unusable"


@pytest.mark.parametrize(
    ("block", "mend"),
    [
        ({"weights": "unet.pt"}, "method: network"),
        ({"method": "network", "weights": "/home/unet.pt"}, "relative"),
        ({"method": "atlas"}, "method: classical"),
    ],
)
def test_what_cannot_be_configured(block, mend):
    demo = yaml.safe_load((ROOT / "config.yaml").read_text())
    with pytest.raises(ConfigError, match=mend):
        load(demo | {"mask": block})


def test_the_network_needs_masks_and_takes_those_of_development_breasts_only(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    demo = yaml.safe_load((ROOT / "config.yaml").read_text())
    wanted = demo | {"mask": {"method": "network"}}
    with pytest.raises(ConfigError, match="no development breast has one in the column breast_mask"):
        load_study(wanted)
    header, *rows = Path(demo["sheets"]["breasts"]).read_text().splitlines()
    columns = header.split("\t")
    cells = [row.split("\t") for row in rows]
    chosen = {
        next(row[0] for row in cells if row[columns.index("partition")] == partition)
        for partition in ("development", "tuning", "test")
    }
    filled = [[*row, f"masks/{row[0]}.nii.gz" if row[0] in chosen else ""] for row in cells]
    sheet = tmp_path / "breasts.tsv"
    sheet.write_text("\n".join("\t".join(row) for row in [[*columns, "breast_mask"], *filled]) + "\n")
    wanted["sheets"] = demo["sheets"] | {"breasts": str(sheet)}
    study = load_study(wanted)
    (breast,) = study.breast_masks
    assert study.breasts[breast].partition == "development" and f"masks/{breast}.nii.gz" in study.raw_paths()
    assert len([path for path in study.raw_paths() if path.startswith("masks/")]) == 1
    given_ = load_study(wanted | {"mask": {"method": "network", "weights": "mask.pt"}})
    assert not given_.breast_masks and "mask.pt" in given_.raw_paths()
    assert not load_study(wanted | {"mask": {}}).breast_masks
