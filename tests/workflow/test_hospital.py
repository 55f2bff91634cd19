"""From a hospital's raw folder without sheets to harmonized channels: messy files, two vendors, names of people."""

import csv
import json
import os
import shutil
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest

from radparity.deidentify.search import deidentification, read_sources

EXAMS = {"E10": "DOE^JANE^MARY", "E11": "Garfunkel^Roberta", "E17": "O'HARA^ELISE", "E20": "Ng-Smith^Ada"}
IDS = {"E10": "00471199", "E11": "K-8812345", "E17": "00651234", "E20": "7712.3390"}


def identify(folder: Path, exam: str) -> None:
    """Give an exam the headers of a person."""
    for path in (p for p in folder.rglob("*") if p.is_file()):
        data = pydicom.dcmread(path)
        data.PatientName, data.PatientID, data.PatientBirthDate = EXAMS[exam], IDS[exam], "19540317"
        data.AccessionNumber, data.InstitutionName = f"ACC{IDS[exam][-4:]}77", "Saint Elsewhere Hospital"
        data.save_as(path)


def rows(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def write(path, table):
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(table[0]), delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


@pytest.fixture(scope="module")
def study(room, project_of):
    project = project_of(room / "study", list(EXAMS))
    made, raw = project.folder / "data/demo", project.folder / "data/hospital"
    for exam in EXAMS:
        identify(made / "dicom" / exam, exam)
    # One archive, one folder of two patients without extensions, one by the patient's name, and what else lies about.
    raw.mkdir()
    with zipfile.ZipFile(raw / "export_2011.zip", "w") as archive:
        for path in sorted((made / "dicom/E10").rglob("*.dcm")):
            archive.write(path, f"DICOM/{path.relative_to(made / 'dicom/E10')}")
    for exam in ("E17", "E20"):
        for number, path in enumerate(sorted((made / "dicom" / exam).rglob("*.dcm"))):
            target = raw / "both" / f"{int(exam[1:]):02d}{number:05d}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    shutil.copytree(made / "dicom/E11", raw / "Garfunkel Roberta K-8812345/study 1")
    copied = next((raw / "Garfunkel Roberta K-8812345").rglob("*.dcm"))
    shutil.copy(copied, copied.with_name("copy of it.dcm"))
    (raw / "Thumbs.db").write_bytes(b"\0" * 512)
    (raw / "report.txt").write_text("unremarkable")
    code, out = project.call(
        "radparity", "draft", "data/hospital", "--out", "config/own", "--key", ".radparity/key", "--make-key"
    )
    assert code == 0, out
    project.out = out
    # What the user fills in: labels, partitions, and the outlines of the two cancers.
    own = project.folder / "config/own"
    breasts, exams = rows(own / "breasts.tsv"), rows(own / "exams.tsv")
    project.exam = crosswalk(project.folder)
    cancers = {project.exam[IDS["E10"]]: "E10R", project.exam[IDS["E11"]]: "E11L"}
    readings = []
    for row in breasts:
        row["partition"], row["label"] = "development", "malignant" if row["exam"] in cancers else "benign"
        if row["exam"] in cancers:
            outline = made / f"outlines/{cancers[row['exam']]}_R6.nii.gz"
            shutil.copy(outline, raw / "radparity" / f"{row['breast']}.nii.gz")
            readings.append({"breast": row["breast"], "rater": "R6", "file": f"radparity/{row['breast']}.nii.gz"})
    write(own / "breasts.tsv", breasts)
    write(own / "readings.tsv", readings)
    project.breasts, project.exams_sheet = breasts, exams
    sheets = {name: f"config/own/{name}.tsv" for name in ("exams", "breasts", "readings")}
    own = {"sheets": sheets, "eligible": [], "segment": {"fraction": 0.5}, "compare": {"subgroups": []}}
    project.configure(raw="data/hospital", **own)
    config = project.folder / "config.yaml"
    text = config.read_text()
    config.write_text(text[: text.index("\nphantom:")] + "\n" if "\nphantom:" in text else text)
    lines = [line for line in config.read_text().splitlines() if not line.startswith("  decisions:")]
    config.write_text("\n".join(lines) + "\n")
    project.sweep()
    code, out = project.snakemake("harmonize", "mask", "outline")
    assert code == 0, out[-5000:]
    return project


def crosswalk(folder):
    """Patient id to the pseudonym of her exam."""
    return {row["patient_id"]: row["exam"] for row in rows(folder / ".radparity/crosswalk.tsv")}


def test_every_exam_of_the_folder_is_a_row_and_every_breast_is_found(study):
    assert len(study.exams_sheet) == 4 and len({row["patient"] for row in study.exams_sheet}) == 4
    sides = {row["exam"]: [] for row in study.exams_sheet}
    for row in study.breasts:
        sides[row["exam"]].append(row["side"])
    expected = {"E10": ["right"], "E11": ["left"], "E17": ["left", "right"], "E20": ["right"]}
    assert {name: sorted(sides[study.exam[IDS[name]]]) for name in EXAMS} == expected


def test_the_private_files_are_private_and_the_results_name_nobody(study):
    for name in ("crosswalk.tsv", "key"):
        assert (study.folder / ".radparity" / name).stat().st_mode & 0o077 == 0
    raw = study.folder / "data/hospital"
    sources = read_sources(raw, {row["exam"]: [row["folder"]] for row in study.exams_sheet}, 1)
    pseudonyms = {row[key]: {row["exam"]} for row in study.exams_sheet for key in ("exam", "patient")}
    section, _ = deidentification(study.folder / "results", sources, pseudonyms, [], 1)
    assert section["verdict"] == "green", section
    # The search is able to fail: the same name planted in a log is found.
    planted = study.folder / "results/logs/planted.log"
    planted.write_text("converted the images of Roberta Garfunkel\n")
    section, _ = deidentification(study.folder / "results", sources, pseudonyms, [], 1)
    planted.unlink()
    assert section["verdict"] == "red"


@pytest.mark.parametrize("name", sorted(EXAMS))
def test_times_and_volumes_are_those_of_the_virtual_exam(study, name):
    exam = study.exam[IDS[name]]
    record = json.loads((study.folder / f"results/convert/{exam}/convert.json").read_text())
    assert record["status"] == "ok", record
    truth = study.folder / "data/demo/truth" / name
    times = json.loads((truth / "truth.json").read_text())["times_s"]
    assert record["times_s"] == [time - times[0] for time in times]
    image = nibabel.load(study.folder / f"results/convert/{exam}/phases.nii.gz")
    breast = nibabel.load(truth / "breast.nii.gz")
    np.testing.assert_allclose(image.affine, breast.affine, atol=1e-3)
    phases, inside = np.asarray(image.dataobj, dtype=float), np.asarray(breast.dataobj) > 0
    assert phases[..., 1][inside].mean() > 1.5 * phases[..., 1][~inside].mean()
    assert phases[..., 1][inside].mean() > phases[..., 0][inside].mean()


def test_every_breast_has_channels_and_a_mask_on_one_sagittal_grid(study):
    for row in study.breasts:
        record = json.loads((study.folder / f"results/harmonize/pre_p95/{row['breast']}/harmonize.json").read_text())
        assert record["status"] == "ok", record
        channels = nibabel.load(study.folder / f"results/harmonize/pre_p95/{row['breast']}/channels.nii.gz")
        mask = nibabel.load(study.folder / f"results/mask/{row['breast']}/mask.nii.gz")
        assert channels.shape[:3] == mask.shape and np.allclose(channels.affine, mask.affine)
        spacing = channels.header.get_zooms()[:3]
        assert spacing[0] >= 2.0 and spacing[1] == pytest.approx(spacing[2]) and spacing[1] <= 0.6
        x = channels.affine[0, 3] + channels.affine[0, 0] * (channels.shape[0] - 1) / 2
        assert (x < 0) == (row["side"] == "left")


def test_a_second_draft_changes_nothing(study):
    own = study.folder / "config/own"
    before = {path.name: path.read_bytes() for path in own.iterdir()}
    code, out = study.call("radparity", "draft", "data/hospital", "--out", "config/own", "--key", ".radparity/key")
    assert code == 0, out
    after = {path.name: path.read_bytes() for path in own.iterdir()}
    assert {name: after[name] for name in before} == before
    assert not [name for name in after if name.endswith(".new.tsv")]


def test_a_file_replaced_under_an_older_date_reruns_its_exam_and_no_other(study):
    exam = study.exam[IDS["E11"]]
    path = sorted((study.folder / "data/hospital/Garfunkel Roberta K-8812345").rglob("*.dcm"))[30]
    old = path.stat()
    data = pydicom.dcmread(path)
    data.PixelData = data.PixelData[:-2] + b"\1\0"
    data.save_as(path)
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns - 10**12))
    study.sweep()
    # What lies in an exam's own folder.
    records = {path: path.stat().st_mtime_ns for path in (study.folder / "results").glob("*/E*/*.json")}
    code, out = study.snakemake("harmonize")
    assert code == 0, out[-3000:]
    again = {path.parent.name for path, written in records.items() if path.stat().st_mtime_ns != written}
    stages = {path.parts[-3] for path, written in records.items() if path.stat().st_mtime_ns != written}
    assert again == {exam} and stages >= {"intake", "convert", "register"}
