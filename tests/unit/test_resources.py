"""What ships: the real exam against the site's maps, the demo's sheets, the paper's figures."""

import csv
import hashlib
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
import yaml

from radparity import kinetics
from radparity.convert import convert_exam, convert_folder
from radparity.image import load
from radparity.intake.exam import intake_exam
from radparity.intake.source import exam_files
from radparity.outline.dicom_file import read_dicom
from radparity.outline.site_volume import read_site_volume
from radparity.outline.tumour_volume import functional_tumour_volume
from radparity.phantom.cohort import read_cohort, study_sheets
from radparity.record import DataFault

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def real_exam(tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    with tarfile.open(ROOT / "resources/real_exam/ucsf_br_06.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    exam = folder / "real/UCSF-BR-06"
    files = exam_files(exam.parent, exam.name)
    record = intake_exam(files)
    convert_exam(files, record, folder / "phases.nii.gz")
    return exam, record, *load(folder / "phases.nii.gz")


def test_intake_of_the_real_exam(real_exam):
    _, record, phases, _ = real_exam
    assert [phase["time_s"] for phase in record["phases"]] == [0, 407, 761]
    assert {s["role"] for s in record["series"]} == {"dynamic", "derived"}
    assert (record["plane"], record["laterality"], record["scanner"]["tesla"]) == ("sagittal", "left", 1.5)
    assert phases.shape == (60, 256, 256, 3)


def test_percent_enhancement_equals_the_sites_map_in_every_voxel(real_exam):
    exam, _, phases, _ = real_exam
    site = convert_folder(exam / "image_dce_pe1", (60, 256, 256))
    own = kinetics.percent_enhancement(phases[..., 0], phases[..., 1])
    assert kinetics.agree_enhancement(own, site, np.zeros(site.shape, bool))["equal_share"] == 1.0


def test_a_map_whose_files_have_an_archives_random_names_is_the_same(real_exam, tmp_path):
    exam, *_ = real_exam
    source, folder = exam / "image_dce_pe1", tmp_path / "map"
    folder.mkdir()
    for path in source.iterdir():
        shutil.copy(path, folder / f"{hashlib.sha256(path.name.encode()).hexdigest()}.dcm")
    wanted = convert_folder(source, (60, 256, 256))
    assert np.array_equal(convert_folder(folder, (60, 256, 256)), wanted)
    (folder / "notes.txt").write_text("no image")
    with pytest.raises(DataFault, match="no image with a place"):
        convert_folder(folder, (60, 256, 256))


def test_functional_tumour_volume_is_the_sites_voxel_for_voxel(real_exam):
    exam, _, phases, affine = real_exam
    site = read_site_volume(read_dicom(exam / "mask/1-1.dcm", "mask"), "mask")
    tumour, box = functional_tumour_volume(phases, affine, site)
    assert tumour.sum() == site.voxels == 41105
    ratio = convert_folder(exam / "image_dce_ser", (60, 256, 256))
    assert np.array_equal(tumour, (ratio > 0) & box)
    own = kinetics.enhancement_ratio(phases[..., 0], phases[..., 1], phases[..., 2])
    agreement = kinetics.agree_ratio(own, ratio, tumour)
    assert agreement["equal_share_in_tumour"] >= 0.99


def test_the_demo_sheets_are_those_of_the_cohort_and_the_real_exam():
    wanted = study_sheets(read_cohort(ROOT / "resources/phantom/cohort.tsv"))
    for name, table in wanted.items():
        with (ROOT / f"resources/demo/{name}.tsv").open(newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t"))
        virtual = [
            {key: row[key] for key in table.columns} for row in rows if not row.get("exam", "").startswith("UCSF")
        ]
        assert virtual == table.astype(str).to_dict("records")


def test_every_rule_that_computes_has_log_benchmark_environment_and_resources():
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        for block in path.read_text().split("\nrule ")[1:]:
            if "script:" in block:
                measured = ("benchmark:",) if "output:" in block else ()
                for directive in (*measured, "log:", "conda:", "threads:", "resources:", "code=digest("):
                    assert f"    {directive}" in block or directive in block, (
                        f"{path.name}: {block.split(':')[0]} has no {directive}"
                    )


def test_the_papers_figures_all_name_their_source():
    published = yaml.safe_load((ROOT / "resources/published/hirsch_2022.yaml").read_text())
    rows = [*published["dice"], *published["tests"], published["fuzzy_c_means"], published["cohort"]]
    assert all(row["source"] for row in rows) and published["doi"] == "10.1148/ryai.200231"
    assert [row["network"][0] for row in published["dice"]] == [0.77, 0.76, 0.76, 0.77, 0.76]


def test_slopes_of_an_exam_without_motion_equal_the_truth_within_its_noise(tmp_path):
    from radparity.harmonize import channels_of
    from radparity.phantom.cohort import write_exam

    design = next(d for d in read_cohort(ROOT / "resources/phantom/cohort.tsv") if d.exam == "E10")
    errors = {}
    for noise in (False, True):
        out = tmp_path / str(noise)
        write_exam(design, out, seed=3, motion=False, noise=noise)
        files = exam_files(out, "dicom/E10")
        record = intake_exam(files)
        facts = convert_exam(files, record, tmp_path / "phases.nii.gz")
        measured = channels_of(load(tmp_path / "phases.nii.gz")[0], facts["times_s"], as_rate=False)
        truth = load(out / "truth/E10/dce.nii.gz")[0]
        inside = load(out / "truth/E10/breast.nii.gz", np.uint8)[0] > 0
        errors[noise] = [float((measured[c + 1] - truth[..., c])[inside].std()) for c in range(2)]
        times = np.array(facts["times_s"][1:])
    # Without noise only the rounding to whole intensities is left; it divides by the spread of the times in the slope.
    spread = np.sqrt(((times - times.mean()) ** 2).sum())
    assert errors[False][0] < 0.5 and errors[False][1] < 0.5 / spread
    # With noise of one standard deviation a phase, DCE-in has sqrt(2) of it and the slope 1 / spread.
    noise = errors[True][0] / np.sqrt(2)
    assert noise > 1 and errors[True][1] == pytest.approx(noise / spread, rel=0.15)
