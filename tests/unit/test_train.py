"""Training: the loss, what is drawn, what is loaded, and that no interruption changes a bit of the weights."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from radparity.networks.grid import reflected, slab_of
from radparity.scaling import Scaling, as_is
from radparity.train import loop, state, weights
from radparity.train.interrupt import Interrupted
from radparity.train.loop import train_fold, tumour_dice
from radparity.train.loss import soft_dice_loss
from radparity.train.sampling import Key, Pools, draw_minibatch, draw_patch, seed_of
from radparity.train.settings import Result, Settings
from radparity.train.slab import Breast, load_breast, make_breast

KEY = (7, "arm", "fold-1")
SETTINGS = Settings(
    "paper",
    steps=7,
    width=2,
    minibatch=2,
    patch=(19, 43, 43),
    learning_rate=1e-2,
    malignant_share=0.5,
    validate_every=3,
)


def breast(number: int, malignant: bool, sections: int = 6, extent: tuple[int, int] = (40, 48)) -> Breast:
    """A small breast of noise; a cancer is a bright ellipse, so that there is something to learn."""
    generator = np.random.default_rng(number)
    channels = generator.normal(size=(3, sections, *extent)).astype(np.float32)
    mask = np.zeros((sections, *extent), dtype=bool)
    mask[:, 4:-4, 4:-4] = True
    outline = np.zeros_like(mask)
    if malignant:
        section, anterior, superior = generator.integers((0, 10, 10), (sections, extent[0] - 12, extent[1] - 12))
        outline[section, anterior : anterior + 9, superior : superior + 9] = True
        channels[:, outline] += 4
    label = "malignant" if malignant else "benign"
    return make_breast(f"b{number}", f"p{number}", label, channels, mask, outline if malignant else None, as_is)


def breasts(start: int, malignant: int, benign: int) -> list[Breast]:
    return [breast(start + i, i < malignant) for i in range(malignant + benign)]


SCALING = Scaling("pre_p95", "difference", ("t1c", "dce_in", "dce_out"), (1.0, 2.0, 3.0))
TRAINING, VALIDATION = breasts(0, 3, 3), breasts(50, 2, 1)


def train(
    folder: Path, settings: Settings = SETTINGS, report: Callable[[dict[str, Any]], None] = lambda event: None
) -> Result:
    return train_fold(TRAINING, VALIDATION, settings, KEY, folder, report=report, report_seconds=0.0, save_seconds=0.0)


def file_of(result: Result) -> bytes:
    about = weights.About(
        "paper",
        2,
        SCALING,
        ("b0",),
        training_record={"curve": result.curve},
    )
    return weights.to_bytes(result.weights, about)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return train(tmp_path_factory.mktemp("state"))


# The loss


def one_hot_logits(labels: torch.Tensor) -> torch.Tensor:
    return torch.stack((1.0 - labels, labels), dim=1) * 100 - 50


def test_loss_is_zero_at_perfect_match_and_two_at_the_opposite() -> None:
    labels = (torch.arange(2 * 1 * 3 * 4).reshape(2, 1, 3, 4) % 3 == 0).float()
    assert float(soft_dice_loss(one_hot_logits(labels), labels)) == pytest.approx(0, abs=1e-6)
    assert float(soft_dice_loss(one_hot_logits(1 - labels), labels)) == pytest.approx(2, abs=1e-4)


def test_loss_matches_the_formula_over_minibatch_and_per_sample() -> None:
    generator = np.random.default_rng(0)
    logits, labels = generator.normal(size=(3, 2, 1, 4, 5)), generator.random((3, 1, 4, 5)) < 0.3
    probability = np.exp(logits[:, 1]) / np.exp(logits).sum(axis=1)

    def formula(p: np.ndarray, g: np.ndarray) -> float:
        dice = [
            (2 * (a * b).sum() + 1e-6) / ((a**2).sum() + (b**2).sum() + 1e-6) for a, b in ((p, g), (1 - p, 1.0 - g))
        ]
        return 2 - sum(dice)

    tensors = torch.tensor(logits), torch.tensor(labels)
    assert float(soft_dice_loss(*tensors)) == pytest.approx(formula(probability, labels), rel=1e-5)
    each = [formula(p, g) for p, g in zip(probability, labels, strict=True)]
    assert float(soft_dice_loss(*tensors, per_sample=True)) == pytest.approx(np.mean(each), rel=1e-5)


def test_a_minibatch_without_tumour_costs_about_one() -> None:
    logits = torch.randn(2, 2, 1, 37, 37) - torch.tensor([0.0, 3.0]).view(1, 2, 1, 1, 1)
    assert float(soft_dice_loss(logits, torch.zeros(2, 1, 37, 37))) == pytest.approx(1, abs=0.05)


# Slabs


@given(st.integers(1, 12), st.integers(0, 30))
def test_reflection_is_numpys(size: int, pad: int) -> None:
    expected = np.pad(np.arange(size), pad, mode="reflect")
    np.testing.assert_array_equal(reflected(-pad, size + 2 * pad, size), expected)


def write(path: Path, array: np.ndarray, affine: np.ndarray) -> Path:
    nibabel.save(nibabel.Nifti1Image(array, affine), path)
    return path


def test_load_breast_cuts_the_slab_and_divides(tmp_path: Path) -> None:
    affine = np.diag([3.0, 0.5, 0.5, 1.0])
    channels = np.random.default_rng(0).normal(size=(24, 10, 12, 2)).astype(np.float32)
    mask, outline = np.ones((24, 10, 12), np.uint8), np.zeros((24, 10, 12), np.uint8)
    outline[5, 3:6, 4:7] = 1
    files = [write(tmp_path / f"{n}.nii.gz", a, affine) for n, a in (("c", channels), ("m", mask), ("o", outline))]
    scaling = Scaling("pre_p95", "difference", ("t1c", "dce_in"), (2.0, 4.0))
    both = partial(scaling.apply, scanner="any")
    loaded = load_breast("x", "p", "malignant", *files, prepare=both)
    assert (loaded.section, loaded.volume_shape) == (5, (24, 10, 12))
    assert loaded.channels.shape == (2, 19, 10, 12)
    np.testing.assert_array_equal(loaded.outline, outline[5] > 0)
    # Section 5 lies in the middle; section -4 is reflected to section 4.
    np.testing.assert_allclose(loaded.channels[1, 9], channels[5, ..., 1] / 4)
    np.testing.assert_allclose(loaded.channels[0, 0], channels[4, ..., 0] / 2)
    benign = load_breast("x", "p", "benign", files[0], files[1], None, prepare=both, dtype=np.float16)
    assert (benign.section, benign.channels.dtype, benign.outline.any()) == (12, np.float16, np.False_)
    assert benign.digest != loaded.digest
    # One breast file per study, fewer channels per arm.
    alone = partial(scaling.only(["dce_in"]).apply, scanner="any")
    one = load_breast("x", "p", "malignant", *files, prepare=alone, channel_indices=(1,))
    np.testing.assert_array_equal(one.channels[0], loaded.channels[1])

    tilted = write(tmp_path / "t.nii.gz", mask, np.diag([-3.0, 0.5, 0.5, 1.0]))
    with pytest.raises(ValueError, match="breast x: mask are oriented LAS"):
        load_breast("x", "p", "benign", files[0], tilted, None, both)
    moved = affine.copy()
    moved[0, 3] = 1
    with pytest.raises(ValueError, match="different affines"):
        load_breast("x", "p", "benign", files[0], write(tmp_path / "s.nii.gz", mask, moved), None, both)


def test_make_breast_refuses_what_cannot_be_trained_on() -> None:
    channels, mask = np.ones((1, 4, 5, 6), np.float32), np.ones((4, 5, 6), bool)
    two = np.zeros_like(mask)
    two[1:3, 2, 2] = True
    refusals: list[tuple[str, dict[str, Any]]] = [
        ("2 outlined sections", {"label": "malignant", "outline": two}),
        ("0 outlined sections", {"label": "malignant", "outline": None}),
        ("section 0 holds no outline", {"label": "malignant", "outline": two, "section": 0}),
        ("benign, but an outline", {"label": "benign", "outline": two}),
        ("not have the same voxels", {"label": "benign", "mask": mask[:3]}),
        ("mask is empty in section 2", {"label": "benign", "mask": ~mask}),
        ("not finite", {"label": "benign", "channels": channels * np.nan}),
        ("unknown", {"label": "cancer"}),
    ]
    for message, change in refusals:
        given_values: dict[str, Any] = {"channels": channels, "mask": mask, "outline": None, "prepare": as_is}
        with pytest.raises(ValueError, match=f"breast x: .*{message}"):
            make_breast("x", "p", **(given_values | change))


# Sampling


def located(malignant: bool) -> Breast:
    """A breast whose channels are the coordinates of its voxels, so that a patch says where it came from."""
    shape = (24, 90, 80)
    channels = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")).astype(np.float32)
    mask, outline = np.zeros(shape, bool), np.zeros(shape, bool)
    mask[:, 30:60, 20:60] = True
    outline[7, 5:8, 70:76] = True
    label = "malignant" if malignant else "benign"
    scaling = Scaling("pre_p95", "difference", ("t1c", "dce_in", "dce_out"), shape)
    prepare = partial(scaling.apply, scanner="any")
    return make_breast("x", "p", label, channels, mask, outline if malignant else None, prepare)


@pytest.mark.parametrize("malignant", [True, False])
def test_patches_show_the_voxels_their_coordinates_name(malignant: bool) -> None:
    source = located(malignant)
    centres = []
    flips = set()
    for index in range(60):
        patch = draw_patch(source, (43, 51), 0.5, np.random.default_rng(index))
        assert patch.volume.shape == (4, 19, 43, 51)
        middle = patch.volume[:, 9:10, 19:-19, 19:-19]
        # The channels were divided by the shape, so they are the coordinates; also where reflected or flipped.
        np.testing.assert_allclose(middle[:3], patch.coordinates, atol=1e-6)
        section, anterior, superior = np.rint(patch.coordinates.T * source.volume_shape).T.astype(int)
        assert set(section.ravel()) == {7 if malignant else 12}
        np.testing.assert_array_equal(patch.tumour, source.outline[anterior, superior])
        np.testing.assert_array_equal(middle[3] > 0, source.mask[9][anterior, superior])
        centres.append((anterior[0, 2, 6], superior[0, 2, 6]))
        sections = patch.volume[0, :, 0, 0]
        flips.add(tuple(bool(a) for a in (sections[9] > sections[10], anterior[0, 2, 6] > anterior[0, 3, 6],
                        superior[0, 2, 6] > superior[0, 2, 7])))  # fmt: skip
    allowed = source.outline if malignant else source.mask[9]
    assert all(allowed[centre] for centre in centres)
    assert len(set(centres)) > (10 if malignant else 40)
    # No flip, and a flip along each of the axes, one at a time.
    assert flips == {(False, False, False), (True, False, False), (False, True, False), (False, False, True)}


def test_draws_depend_on_key_step_and_index_and_keep_the_shares() -> None:
    pools, key = Pools.of(TRAINING), Key(*KEY)

    def draw(key: Key, step: int, size: int) -> np.ndarray:
        return draw_minibatch(TRAINING, pools, key, step, size, (43, 43), 0.5).volume

    first = draw(key, 3, 4)
    np.testing.assert_array_equal(draw(key, 3, 4), first)
    # The patch at an index does not depend on how many are drawn after it.
    np.testing.assert_array_equal(draw(key, 3, 2), first[:2])
    others = [
        draw(key, 4, 4),
        draw(Key(8, "arm", "fold-1"), 3, 4),
        draw(Key(7, "b", "fold-1"), 3, 4),
        draw(Key(7, "arm", 2), 3, 4),
    ]
    assert all(not np.array_equal(first, other) for other in others)
    assert not np.array_equal(first[0], first[1])
    drawn = [
        draw_minibatch(TRAINING, pools, key, step, 8, (43, 43), 0.25).tumour.any(axis=(1, 2, 3)) for step in range(100)
    ]
    # 800 draws: three standard deviations are 0.046.
    assert np.mean(drawn) == pytest.approx(0.25, abs=0.05)


def test_seeds_are_fixed_for_ever() -> None:
    expected = int.from_bytes(hashlib.sha256(b'[7, "arm", "fold-1", 3, 0]').digest()[:8], "big") >> 1
    assert seed_of(*KEY, 3, 0) == expected


# State


def test_state_keeps_two_falls_back_and_knows_its_configuration(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        newest = state.save(tmp_path, "ab" * 32, step, {"value": torch.tensor(step)})
    assert len(list(tmp_path.glob("*.pt"))) == len(list(tmp_path.glob("*.sha256"))) == 2
    loaded = state.load(tmp_path, "ab" * 32)
    assert loaded is not None and (loaded[0], int(loaded[1]["value"])) == (3, 3)
    assert state.load(tmp_path, "cd" * 32) is None
    # The same beginning, which is all the file name holds, is not the same configuration.
    assert state.load(tmp_path, "ab" * 16 + "cd" * 16) is None
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    loaded = state.load(tmp_path, "ab" * 32)
    assert loaded is not None and loaded[0] == 2
    newest.with_suffix(".sha256").unlink()
    loaded = state.load(tmp_path, "ab" * 32)
    assert loaded is not None and loaded[0] == 2
    state.clear(tmp_path)
    assert not tmp_path.exists()
    state.clear(tmp_path)


# The loop


def test_two_trainings_leave_the_same_bytes_and_another_seed_others(tmp_path: Path, uninterrupted: Result) -> None:
    again = train_fold(TRAINING, VALIDATION, SETTINGS, KEY, tmp_path / "a")
    assert file_of(again) == file_of(uninterrupted)
    other = train_fold(TRAINING, VALIDATION, SETTINGS, (8, *KEY[1:]), tmp_path / "b")
    assert file_of(other) != file_of(uninterrupted)
    assert [row["step"] for row in uninterrupted.curve] == [3, 6, 7]
    assert uninterrupted.selected == "last"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGUSR1, 138)])
def test_a_signal_saves_and_the_rest_gives_the_same_bits(
    tmp_path: Path, uninterrupted: Result, number: int, status: int
) -> None:
    before = signal.getsignal(number)
    steps: list[int] = []

    def stop_at_four(event: dict[str, Any]) -> None:
        if event["event"] == "step":
            steps.append(event["step"])
            if event["step"] == 4:
                os.kill(os.getpid(), number)

    with pytest.raises(Interrupted) as stopped:
        train(tmp_path, report=stop_at_four)
    assert stopped.value.code == status
    assert signal.getsignal(number) == before
    assert steps == [1, 2, 3, 4]
    resumed: list[dict[str, Any]] = []
    assert file_of(train(tmp_path, report=resumed.append)) == file_of(uninterrupted)
    assert {"event": "resumed", "step": 4, "steps": 7} in resumed
    assert [event["step"] for event in resumed if event["event"] == "step"] == [5, 6, 7]


def test_a_damaged_newest_state_costs_a_step_but_no_bit(tmp_path: Path, uninterrupted: Result) -> None:
    def stop(event: dict[str, Any]) -> None:
        if event["event"] == "step" and event["step"] == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted):
        train(tmp_path, report=stop)
    newest = max(tmp_path.glob("*.pt"))
    newest.write_bytes(newest.read_bytes()[:-100])
    events: list[dict[str, Any]] = []
    assert file_of(train(tmp_path, report=events.append)) == file_of(uninterrupted)
    assert {"event": "resumed", "step": 4, "steps": 7} in events


def test_killed_at_a_random_step_it_resumes_to_the_same_bits(tmp_path: Path, uninterrupted: Result) -> None:
    step = random.randrange(1, 7)
    code = f"""
import pathlib, test_train
report = lambda event: "drawing_share" in event and print(event["step"], flush=True)
test_train.train(pathlib.Path({str(tmp_path)!r}), report=report)
"""
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    environment = os.environ | {"PYTHONPATH": paths}
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) == step:
            process.kill()
            break
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    events: list[dict[str, Any]] = []
    assert file_of(train(tmp_path, report=events.append)) == file_of(uninterrupted), f"killed at step {step}"
    if step > 1:
        assert any(event["event"] == "resumed" for event in events)


def test_a_change_of_settings_or_of_a_breast_starts_anew(tmp_path: Path) -> None:
    digest = loop.configuration_digest(TRAINING, VALIDATION, SETTINGS, Key(*KEY))
    changed = [
        loop.configuration_digest(TRAINING, VALIDATION, replace(SETTINGS, learning_rate=2e-2), Key(*KEY)),
        loop.configuration_digest(TRAINING, VALIDATION, SETTINGS, Key(7, "arm", "fold-2")),
        loop.configuration_digest([breast(99, True), *TRAINING[1:]], VALIDATION, SETTINGS, Key(*KEY)),
        loop.configuration_digest(TRAINING, VALIDATION[1:], SETTINGS, Key(*KEY)),
    ]
    assert len({digest, *changed}) == 5


def test_best_weights_are_kept_when_there_are_enough_validation_cases(
    tmp_path: Path, uninterrupted: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "ENOUGH_CASES", 2)
    result = train(tmp_path)
    scores = [row["validation_dice"] for row in result.curve]
    assert len(set(scores)) > 1
    assert result.selected == "best"
    assert result.selected_step == result.curve[int(np.argmax(scores))]["step"]
    assert result.curve == uninterrupted.curve
    network, _ = weights.load(file_of(result))
    cases = [case for case in VALIDATION if case.malignant]
    assert np.mean([tumour_dice(network, case) for case in cases]) == pytest.approx(max(scores), abs=1e-12)


def test_it_learns(tmp_path: Path) -> None:
    settings = replace(SETTINGS, width=4, steps=40, minibatch=4, validate_every=40, batch_norm_momentum=0.1)
    result = train_fold(TRAINING, VALIDATION, settings, KEY, tmp_path)
    assert result.curve[-1]["validation_dice"] > 0.7


def test_what_cannot_be_trained_is_refused(tmp_path: Path) -> None:
    refusals: list[tuple[str, list[Breast], list[Breast], Settings]] = [
        ("no malignant breast", TRAINING[3:], [], SETTINGS),
        ("no benign breast", TRAINING[:3], [], SETTINGS),
        (r"patients \['p0'\] are in training and in validation", TRAINING, TRAINING[:1], SETTINGS),
        ("19 sections", TRAINING, [], replace(SETTINGS, patch=(27, 43, 43))),
        ("use 43 or 51 instead of 44", TRAINING, [], replace(SETTINGS, patch=(19, 43, 44))),
        ("has 3 channels, not t1c", TRAINING, [], replace(SETTINGS, channels=("t1c",))),
    ]
    for message, training, validation, settings in refusals:
        with pytest.raises(ValueError, match=message):
            train_fold(training, validation, settings, KEY, tmp_path)


def test_channels_below_the_batch_norm_epsilon_are_reported(tmp_path: Path) -> None:
    faint = [replace(case, channels=case.channels * np.float32([1, 0.01, 1])[:, None, None, None]) for case in TRAINING]
    events: list[dict[str, Any]] = []
    train_fold(faint, [], replace(SETTINGS, steps=1), KEY, tmp_path, report=events.append)
    warnings = [event["text"] for event in events if event["event"] == "warning"]
    assert len(warnings) == 1 and warnings[0].startswith("channel dce_in has a standard deviation of 0.01")


# The weights file


def test_weights_come_back_with_what_must_be_known(tmp_path: Path, uninterrupted: Result) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(file_of(uninterrupted))
    network, about = weights.load(path)
    assert not network.training
    assert (about.scaling, about.training) == (SCALING, ("b0",))
    assert about.training_record == {"curve": uninterrupted.curve}
    for name, value in network.state_dict().items():
        assert torch.equal(value, uninterrupted.weights[name]), name
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ValueError, match="weights.pt are no radparity weights, or damaged"):
        weights.load(path)
    with pytest.raises(RuntimeError, match="size mismatch"):
        weights.to_bytes(uninterrupted.weights, replace(about, scaling=SCALING.only(["t1c", "dce_in"])))


def test_slab_of_is_the_padded_volume() -> None:
    volume = np.random.default_rng(0).normal(size=(2, 5, 3, 4))
    padded = np.pad(volume, ((0, 0), (9, 9), (0, 0), (0, 0)), mode="reflect")
    for section in range(5):
        np.testing.assert_array_equal(slab_of(volume, section), padded[:, section : section + 19])
