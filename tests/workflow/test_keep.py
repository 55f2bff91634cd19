"""A lean study that works in scratch: what goes, what stays, and the way back where a file is needed again."""

import json
from pathlib import Path

import pytest

EXAMS = ("E05", "E07", "E24", "E31")
STAGES = ("harmonize", "mask", "outline")
GONE = (
    "convert/{}/phases.nii.gz",
    "convert/{}/t2.nii.gz",
    "register/{}/registered.nii.gz",
    "register/{}/fields.nii.gz",
)
LEDGER = ".ledger.json"


def tree(results):
    """Name to bytes of every result."""
    files = (path for path in results.rglob("*") if path.is_file())
    inside = ((path.relative_to(results), path) for path in files)
    return {n.as_posix(): p.read_bytes() for n, p in inside if n.parts[0] not in ("logs", "benchmarks", "raw")}


@pytest.fixture(scope="module")
def study(room, project_of):
    project = project_of(room / "study", EXAMS)
    project.results, project.scratch = project.folder / "results", room / "node"
    project.scratch.mkdir()
    # All of these breasts have a cancer.
    project.configure(train={"negatives": "tumour_free_sections"})
    project.sweep()
    code, out = project.snakemake(*STAGES)
    assert code == 0, out[-3000:]
    project.before = tree(project.results)
    return project


def run(study, *targets):
    code, out = study.snakemake(*targets)
    assert list(study.scratch.iterdir()) == []
    return code, out


def test_a_lean_study_loses_the_large_files_and_nothing_else(study):
    study.configure(keep="lean", scratch=str(study.scratch))
    code, out = run(study, "keep")
    assert code == 0, out[-3000:]
    after = tree(study.results)
    names = {pattern.format(exam) for exam in EXAMS for pattern in GONE}
    gone = {name for name in names if study.before[name]}
    assert set(study.before) - set(after) == gone and len(gone) >= 3 * len(EXAMS)
    changed = {name for name in study.before if name in after and after[name] != study.before[name]}
    assert changed == {name + LEDGER for name in gone}
    lists = [json.loads(path.read_text()) for path in study.results.glob("keep/batch_*[0-9].json")]
    assert {Path(name).relative_to("results").as_posix() for said in lists for name in said["not_kept"]} == gone
    assert study.planned("keep", *STAGES) == []


def test_what_another_harmonization_needs_is_said_and_the_commands_bring_it(study):
    other = {"network": "paper", "width": 2, "harmonization": "pre_max"}
    study.configure(arms={"unet": {"network": "paper", "width": 2}, "other": other})
    code, out = run(study, "keep")
    assert code != 0 and "that were not kept" in out and "radparity redo register" in out
    code, out = study.call("radparity", "redo", "register", "--dropped")
    assert code == 0 and "snakemake --cores 8 convert register" in out
    assert all(job.startswith(("convert", "register")) for job in study.planned("convert", "register"))
    code, out = run(study, "convert", "register")
    assert code == 0, out[-3000:]
    # Made in scratch, the same bytes as beside their place.
    after = tree(study.results)
    made = {name for name in study.before if name.startswith(("convert/", "register/"))}
    assert {name: after[name] for name in made} == {name: study.before[name] for name in made}
    # They came out the same, so that only what is new is made of them.
    planned = study.planned("keep", *STAGES)
    assert {job.split()[0] for job in planned} == {"harmonize", "keep"}
    assert all("pre_max" in job for job in planned if job.startswith("harmonize"))
    code, out = run(study, "keep")
    assert code == 0, out[-3000:]
    assert not any((study.results / pattern.format(exam)).is_file() for exam in EXAMS for pattern in GONE[2:])
