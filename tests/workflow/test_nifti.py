"""Exams that come as NIfTI beside one that comes as DICOM: the same channels and outlines, in one small study."""

import csv
import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
import yaml

from radparity.convert import convert_exam
from radparity.image import load, save
from radparity.intake.exam import intake_exam
from radparity.intake.source import exam_files

# E05 once more, as files of one phase (N05) and as one file (N06); N07 has a phase with voxels without a number.
COPIES = {"N05": "E05", "N06": "E05", "N07": "E07"}


def rows(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def add(path, more):
    table = rows(path) + more
    columns = list(dict.fromkeys(column for row in table for column in row))
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, columns, delimiter="\t", lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(table)


def as_nifti(raw: Path, exam: str, name: str) -> list[tuple[str, int, float]]:
    """Write an exam's phases as NIfTI, with a name in the header; returns the rows of the table of times."""
    files = exam_files(raw, f"dicom/{exam}")
    record = intake_exam(files)
    folder = raw / "nifti" / name
    folder.mkdir(parents=True)
    convert_exam(files, record, folder / "all.nii.gz")
    phases, affine = load(folder / "all.nii.gz", None)
    if name != "N06":
        (folder / "all.nii.gz").unlink()
        for number in range(phases.shape[-1]):
            volume = phases[..., number]
            if name == "N07" and number == 1:
                volume = volume.astype(np.float32)
                volume[5, 6, 7] = np.nan
            save(folder / f"{name}_{number:04d}.nii.gz", volume, affine)
    for path in folder.iterdir():
        image = nibabel.load(path)
        image.header["descrip"] = b"Featherstonehaugh^Odile"
        nibabel.save(nibabel.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header), path)
    return [(name, number, 30 + phase["time_s"]) for number, phase in enumerate(record["phases"])]


@pytest.fixture(scope="module")
def study(tmp_path_factory, project_of):
    project = project_of(tmp_path_factory.mktemp("nifti") / "study", ["E05", "E07"])
    raw, sheets = project.folder / "data/demo", project.folder / "resources/demo"
    times = [row for name, exam in COPIES.items() for row in as_nifti(raw, exam, name)]
    lines = ["exam\tphase\tseconds", *(f"{name}\t{phase}\t{second}" for name, phase, second in times)]
    (raw / "nifti/times.tsv").write_text("\n".join(lines) + "\n")
    exams, breasts, readings = [], [], []
    for name, exam in COPIES.items():
        exams.append({"exam": name, "patient": f"P{name}", "folder": f"nifti/{name}", "times": "nifti/times.tsv"})
        for row in rows(sheets / "breasts.tsv"):
            if row["exam"] == exam:
                breasts.append(row | {"breast": row["breast"].replace(exam, name), "exam": name})
        for row in rows(sheets / "readings.tsv"):
            if row["breast"].startswith(exam):
                readings.append(row | {"breast": row["breast"].replace(exam, name)})
    # An outline in a format that refers to DICOM images.
    shutil.copy(next((raw / "dicom/E05").rglob("*.dcm")), raw / "outlines/N06L.dcm")
    readings = [row | ({"file": "outlines/N06L.dcm"} if row["breast"] == "N06L" else {}) for row in readings]
    for name, more in (("exams", exams), ("breasts", breasts), ("readings", readings)):
        add(sheets / f"{name}.tsv", more)
    # The demo's rule on field strength leaves out who does not state it, as no NIfTI header does.
    rules = [
        rule | {"missing": "keep"} if rule.get("fact") == "scanner.tesla" else rule
        for rule in yaml.safe_load((project.folder / "config.yaml").read_text())["eligible"]
    ]
    project.configure(eligible=rules, segment={"fraction": 0.5}, train={"negatives": "tumour_free_sections"})
    project.sweep()
    code, out = project.snakemake("harmonize", "outline")
    assert code == 0, out[-5000:]
    return project


def record(study, stage, case):
    return json.loads((study.folder / "results" / stage / case / f"{stage.split('/')[0]}.json").read_text())


def test_the_phases_and_the_channels_are_those_of_the_dicom_exam(study):
    results = study.folder / "results"
    for name in ("N05", "N06"):
        for file in ("convert/{0}/phases.nii.gz", "harmonize/pre_p95/{0}L/channels.nii.gz"):
            assert (results / file.format(name)).read_bytes() == (results / file.format("E05")).read_bytes()
        assert record(study, "convert", name)["times_s"] == record(study, "convert", "E05")["times_s"]
    outlines = (results / f"outline/{breast}/outlines.nii.gz" for breast in ("N05L", "E05L"))
    assert len({path.read_bytes() for path in outlines}) == 1


def test_a_faulty_exam_and_an_outline_on_dicom_leave_with_their_reason(study):
    assert record(study, "convert", "N07")["code"] == "phase_not_finite"
    assert record(study, "outline", "N07R")["code"] == "phase_not_finite"
    assert record(study, "outline", "N06L")["code"] == "outline_unsupported"


def test_nothing_of_the_headers_reaches_the_results(study):
    for path in (study.folder / "results").rglob("*"):
        assert "eatherstone" not in path.name
        if path.is_file() and path.suffix in (".json", ".log", ".tsv"):
            assert "eatherstone" not in path.read_text(errors="replace").lower()
    for path in (study.folder / "results").rglob("*.nii.gz"):
        if path.stat().st_size:
            assert bytes(nibabel.load(path).header["descrip"]).strip(b"\0") == b""


def test_a_changed_time_runs_only_what_depends_on_it(study):
    """The table serves three exams: all are looked at again, and one has other channels."""
    raw, results = study.folder / "data/demo", study.folder / "results"
    before = {path: path.stat().st_mtime_ns for path in results.glob("harmonize/*/*/channels.nii.gz")}
    table = raw / "nifti/times.tsv"
    last = [line for line in table.read_text().splitlines() if line.startswith("N05\t")][-1]
    later = "\t".join([*last.split("\t")[:2], str(float(last.split("\t")[2]) + 25)])
    table.write_text(table.read_text().replace(last, later))
    study.sweep()
    code, out = study.snakemake("harmonize")
    assert code == 0, out[-3000:]
    changed = {path.parent.name for path, stamp in before.items() if path.stat().st_mtime_ns != stamp}
    assert changed == {"N05L"}
