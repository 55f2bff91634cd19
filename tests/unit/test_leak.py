"""Nothing of a validation, held-out, tuning or test patient reaches what a fold learns.

A small study goes through the real scripts of harmonize, fold, slab and train three times: as it is; with every exam
of every patient who is not in the fold's training set altered; and with one training breast altered, to show that it
can fail. Inner validation may choose the step whose weights are kept once it has ten cancers; here it has fewer, so
nothing of it may show at all.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import leak_study
import pytest
from leak_study import BREASTS, DEVELOPMENT, EXAMS

KEPT = ("absurd", "scanner", "contrast")
LEAVING = ("absurd", "empty", "scanner", "damaged", "timeless")
ROLES = leak_study.partition()


def patients(role: str) -> set[str]:
    return {EXAMS[BREASTS[b][0]][0] for b in DEVELOPMENT if ROLES[b] == role}


def study(folder: Path, plan: dict[str, str]) -> dict[str, bytes]:
    """The files that a fold leaves."""
    folder.mkdir()
    script = Path(leak_study.__file__)
    path = os.pathsep.join([str(script.parents[2] / "workflow"), str(script.parent)])
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(script), str(folder), json.dumps(plan)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr + "".join(p.read_text()[-2000:] for p in sorted(folder.glob("logs/*")))
    return {name: (folder / name).read_bytes() for name in ("scaling.json", "weights.pt", "train.json")}


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("leak") / "untouched"
    return folder, study(folder, {})


def others() -> dict[str, str]:
    """An alteration for every exam of every patient outside the training set.

    A validation exam that leaves the study leaves the weights' list of validation breasts too, so those stay in.
    """
    kept, leaving = itertools.cycle(KEPT), itertools.cycle(LEAVING)
    plan = {}
    for exam, (patient, _, _, _) in EXAMS.items():
        if patient not in patients("training"):
            plan[exam] = next(kept if patient in patients("validation") else leaving)
    return plan


def test_the_study_is_fit_to_show_a_leak(untouched: tuple[Path, dict[str, bytes]]) -> None:
    folder, files = untouched
    training, validation, held_out = (patients(role) for role in ("training", "validation", "held_out"))
    assert training and validation and held_out and not training & (validation | held_out)
    both = {EXAMS[e][0] for e, row in EXAMS.items() if len(row[1]) == 2}
    twice = [EXAMS[e][0] for e in EXAMS]
    assert both & held_out and both & validation and any(twice.count(p) > 1 for p in held_out | validation)
    scaling = json.loads(files["scaling.json"])
    assert set(scaling["landmarks"]) == {"GE A 1.5 T", "GE B 1.5 T"}
    assert set(scaling["breasts"]) == {b for b in DEVELOPMENT if ROLES[b] == "training"}
    assert json.loads(files["train.json"])["selected"] == "last"
    assert set(others().values()) == {*KEPT, *LEAVING}


def test_altering_everyone_else_changes_no_bit(untouched: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
    folder, before = untouched
    after = study(tmp_path / "altered", others())
    left = 0
    for breast, (exam, _) in BREASTS.items():
        paths = [Path(f, f"results/harmonize/histogram/{breast}") for f in (folder, tmp_path / "altered")]
        same = [(p / "channels.nii.gz").read_bytes() for p in paths]
        assert (same[0] == same[1]) == (exam not in others())
        left += json.loads((paths[1] / "harmonize.json").read_text())["status"] == "excluded"
    assert left >= 3
    assert after["scaling.json"] == before["scaling.json"]
    assert after["weights.pt"] == before["weights.pt"]


def test_altering_one_training_breast_changes_both(untouched: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
    exam = next(BREASTS[b][0] for b in DEVELOPMENT if ROLES[b] == "training" and len(EXAMS[BREASTS[b][0]][1]) == 1)
    after = study(tmp_path / "altered", {exam: "contrast"})
    assert after["scaling.json"] != untouched[1]["scaling.json"]
    assert after["weights.pt"] != untouched[1]["weights.pt"]
