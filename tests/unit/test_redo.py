"""`radparity redo`: what it names is made again, bit by bit the same, and nothing else."""

from pathlib import Path

import jobs
import pytest
from test_keep import BREASTS, Study, convert, harmonize, keep, register

from radparity.config import ConfigError
from radparity.redo import redo

RESULTS = Path("results")


@pytest.fixture
def study(tmp_path, monkeypatch):
    found = Study(tmp_path / "study")
    monkeypatch.chdir(found.path)
    return found


def again(study):
    """Make what a Snakemake call would find missing, and look at the rest."""
    study.run(convert(E3={"fault": True}), register(), harmonize())
    return study.made


def test_named_cases_are_made_again_and_bring_the_same_bytes(study):
    before = study.tree
    done = study.command("redo", "register", "E2", "E3")
    assert done.returncode == 0 and "8 files of register will be made again" in done.stdout
    gone = set(before) - set(study.tree)
    lists = {"register/batch_one.json", "register/batch_one.json.ledger.json"}
    assert {name.split("/")[1] for name in gone - lists} == {"E2", "E3"} and lists <= gone
    assert all(study.tree[name] == before[name] for name in set(before) - gone)
    # E3 is excluded: its record is passed on without work.
    assert again(study) == ["register E2"] and study.tree == before


def test_without_names_all_of_the_stage_is_made_again(study):
    before = study.tree
    redo(RESULTS, "harmonize")
    assert not list(RESULTS.glob("harmonize/**/*.*"))
    assert again(study) == [f"harmonize {breast}" for breast in BREASTS] and study.tree == before


def test_a_breast_or_a_harmonization_can_be_named(study):
    study.run(harmonize("two"))
    found = redo(RESULTS, "harmonize", ["E1L"])
    assert {path.parent.as_posix() for path in found["harmonize"]} == {
        f"results/harmonize/{how}/E1L" for how in ("one", "two")
    }
    study.run(harmonize(), harmonize("two"))
    assert study.made == ["harmonize E1L"] * 2


def test_dropped_names_what_was_not_kept_and_what_that_needs(study):
    before = study.tree
    assert "nothing to do" in study.command("redo", "register", "--dropped").stdout and study.tree == before
    study.run(keep("lean"))
    found = redo(RESULTS, "register", dropped=True)
    assert {path.parent.name for paths in found.values() for path in paths} == {"E1", "E2"}
    assert sorted(found) == ["convert", "register"]
    # What the study keeps is looked at anew as well.
    assert not (RESULTS / "keep/batch_one.json").exists()
    assert again(study) == ["convert E1", "convert E2", "register E1", "register E2"] and study.tree == before


def test_what_is_needed_of_another_stage_is_made_again_only_where_it_was_not_kept(study):
    assert list(redo(RESULTS, "harmonize", ["E1L"])) == ["harmonize"]
    again(study)
    study.run(keep("lean"))
    found = redo(RESULTS, "harmonize", ["E1L"])
    assert {stage: {path.parent.name for path in paths} for stage, paths in found.items()} == {
        "convert": {"E1"},
        "register": {"E1"},
        "harmonize": {"E1L"},
    }


def test_a_call_that_was_cut_short_can_be_repeated(study):
    before = study.tree
    # As a kill leaves it after the lists and some files.
    for name in ("batch_one.json", "E1/registered.nii.gz.ledger.json", "E1/registered.nii.gz", "E1/fields.nii.gz"):
        (RESULTS / "register" / name).unlink()
    redo(RESULTS, "register", ["E1"])
    assert again(study) == ["register E1"] and study.tree == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["registered"], "registered: results/ has no such stage. Write one of: convert, harmonize, register"),
        (["logs"], "logs: results/ has no such stage"),
        (["register", "E1", "E9"], "E9: nothing under results/register/ is of that name"),
        (["register", "batch_one"], "batch_one: nothing under"),
        (["register", "one"], "one: nothing under"),
        (["register", "E"], "E: nothing under"),
        (["../register"], "no such stage"),
    ],
)
def test_what_nobody_knows_is_refused_and_nothing_is_touched(study, arguments, said):
    (RESULTS / "logs").mkdir()
    before = study.tree
    done = study.command("redo", *arguments)
    assert done.returncode == 2 and said in done.stderr and study.tree == before


def test_without_results_it_says_so(tmp_path):
    with pytest.raises(ConfigError, match="register: .*has no such stage. Nothing has been made yet"):
        redo(tmp_path / "results", "register")


TRAINING = """
from radparity.lasting_job import lasting_job

def make(run):
    with open("made.txt", "a") as stream:
        stream.write("trained\\n")
    run.output["weights"].write_text("weights")

lasting_job(snakemake, make)
"""


def test_a_training_is_trained_again_and_not_put_back(study):
    wildcards, output = {"arm": "unet", "fold": "1"}, {"weights": "results/train/unet/1/weights.pt"}
    rule = {"rule": "train_fold", "wildcards": wildcards, "output": output}

    def train():
        """As Snakemake: where the weights are missing."""
        assert jobs.run(study.path, TRAINING, rule)[0] == 0

    (study.path / "made.txt").write_text("")
    train()
    (study.path / output["weights"]).unlink()
    train()
    assert (study.path / "made.txt").read_text() == "trained\n"
    assert study.command("redo", "train", "unet").returncode == 0
    assert not (study.path / output["weights"]).exists()
    train()
    assert (study.path / "made.txt").read_text() == "trained\ntrained\n"
