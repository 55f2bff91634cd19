"""Training: the loss, what is drawn, what is loaded, and that no interruption changes a bit of the weights."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from radparity.networks.geometry import GEOMETRIES
from radparity.networks.grid import reflected, slab_of
from radparity.networks.presets import PRESETS, Architecture, build
from radparity.scaling import Prepare, Scaling, as_is
from radparity.slab import SECTIONS, Breast, Sampling, digest_of, make_slab
from radparity.train import curve, loop, state, weights
from radparity.train.feed import Feed
from radparity.train.interrupt import Interrupted
from radparity.train.loop import learning_rate, section_dice, train_fold
from radparity.train.loss import soft_dice_loss
from radparity.train.patches import Minibatch
from radparity.train.sampling import Draw, Key, Plan, Pools, draw, seed_of
from radparity.train.settings import Result, Settings
from radparity.train.speed import flops_per_patch

KEY = (7, "arm", "fold-1")
NAMES = ("t1c", "dce_in", "dce_out")
SETTINGS = Settings(
    Architecture.of("paper", width=2),
    steps=7,
    minibatch=2,
    patch=(19, 43, 43),
    learning_rate=1e-2,
    malignant_share=0.5,
    validate_every=3,
)


def made(
    name: str,
    patient: str,
    channels: np.ndarray,
    mask: np.ndarray,
    outline: np.ndarray | None,
    section: int | None,
    sampling: Sampling = "paper",
    prepare: Prepare = as_is,
    free: Sequence[int] = (),
) -> Breast:
    """A breast of its slab, without files."""
    planes, facts = make_slab(channels, mask, outline, section, sampling, free)
    sections, anterior, superior = mask.shape
    exponents = tuple(facts["exponents"])
    return Breast(
        name,
        patient,
        "benign" if outline is None else "malignant",
        planes,
        tuple(range(len(channels))),
        exponents,
        prepare,
        "any",
        facts["section"],
        facts["first_section"],
        (sections, anterior, superior),
        facts["bright"],
        exponents[0],
        tuple((section, voxels) for section, voxels in facts["tumour_free"]),
        digest_of([name, patient, facts, hashlib.sha256(planes.tobytes()).hexdigest()]),
    )


def breast(
    number: int, malignant: bool, sections: int = 6, extent: tuple[int, int] = (40, 48), sampling: Sampling = "paper"
) -> Breast:
    """A small breast of noise; a cancer is a bright square, so that there is something to learn."""
    generator = np.random.default_rng(number)
    channels = generator.normal(size=(3, sections, *extent)).astype(np.float32)
    mask = np.zeros((sections, *extent), dtype=bool)
    mask[:, 4:-4, 4:-4] = True
    if not malignant:
        return made(f"b{number}", f"p{number}", channels, mask, None, None, sampling)
    section, anterior, superior = generator.integers((0, 10, 10), (sections, extent[0] - 12, extent[1] - 12))
    outline = np.zeros(extent, dtype=bool)
    outline[anterior : anterior + 9, superior : superior + 9] = True
    channels[:, section, outline] += 4
    return made(f"b{number}", f"p{number}", channels, mask, outline, int(section), sampling)


def breasts(start: int, malignant: int, benign: int) -> list[Breast]:
    return [breast(start + i, i < malignant) for i in range(malignant + benign)]


SCALING = Scaling("pre_p95", "difference", ("t1c", "dce_in", "dce_out"), (1.0, 2.0, 3.0))
TRAINING, VALIDATION = breasts(0, 3, 3), breasts(50, 2, 1)


def train(
    folder: Path, settings: Settings = SETTINGS, report: Callable[[dict[str, Any]], None] = lambda event: None
) -> Result:
    return train_fold(TRAINING, VALIDATION, settings, KEY, folder, report=report, report_seconds=0.0, save_seconds=0.0)


def file_of(result: Result) -> bytes:
    about = weights.About(SETTINGS.architecture, SCALING, ("b0",), training_record={"curve": result.curve})
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


# Sampling

POOLS = Pools.of(TRAINING)
PLAN = Plan((19, 43, 43), malignant_share=0.5)
LOCATED = (24, 90, 80)


def located(malignant: bool, sampling: Sampling = "paper") -> Breast:
    """A breast whose channels are the coordinates of its voxels, so that a patch says where it came from."""
    channels = np.stack(np.meshgrid(*(np.arange(n) for n in LOCATED), indexing="ij")).astype(np.float32)
    mask, outline = np.zeros(LOCATED, bool), np.zeros(LOCATED[1:], bool)
    mask[:, 30:60, 20:60] = True
    outline[5:8, 70:76] = True
    scaling = Scaling("pre_p95", "difference", NAMES, LOCATED)
    prepare = partial(scaling.apply, scanner="any")
    drawn = (outline, 7) if malignant else (None, None)
    return made("x", "p", channels, mask, *drawn, sampling, prepare)


def one_by_one(source: Breast, plan: Plan, architecture: Architecture, count: int) -> Iterator[tuple[Draw, Minibatch]]:
    """Draws from one breast, and the patches cut for them."""
    plan = replace(plan, malignant_share=float(source.malignant))
    feed = Feed([source], Key(*KEY), plan, 1, architecture)
    for step in range(count):
        yield draw([source], feed.pools, feed.key, step, 0, plan), feed.make(step)


@pytest.mark.parametrize("sampling", ["paper", "code"])
@pytest.mark.parametrize("preset", ["paper", "deepmedic", "unet2d"])
@pytest.mark.parametrize("malignant", [True, False])
def test_patches_show_the_voxels_their_coordinates_name(malignant: bool, preset: str, sampling: Sampling) -> None:
    source, geometry = located(malignant, sampling), GEOMETRIES[preset]
    architecture = replace(Architecture.of(preset), mask_prior=True, coordinates=True)
    size = {"paper": (19, 43, 51), "deepmedic": (13, 69, 75), "unet2d": (3, 96, 64)}[preset]
    inner = [slice(less // 2, length - less // 2) for less, length in zip(geometry.reduction, size, strict=True)]
    flips, centres = set(), set()
    for drawn, batch in one_by_one(source, Plan(size, sampling=sampling), architecture, 24):
        assert batch.volume.shape == (1, 4, *size) and batch.coordinates is not None
        middle, coordinates = batch.volume[0, :, *inner].numpy(), batch.coordinates[0].numpy()
        # The channels were divided by the shape, so they are the coordinates; also where reflected or flipped.
        np.testing.assert_allclose(middle[:3], coordinates, atol=1e-3)
        section, anterior, superior = np.rint(coordinates.T * LOCATED).T.astype(int)
        assert set(section.ravel()) == {drawn.centre[0]}
        if malignant:
            assert drawn.centre[0] == 7
        elif sampling == "paper":
            assert drawn.centre[0] == 12
        truth = source.outline[anterior, superior] if malignant else np.zeros(middle.shape[1:], bool)
        np.testing.assert_array_equal(batch.tumour[0].numpy(), truth)
        np.testing.assert_array_equal(middle[3] > 0, source.mask(drawn.centre[0])[anterior, superior])
        across = batch.volume[0, 0, :, 0, 0].numpy()
        half = size[0] // 2
        np.testing.assert_allclose(across[half] * LOCATED[0], drawn.centre[0], atol=2e-2)
        flips.add(drawn.flip)
        centres.add(drawn.centre)
        if drawn.flip is None:
            place = [length // 2 for length in size]
            found = batch.volume[0, :3, *place].numpy() * LOCATED
            np.testing.assert_allclose(found, drawn.centre, atol=6e-2)
    assert flips == {None, 0, 1, 2} and len(centres) > 10


def test_benign_patches_of_the_paper_lie_in_the_mask_and_cancers_on_the_outline() -> None:
    for source, allowed in ((located(False), located(False).mask(12)), (located(True), located(True).outline)):
        drawn = [d.centre for d, _ in one_by_one(source, PLAN, SETTINGS.architecture, 60)]
        assert all(allowed[centre[1:]] for centre in drawn)


def test_the_codes_sampling_takes_bright_voxels_and_central_sections() -> None:
    source = breast(3, False, sections=40, extent=(60, 70), sampling="code")
    plan, pools = Plan((19, 43, 43), 0.0, 0.5, "code"), Pools.of([source])
    centres = np.array([draw([source], pools, Key(*KEY), step, 0, plan).centre for step in range(3000)])
    bright = source.is_bright(centres.T)
    # Half are drawn bright; of the others a tenth is so by chance: 0.55, three standard deviations are 0.027.
    assert bright.mean() == pytest.approx(0.55, abs=0.03)
    assert (centres >= 0).all() and (centres < source.shape).all()
    # Those that are not bright: normal around the middle with a fifth of the sections, at least half a patch inside.
    rest = centres[~bright]
    assert rest[:, 0].mean() == pytest.approx(20, abs=0.7)
    assert rest[:, 0].std() == pytest.approx(8, abs=0.6)
    assert (rest[:, 1:] >= 21).all() and (rest[:, 1:] < np.array([60, 70]) - 21).all()
    # Bright ones lie anywhere: uniform sections have a standard deviation of 40 / sqrt(12).
    mixed = 0.5 / 0.55 * (40**2 / 12) + 0.05 / 0.55 * 8**2
    assert centres[bright, 0].var() == pytest.approx(mixed, rel=0.1)


def same(one: Minibatch, other: Minibatch) -> bool:
    pairs = zip(one, other, strict=True)
    return all((a is None and b is None) or (a is not None and b is not None and torch.equal(a, b)) for a, b in pairs)


@given(st.permutations(range(6)), st.sampled_from(["paper", "code"]), st.sampled_from(sorted(PRESETS)))
@settings(max_examples=6, deadline=None)
def test_a_minibatch_depends_on_its_step_and_not_on_the_order(
    order: list[int], sampling: Sampling, preset: str
) -> None:
    source = [breast(i, i < 2, sampling=sampling) for i in range(4)]
    geometry = GEOMETRIES[preset]
    plan = Plan((geometry.smallest[0], *geometry.smallest[1:]), 0.5, 0.5, sampling)
    architecture = Architecture.of(preset, width=2)
    feed = Feed(source, Key(*KEY), plan, 3, architecture, ahead=False)
    ahead = list(Feed(source, Key(*KEY), plan, 3, architecture, ahead=True).minibatches(0, 6))
    assert len(ahead) == 6
    for step in order:
        assert same(feed.make(step), ahead[step])
    # A training that resumes at step 4 goes on with the same minibatches.
    late = list(Feed(source, Key(*KEY), plan, 3, architecture).minibatches(4, 6))
    assert same(late[0], ahead[4]) and same(late[1], ahead[5])


def test_draws_depend_on_key_step_and_index_and_keep_the_shares() -> None:
    key = Key(*KEY)

    def drawn(key: Key, step: int, count: int) -> list[Draw]:
        return [draw(TRAINING, POOLS, key, step, index, PLAN) for index in range(count)]

    first = drawn(key, 3, 4)
    assert drawn(key, 3, 4) == first and drawn(key, 3, 2) == first[:2]
    keys = [Key(8, "arm", "fold-1"), Key(7, "b", "fold-1"), Key(7, "arm", 2)]
    assert all(other != first for other in [drawn(key, 4, 4), *(drawn(k, 3, 4) for k in keys)])
    assert first[0] != first[1]
    plan = replace(PLAN, malignant_share=0.25)
    many = [draw(TRAINING, POOLS, key, step, index, plan) for step in range(300) for index in range(8)]
    # 2,400 draws: three standard deviations are 0.027 for the cancers and 0.031 for the flips.
    assert np.mean([TRAINING[d.breast].malignant for d in many]) == pytest.approx(0.25, abs=0.03)
    assert np.mean([d.flip is not None for d in many]) == pytest.approx(0.5, abs=0.035)
    assert {d.breast for d in many} == set(range(6))


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
    warnings: list[str] = []
    for path in tmp_path.glob("*.pt"):
        path.write_bytes(b"")
    assert state.load(tmp_path, "ab" * 32, warnings.append) is None
    assert len(warnings) == 3 and "damaged" in warnings[0] and "starts again" in warnings[-1]


@given(st.integers(0), st.integers(0, 7))
@settings(max_examples=30, deadline=None)
def test_one_changed_bit_anywhere_is_seen(place: int, bit: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for step in (1, 2):
            newest = state.save(folder, "ab" * 32, step, {"value": torch.arange(4) + step})
        file = [newest, newest.with_suffix(".sha256")][place % 2]
        data = bytearray(file.read_bytes())
        data[place // 2 % len(data)] ^= 1 << bit
        file.write_bytes(data)
        warnings: list[str] = []
        loaded = state.load(folder, "ab" * 32, warnings.append)
        assert loaded is not None and loaded[0] == 1 and len(warnings) == 1


@pytest.mark.parametrize("call", [1, 2, 3, 5, 8, 11])
def test_killed_while_a_state_is_written_one_of_the_two_is_whole(tmp_path: Path, call: int) -> None:
    code = f"""
import os, pathlib, signal, torch
from radparity.train import state
folder = pathlib.Path({str(tmp_path)!r})
state.save(folder, "ab" * 32, 1, {{"value": torch.arange(1000)}})
left = [{call}]
def dies(function):
    def wrapped(*given, **named):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*given, **named)
    return wrapped
os.fsync, os.replace, os.rename, os.unlink = map(dies, (os.fsync, os.replace, os.rename, os.unlink))
pathlib.Path.write_bytes = dies(pathlib.Path.write_bytes)
pathlib.Path.open = dies(pathlib.Path.open)
state.save(folder, "ab" * 32, 2, {{"value": torch.arange(1000) + 1}})
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    loaded = state.load(tmp_path, "ab" * 32)
    assert loaded is not None and loaded[0] in (1, 2)
    assert int(loaded[1]["value"][0]) == loaded[0] - 1
    if call < 4:
        assert ended.returncode == -signal.SIGKILL


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
report = lambda event: event["event"] == "step" and print(event["step"], flush=True)
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


KINDS = {"released": (19, 43, 43), "deepmedic": (13, 69, 69), "unet2d": (3, 32, 32)}


@pytest.mark.parametrize("preset", sorted(KINDS))
def test_every_network_resumes_to_the_same_bits_with_every_option(tmp_path: Path, preset: str) -> None:
    chosen = replace(
        SETTINGS,
        architecture=Architecture.of(preset, width=2),
        patch=KINDS[preset],
        steps=4,
        sampling="code",
        schedule="cosine",
        loss="sample_dice",
        selected_by="both",
        precision="bfloat16" if preset == "released" else "float32",
    )
    source = [breast(i, i < 2, sampling="code") for i in range(4)]

    def run(folder: str, report: Callable[[dict[str, Any]], None]) -> Result:
        return train_fold(source, VALIDATION, chosen, KEY, tmp_path / folder, report=report, report_seconds=0.0)

    def stop(event: dict[str, Any]) -> None:
        if event["event"] == "step" and event["step"] == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    whole = run("whole", lambda event: None)
    with pytest.raises(Interrupted):
        run("parts", stop)
    rest = run("parts", lambda event: None)
    assert rest.curve == whole.curve and all(torch.equal(rest.last[n], v) for n, v in whole.last.items())


def test_the_cosine_falls_from_the_rate_to_nothing() -> None:
    chosen = replace(SETTINGS, schedule="cosine", steps=100)
    rates = [learning_rate(chosen, step) for step in range(101)]
    assert rates[0] == SETTINGS.learning_rate and rates[100] == pytest.approx(0, abs=1e-12)
    assert rates[50] == pytest.approx(SETTINGS.learning_rate / 2)
    assert rates == sorted(rates, reverse=True)
    assert {learning_rate(SETTINGS, step) for step in range(7)} == {SETTINGS.learning_rate}


def test_a_training_whose_states_are_all_damaged_starts_again(tmp_path: Path, uninterrupted: Result) -> None:
    def stop(event: dict[str, Any]) -> None:
        if event["event"] == "step" and event["step"] == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted):
        train(tmp_path, report=stop)
    for path in tmp_path.glob("*.pt"):
        path.write_bytes(path.read_bytes()[::-1])
    events: list[dict[str, Any]] = []
    assert file_of(train(tmp_path, report=events.append)) == file_of(uninterrupted)
    assert sum("damaged" in event.get("text", "") for event in events) == 2
    assert any("starts again" in event.get("text", "") for event in events)
    assert [event["step"] for event in events if event["event"] == "step"] == list(range(1, 8))


def test_a_loss_that_is_not_finite_ends_the_training_and_is_never_saved(tmp_path: Path) -> None:
    def broken(channels: np.ndarray) -> np.ndarray:
        return np.where(channels > 3, np.float32(np.nan), channels)

    damaged = [replace(case, prepare=broken, scanner="broken") for case in TRAINING]
    with pytest.raises(FloatingPointError, match="the loss is nan"):
        train_fold(damaged, [], SETTINGS, KEY, tmp_path, save_seconds=0.0)
    assert not list(tmp_path.glob("*.pt"))


def test_a_step_that_does_not_fit_into_memory_says_so_in_one_line(tmp_path: Path) -> None:
    code = f"""
import pathlib, resource, sys
from dataclasses import replace
import test_train
from radparity.networks.presets import Architecture
wide = Architecture.of("released", width=47)
chosen = replace(test_train.SETTINGS, architecture=wide, patch=(19, 139, 139), minibatch=2)
held = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + 300 * 2**20,) * 2)
try:
    test_train.train(pathlib.Path({str(tmp_path)!r}), chosen)
except test_train.loop.OutOfMemory as error:
    sys.exit(str(error))
"""
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    ended = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert ended.stderr.strip().startswith("out of memory at step 1: minibatch 2 of patches [19, 139, 139]")
    assert "\n" not in ended.stderr.strip()


def test_operations_are_those_of_the_convolutions_counted_by_hand() -> None:
    architecture, patch = Architecture.of("released", width=4), (19, 43, 51)
    network = build(architecture)
    forward: list[float] = []
    first = network.encode0[0]

    def count(layer: torch.nn.Conv3d, given_values: Any, out: torch.Tensor) -> None:
        forward.append(2 * out[0].numel() * layer.weight[0].numel())

    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv3d):
            layer.register_forward_hook(count)
    network(torch.zeros(2, 3, *patch))
    # Backward costs a gradient of the input and one of the weights each; nobody needs that of the first input.
    expected = 3 * sum(forward) - forward[0]
    assert isinstance(first, torch.nn.Conv3d)
    assert flops_per_patch(architecture, patch) == pytest.approx(expected, rel=1e-6)


def test_the_curve_as_a_table_and_a_picture(uninterrupted: Result) -> None:
    lines = curve.table(uninterrupted.curve).splitlines()
    rows = [dict(zip(lines[0].split("\t"), line.split("\t"), strict=True)) for line in lines[1:]]
    assert [int(row["step"]) for row in rows] == [3, 6, 7]
    assert [float(row["loss"]) for row in rows] == [row["loss"] for row in uninterrupted.curve]
    assert curve.table([{**uninterrupted.curve[0], "validation_dice": None}]).splitlines()[1].split("\t")[2] == ""
    drawn = curve.picture(uninterrupted.curve, 6, "arm")
    assert drawn.startswith(b"\x89PNG") and drawn == curve.picture(uninterrupted.curve, 6, "arm")
    assert drawn != curve.picture(uninterrupted.curve, 3, "arm")


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
    assert np.mean([section_dice(network, case)[0] for case in cases]) == pytest.approx(max(scores), abs=1e-12)
    for name, value in uninterrupted.weights.items():
        assert torch.equal(result.last[name], value), name


def test_it_learns(tmp_path: Path) -> None:
    chosen = replace(
        SETTINGS,
        architecture=Architecture.of("paper", width=4),
        steps=40,
        minibatch=4,
        validate_every=40,
        batch_norm_momentum=0.1,
    )
    result = train_fold(TRAINING, VALIDATION, chosen, KEY, tmp_path)
    assert result.curve[-1]["validation_dice"] > 0.7


ONE_CHANNEL = replace(SETTINGS, architecture=Architecture.of("paper", channels=1, width=2))


def test_what_cannot_be_trained_is_refused(tmp_path: Path) -> None:
    refusals: list[tuple[str, list[Breast], list[Breast], Settings]] = [
        ("no malignant breast", TRAINING[3:], [], SETTINGS),
        ("gives patches without tumour", TRAINING[:3], [], SETTINGS),
        (r"patients \['p0'\] are in training and in validation", TRAINING, TRAINING[:1], SETTINGS),
        ("19 sections", TRAINING, [], replace(SETTINGS, patch=(27, 43, 43))),
        ("use 43 or 51 instead of 44", TRAINING, [], replace(SETTINGS, patch=(19, 43, 44))),
        ("network takes 3 channels, not 1", TRAINING, [], replace(SETTINGS, channels=("t1c",))),
        ("breast b0 has 3 channels, not t1c", TRAINING, [], replace(ONE_CHANNEL, channels=("t1c",))),
        ("made for the paper's sampling", TRAINING, [], replace(SETTINGS, sampling="code")),
    ]
    for message, training, validation, chosen in refusals:
        with pytest.raises(ValueError, match=message):
            train_fold(training, validation, chosen, KEY, tmp_path)


def test_channels_below_the_batch_norm_epsilon_are_reported(tmp_path: Path) -> None:
    def weak(channels: np.ndarray) -> np.ndarray:
        return channels * np.float32([1, 0.01, 1]).reshape(3, *[1] * (channels.ndim - 1))

    faint = [replace(case, prepare=weak, scanner="weak") for case in TRAINING]
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
    with pytest.raises(ValueError, match="takes 3 channels, but 2 are scaled"):
        weights.to_bytes(uninterrupted.weights, replace(about, scaling=SCALING.only(["t1c", "dce_in"])))


def test_slab_of_is_the_padded_volume() -> None:
    volume = np.random.default_rng(0).normal(size=(2, 5, 3, 4))
    padded = np.pad(volume, ((0, 0), (9, 9), (0, 0), (0, 0)), mode="reflect")
    for section in range(5):
        np.testing.assert_array_equal(slab_of(volume, section), padded[:, section : section + SECTIONS])
