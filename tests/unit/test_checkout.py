"""Which version of the code a run had, with real repositories."""

import subprocess

import pytest

from radparity.checkout import ALLOW, NOT_VERSIONED, Checkout, checkout, record_run, refuse_edited, runs
from radparity.config import ConfigError


def git(folder, *arguments):
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    return subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def project(tmp_path):
    """A project in a folder of a larger repository."""
    folder = tmp_path / "repository/study"
    (folder / "workflow/profiles/slurm").mkdir(parents=True)
    (folder / "plan").mkdir()
    for name in (
        "Snakefile",
        "workflow/a module.py",
        "workflow/profiles/slurm/profile.yaml",
        "plan/looks.tsv",
        "notes",
    ):
        (folder / name).write_text("one\n")
    (folder.parent / "other").write_text("one\n")
    (folder / ".gitignore").write_text("results/\n")
    git(folder.parent, "init", "--quiet")
    git(folder.parent, "add", ".")
    git(folder.parent, "commit", "--quiet", "--message", "first")
    return folder


def test_a_checkout_as_it_was_committed_has_nothing_edited(project):
    found = checkout(project, ["plan"])
    assert found == Checkout(git(project, "rev-parse", "HEAD").strip(), [])
    refuse_edited(found)


def test_edited_files_and_new_code_count(project):
    (project / "workflow/a module.py").write_text("two\n")
    (project / "workflow/new.py").write_text("new\n")
    (project / "notes").unlink()
    git(project, "add", "workflow/a module.py")
    assert checkout(project).edited == ["notes", "workflow/a module.py", "workflow/new.py"]


def test_what_runs_write_what_sites_change_and_what_is_no_code_does_not_count(project):
    (project / "plan/looks.tsv").write_text("two\n")
    (project / "workflow/profiles/slurm/profile.yaml").write_text("two\n")
    (project / "mystudy.yaml").write_text("new\n")
    (project / "results").mkdir()
    (project / "results/new").write_text("new\n")
    (project.parent / "other").write_text("two\n")
    assert checkout(project, ["plan"]).edited == []
    assert checkout(project).edited == ["plan/looks.tsv"]


def test_a_refusal_names_the_files_and_what_to_do_and_can_be_overruled(project, monkeypatch):
    for number in range(12):
        (project / f"workflow/new_{number:02}.py").write_text("new\n")
    found = checkout(project)
    monkeypatch.delenv(ALLOW, raising=False)
    with pytest.raises(ConfigError, match=r"12 files .*new_00\.py.*and 2 more.*git commit.*RADPARITY_ALLOW_EDITED=1"):
        refuse_edited(found)
    monkeypatch.setenv(ALLOW, "1")
    refuse_edited(found)


def test_outside_version_control_there_is_nothing_to_refuse(tmp_path, project):
    (tmp_path / "unpacked").mkdir()
    (project.parent / "unpacked").mkdir()
    (project.parent / "unpacked/Snakefile").write_text("one\n")
    for folder in (tmp_path / "unpacked", project.parent / "unpacked"):
        assert checkout(folder) == Checkout("", [])
    refuse_edited(Checkout("", []))


def test_every_run_is_a_line_of_the_log(tmp_path, project):
    log = tmp_path / "results/logs/runs.tsv"
    assert runs(log) == []
    (project / "notes").write_text("two\n")
    record_run(log, checkout(project, ["plan"]), "9.0", ["/somewhere/bin/snakemake", "--config", "a=b c"])
    record_run(log, Checkout("", []), "9.0", ["snakemake"])
    first, second = runs(log)
    assert (first["edited"], first["snakemake"], first["command"]) == ("notes", "9.0", "snakemake --config 'a=b c'")
    assert first["commit"] == git(project, "rev-parse", "HEAD").strip() and second["commit"] == NOT_VERSIONED
    assert first["when"] <= second["when"] and first["host"]
