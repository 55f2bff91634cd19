"""The nnU-Net export and the arm that trains on it, on made-up breasts with one bright ball."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from radparity.config import Arm
from radparity.fold import Member, assign_folds, roles
from radparity.image import load, save
from radparity.nnunet import dataset as export
from radparity.nnunet.environment import no_main_script

ROOT = Path(__file__).parents[2]
SHAPE, SECTION = (12, 48, 40), 5
SPACING = (3.0, 1.0, 1.2)
CHANNELS = ("t1c", "dce_in", "dce_out")


def ball(seed):
    """Three channels (channel, section, anterior, superior) of a breast with a bright ball, and the ball."""
    generator = np.random.default_rng(seed)
    centre = (SECTION, *generator.integers(14, 26, 2))
    grid = np.indices(SHAPE)
    distance = np.sqrt(sum((SPACING[k] * (grid[k] - centre[k])) ** 2 for k in range(3)))
    inside = distance < 8
    noise = generator.normal(0, 0.1, (3, *SHAPE))
    return (noise + np.array([1.0, 0.2, 0.001])[:, None, None, None] * (1 + 3 * inside)).astype(np.float32), inside


def write_dataset(folder, malignant=3, benign=1):
    """An exported dataset under `folder`; returns its cases and each one's ball."""
    affine, balls = np.diag([*SPACING, 1.0]), {}
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True)
    for number in range(malignant + benign):
        case = f"B{number:02d}"
        channels, inside = ball(number)
        if number >= malignant:
            channels, labels = np.random.default_rng(number).normal(1, 0.1, channels.shape), export.labels(SHAPE)
        else:
            balls[case] = inside
            labels = export.labels(SHAPE, SECTION, inside[SECTION])
        for position in range(3):
            save(folder / export.image_name(case, position), channels[position].astype(np.float32), affine)
        save(folder / export.label_name(case), labels, affine)
    cases = [f"B{number:02d}" for number in range(malignant + benign)]
    (folder / "dataset.json").write_text(json.dumps(export.dataset_json(cases, CHANNELS)))
    return cases, balls


def test_labels_say_what_is_known_and_no_more():
    outline = np.zeros(SHAPE[1:], bool)
    outline[3:6, 4:9] = True
    found = export.labels(SHAPE, SECTION, outline)
    for section in range(SHAPE[0]):
        wanted = outline.astype(int) if section == SECTION else np.full(SHAPE[1:], 2)
        assert np.array_equal(found[section], wanted)
    assert not export.labels(SHAPE).any()
    with pytest.raises(ValueError, match="does not fit"):
        export.labels(SHAPE, SHAPE[0], outline)
    with pytest.raises(ValueError, match="does not fit"):
        export.labels(SHAPE, 0, outline.T)


@pytest.mark.parametrize("validation", [0.0, 0.3])
def test_no_held_out_patient_is_in_a_split(validation):
    members = [Member(f"E{n}{side}", f"P{n // 2}", n % 3 == 0) for n in range(24) for side in "LR"]
    assigned = assign_folds(members, ["1", "2", "3"], 7, "patient")
    patient = {m.breast: m.patient for m in members}
    usable = [m.breast for m in members][2:]
    for fold in "123":
        role = roles(members, assigned, fold, validation, 7, "patient")
        split = export.splits({b: {"role": r} for b, r in role.items()}, usable)
        held_out = {m.patient for m in members if assigned[m.breast] == fold}
        assert held_out.isdisjoint({patient[b] for part in split.values() for b in part})
        assert sorted({*split["train"], *split["val"]}) == sorted(b for b in usable if role[b] != "held_out")
        if validation:
            assert {patient[b] for b in split["train"]}.isdisjoint({patient[b] for b in split["val"]})
        assert split["val"] and split["train"]


def test_the_files_of_an_arms_channels():
    found = export.dataset_json(["B2", "B1"], CHANNELS, ["dce_out", "t1c"])
    assert found["channel_names"] == {"0": "dce_out", "1": "t1c"} and found["numTraining"] == 2
    assert list(found["dataset"]) == ["B1", "B2"]
    assert found["dataset"]["B1"]["images"] == ["imagesTr/B1_0002.nii.gz", "imagesTr/B1_0000.nii.gz"]
    assert export.dataset_name("My study (2nd)") == "Dataset001_My_study_2nd"


def test_a_written_dataset_has_the_same_bytes_again_and_the_grid_of_the_breast(tmp_path):
    for name in ("one", "two"):
        write_dataset(tmp_path / name, 1, 1)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert len(files) == 2 * 4 + 1
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)
    image, affine = load(tmp_path / "one" / export.image_name("B00", 0))
    labels, own = load(tmp_path / "one" / export.label_name("B00"), np.uint8)
    assert image.shape == labels.shape == SHAPE and np.array_equal(affine, own)


def test_an_arm_of_nnunet_takes_what_every_breast_has_and_is_no_network_of_ours():
    arm = Arm(network="nnunet", channels=["t1c", "dce_in"])
    assert not arm.trained
    for refused in ({"channels": ["t1c", "t2"]}, {"patch": [19, 75, 75]}, {"mask_prior": True}):
        with pytest.raises(ValueError, match="nnunet|mask_prior"):
            Arm(network="nnunet", **refused)


TRAIN = """
import json, sys
from pathlib import Path
from radparity.nnunet.environment import set_environment

raw, folder, out, stop = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
set_environment(folder, threads=1)
import torch
torch.set_num_threads(1)
from radparity.nnunet import dataset, plan, train, weights

facts = json.loads((raw / "dataset.json").read_text())
for case in facts["dataset"].values():
    case["images"] = [str(raw / name) for name in case["images"]]
    case["label"] = str(raw / case["label"])
cases = sorted(facts["dataset"])
split = {"train": cases[1:], "val": cases[1:]}
plans = plan.prepare(folder, "Dataset001_demo", facts, [split], "2d", 1)
settings = train.Settings("2d", epochs=3, iterations=6, validation_iterations=1)
if stop:
    import os
    save = train.SeededTrainer.save_checkpoint
    def save_and_die(self, name):
        save(self, name)
        if self.current_epoch + 1 == stop:
            os.kill(os.getpid(), 9)
    train.SeededTrainer.save_checkpoint = save_and_die
result = train.train(plans, facts, settings, (1, "arm", "1"), folder, "cpu")
kept = {key: value for key, value in facts.items() if key != "dataset"}
names = tuple(facts["channel_names"].values())
about = weights.About("2d", plans, kept, names, result.mirroring, tuple(split["train"]), tuple(split["val"]))
weights.save(out, result.weights, about)
Path(f"{out}.json").write_text(json.dumps(result.curve))
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """An exported dataset, and a function that trains on it in a process of its own."""
    pytest.importorskip("nnunetv2")
    folder = tmp_path_factory.mktemp("nnunet")
    cases, balls = write_dataset(folder / "raw")
    (folder / "train.py").write_text(TRAIN)

    def run(state, stop=0):
        environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow"), "OMP_NUM_THREADS": "1"}
        out = folder / f"{state}.pth"
        command = [sys.executable, "train.py", folder / "raw", folder / state, out, str(stop)]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        return done, out

    done, out = run("whole")
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, balls, run, out


def test_nnunets_own_verification_passes_and_refuses_a_missing_label(trained, tmp_path):
    from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity

    incomplete = shutil.copytree(trained[0] / "raw", tmp_path / "raw")
    next((incomplete / "labelsTr").iterdir()).unlink()
    with no_main_script():
        verify_dataset_integrity(str(trained[0] / "raw"), 1)
        with pytest.raises((AssertionError, RuntimeError, FileNotFoundError)):
            verify_dataset_integrity(str(incomplete), 1)


def test_it_learns_the_ball_and_predicts_on_the_breasts_grid(trained):
    folder, balls, _, out = trained
    from radparity.nnunet import weights
    from radparity.nnunet.predict import predict

    model = weights.load(out)
    assert model[1].plans["transpose_forward"] == [2, 0, 1]
    channels, inside = ball(0)
    mean, spread = predict([model], channels, SPACING, mirroring=False)
    assert mean.shape == SHAPE and mean.dtype == np.float32 and not spread.any()
    section = mean[SECTION]
    truth = inside[SECTION]
    # The share of (inside, outside) pairs that are in order: 0.5 is chance.
    order = (section[truth][:, None] > section[~truth][None]).mean()
    assert order > 0.9
    weak = ({name: value * 0.9 for name, value in model[0].items()}, model[1])
    both, between = predict([model, weak], channels, SPACING, mirroring=False)
    alone = predict([weak], channels, SPACING, mirroring=False)[0]
    assert np.allclose(both, (mean + alone) / 2, atol=1e-6)
    assert np.allclose(between, np.abs(mean - alone) / 2, atol=1e-6) and between.max() > 0
    with pytest.raises(ValueError, match="no network"):
        predict([], channels, SPACING)


def test_a_killed_training_goes_on_to_the_same_bytes(trained):
    folder, _, run, whole = trained
    for part in ("raw", "preprocessed"):
        shutil.copytree(folder / "whole" / part, folder / "killed" / part)
    done, out = run("killed", stop=1)
    assert done.returncode == -9 and not out.exists()
    done, out = run("killed")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Epoch 0" not in done.stdout and "Epoch 1" in done.stdout
    assert out.read_bytes() == whole.read_bytes()
    curve = json.loads(Path(f"{out}.json").read_text())
    assert curve == json.loads(Path(f"{whole}.json").read_text())
    assert [row["epoch"] for row in curve] == [1, 2, 3]
