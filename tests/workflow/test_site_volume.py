"""The real exam with the site's segmentation as from an archive: its outline, its kinetics, a changed row."""

import json
import tarfile
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from project import ROOT, Project

from radparity.load import load_study
from radparity.terminal import read_config

EXAM, BREAST, SEG = "UCSF-BR-06", "UCSF-BR-06L", "real/UCSF-BR-06/mask"


@pytest.fixture(scope="module")
def study(room, finished):
    """Virtual exams and the real one, whose segmentation lies in a folder under a name that the archive gave it."""
    project = Project(room / "study", "E05 E07 E16 E18 E24 E25 E26 E31".split())
    project.take_over(finished)
    with tarfile.open(ROOT / "resources/real_exam/ucsf_br_06.tar.xz") as archive:
        archive.extractall(project.folder / "data/demo", filter="data")
    folder = project.folder / "data/demo" / SEG
    (folder / "1-1.dcm").rename(folder / "9c1f4a2e-0d57.dcm")
    row(project, "exams", exam=EXAM, patient=EXAM, folder=f"real/{EXAM}", tumour_volume=SEG)
    row(project, "breasts", breast=BREAST, exam=EXAM, side="left", label="malignant", partition="shown")
    row(project, "readings", breast=BREAST, rater="SITE", file=SEG, rule="functional_tumour_volume")
    return project


def row(project, name, **cells):
    """Another row of a sheet, and the columns that it needs."""
    path = project.folder / f"resources/demo/{name}.tsv"
    header, *rows = [line.split("\t") for line in path.read_text().splitlines()]
    wanted = header + [column for column in cells if column not in header]
    rows = [own + [""] * (len(wanted) - len(own)) for own in rows]
    lines = [wanted, *rows, [cells.get(column, "") for column in wanted]]
    path.write_text("".join("\t".join(line) + "\n" for line in lines))


def made(project, monkeypatch, *stages):
    """The records of the real exam after a run up to these stages."""
    monkeypatch.chdir(project.folder)
    project.sweep()
    batch = load_study(read_config("config.yaml")).batch_of[EXAM]
    code, out = project.snakemake(*(f"results/{stage}/batch_{batch}.json" for stage in stages))
    assert code == 0, out[-3000:]
    units = {"kinetics": EXAM, "outline": BREAST}
    return [json.loads(Path(f"results/{stage}/{units[stage]}/{stage}.json").read_text()) for stage in stages]


def test_a_folder_and_a_rule_in_the_sheets_give_the_sites_volume(study, monkeypatch):
    outline, kinetics = made(study, monkeypatch, "outline", "kinetics")
    assert outline["status"] == "ok" and outline["by_rule"]["SITE"]["voxels"] == 41105
    assert outline["fills_volume"] and outline["section"] in outline["tumour_sections"]
    drawn = np.asarray(nibabel.load(f"results/outline/{BREAST}/outlines.nii.gz").dataobj)
    # On the section of the largest area, doubled in the plane.
    native = round(outline["area_mm2"]["SITE"] / 0.703125**2)
    assert drawn.shape[0] == 1 and drawn.sum() == 4 * native
    volume = np.asarray(nibabel.load(f"results/kinetics/{EXAM}/maps.nii.gz").dataobj)[..., -1] > 0
    assert volume.sum() == kinetics["tumour_volume"]["voxels"] == 41105
    assert volume.sum(axis=(1, 2)).argmax() == outline["section"] and volume[outline["section"]].sum() == native
    data = pydicom.dcmread(study.folder / "data/demo" / SEG / "9c1f4a2e-0d57.dcm", stop_before_pixels=True)
    texts = [path.read_text() for path in Path("results/outline").rglob("*.json")]
    assert texts and not any(str(data.SOPInstanceUID) in text or "9c1f4a2e" in text for text in texts)


def test_a_row_without_the_rule_is_made_again_and_refused_as_tissue(study, monkeypatch):
    path = study.folder / "resources/demo/readings.tsv"
    path.write_text(path.read_text().replace("functional_tumour_volume", ""))
    (outline,) = made(study, monkeypatch, "outline")
    assert (outline["status"], outline["code"]) == ("excluded", "outline_tissue")
