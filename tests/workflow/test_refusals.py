"""What a user reads when the configuration or a sheet cannot be used: the mend, and no traceback."""

import pytest


@pytest.fixture(scope="module")
def project(room, project_of):
    project = project_of(room / "study", ["E05", "E07", "E16", "E24", "E34"])
    project.sweep()
    return project


@pytest.fixture
def restored(project):
    kept = {p: p.read_text() for p in (project.folder / "config.yaml", *project.folder.glob("resources/demo/*.tsv"))}
    yield project
    for path, text in kept.items():
        path.write_text(text)


def expect_refusal(project, said):
    code, out = project.snakemake("-n")
    assert code != 0 and "Traceback" not in out
    assert said in out, out


def test_an_unknown_key(restored):
    restored.configure(train={"stesp": 4})
    expect_refusal(restored, "train: stesp is not a key of the configuration. Write instead: steps: 4")


def test_too_many_folds(restored):
    restored.configure(fold={"folds": 5})
    expect_refusal(restored, "5 folds for 2 development patients with cancer. Write instead: folds: 2")


def test_an_unknown_exam_in_a_sheet(restored):
    path = restored.folder / "resources/demo/breasts.tsv"
    path.write_text(path.read_text() + "E77L\tE77\tleft\tbenign\tdevelopment\n")
    expect_refusal(restored, "exam E77 is not in the exams sheet")


def test_an_exam_that_the_sweep_has_not_seen(restored):
    path = restored.folder / "resources/demo/exams.tsv"
    columns = len(path.read_text().splitlines()[0].split("\t"))
    path.write_text(path.read_text() + "\t".join(["E77", "P77", "dicom/E77"] + [""] * (columns - 3)) + "\n")
    expect_refusal(restored, "does not know dicom/E77 (1 such paths). Run `radparity sweep`")


def test_a_corrupt_configuration(restored):
    (restored.folder / "config.yaml").write_text("study: [demo\n")
    code, out = restored.snakemake("-n")
    assert code != 0 and "config.yaml" in out
    code, out = restored.call("radparity", "sweep")
    assert code == 2 and "is not valid YAML" in out


def test_another_study_does_not_inherit_the_demo(restored):
    path = restored.folder / "config/other.yaml"
    path.parent.mkdir(exist_ok=True)
    text = (restored.folder / "config.yaml").read_text()
    path.write_text(text.replace("  fuzzy_c_means:\n    network: fuzzy_c_means\n", ""))
    code, out = restored.snakemake("-n", "--configfile", "config/other.yaml")
    assert code == 0 and "with unet" in out and "fuzzy_c_means" not in out
