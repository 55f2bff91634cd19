"""Public cohorts: sheets made from the installed index, against the index asked apart from it, and the real exam."""

import re
import sys
import tarfile
from collections import Counter
from functools import cache
from pathlib import Path

import duckdb
import idc_index_data
import pandas as pd
import pydicom
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from radparity.__main__ import main
from radparity.cohort import flow
from radparity.cohort.choose import baseline, choose
from radparity.cohort.collections import COLLECTIONS, PUBLIC_SAGITTAL, named
from radparity.cohort.index import Listed, series_of, sources_of
from radparity.cohort.sources import read_sources
from radparity.cohort.study import SHARES, find, partition
from radparity.config import ConfigError
from radparity.sheets import Breast, Exam, Reading, check, read

ROOT = Path(__file__).parents[2]
SHEETS = ROOT / "resources/public_sagittal"
INDEX = Path(idc_index_data.IDC_INDEX_PARQUET_FILEPATH).as_posix()


def ask(query):
    with duckdb.connect() as connection:
        return connection.execute(query.replace("INDEX", f"read_parquet('{INDEX}')")).fetchall()


@cache
def listed():
    return series_of(COLLECTIONS)


@cache
def everything():
    return find(listed(), named(["all"]))


@cache
def public():
    return find([row for row in listed() if row.collection in PUBLIC_SAGITTAL.collections], PUBLIC_SAGITTAL)


# Asked apart from the library: day of the first MR, its manufacturer, whether an enhancement SEG lies in that study.
FIRST_VISITS = """
    WITH day AS (SELECT PatientID, min(StudyDate) AS day FROM INDEX
                 WHERE collection_id = '{}' AND Modality = 'MR' GROUP BY 1),
         study AS (SELECT DISTINCT i.PatientID, i.StudyInstanceUID FROM INDEX i JOIN day d
                   ON i.PatientID = d.PatientID AND i.StudyDate = d.day WHERE Modality = 'MR')
    SELECT maker, count(*), sum(held::INT) FROM (
        SELECT s.PatientID, min(i.Manufacturer) FILTER (i.Modality = 'MR') AS maker,
               bool_or(i.Modality = 'SEG' AND i.SeriesDescription LIKE '%PE Segmentation%') AS held
        FROM study s JOIN INDEX i ON i.StudyInstanceUID = s.StudyInstanceUID GROUP BY 1) GROUP BY 1
"""


@pytest.mark.parametrize("collection", PUBLIC_SAGITTAL.collections)
def test_manufacturers_and_enhancement_segs_are_those_that_the_index_has_at_the_first_visit(collection):
    found = next(one for one in public() if one.collection == collection)
    asked = {maker: (count, int(held)) for maker, count, held in ask(FIRST_VISITS.format(collection))}
    assert found.makers == asked
    whole = next(one for one in everything() if one.collection == collection)
    assert len(whole.exams) == sum(held for _, held in asked.values())
    assert len(found.exams) == asked["GE MEDICAL SYSTEMS"][1]


def test_the_counts_of_the_public_study_are_the_published_ones():
    counts = {one.collection: one for one in public()}
    assert counts["ispy1"].makers == {
        "GE MEDICAL SYSTEMS": (145, 117),
        "Philips Medical Systems": (13, 13),
        "SIEMENS": (64, 45),
    }
    assert [len(counts[name].exams) for name in PUBLIC_SAGITTAL.collections] == [117, 64]


def test_every_patient_is_an_exam_or_left_out_for_one_reason():
    for one in everything():
        [(patients,)] = ask(f"SELECT count(DISTINCT PatientID) FROM INDEX WHERE collection_id = '{one.collection}'")
        assert one.patients == patients == len(one.exams) + one.left.total()
        assert set(one.left) <= set(flow.STEPS)
        assert sum(count for count, _ in one.makers.values()) == patients


def test_the_counts_of_the_page_are_those_of_the_index():
    page = (ROOT / "docs/cohorts.md").read_text(encoding="utf-8")
    assert flow.table(everything()) in page and flow.makers(everything()) in page


def test_the_public_study_is_made_again_byte_for_byte(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()
    assert main(["cohort"]) == 0
    said = capsys.readouterr().out
    assert "GE MEDICAL SYSTEMS 117 of 145, Philips Medical Systems 13 of 13, SIEMENS 45 of 64" in said
    assert "written: 181 exams" in said
    made = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert len(made) == 7
    for path in made:
        assert path.read_bytes() == (ROOT / path).read_bytes(), path


def sheet(name):
    return pd.read_csv(SHEETS / f"{name}.tsv", sep="\t", dtype=str, keep_default_na=False)


def test_the_sheets_of_the_public_study_hold_together():
    exams = read(SHEETS / "exams.tsv", Exam)
    breasts, readings = read(SHEETS / "breasts.tsv", Breast), read(SHEETS / "readings.tsv", Reading)
    check(exams, breasts, readings, ["UCSF"])
    assert Counter(row.cohort for row in exams) == {"ispy1": 117, "breast_mri_nact_pilot": 64}
    assert {row.label for row in breasts} == {"malignant"} and len(breasts) == len(exams) == len(readings)
    for cohort, count in Counter(row.cohort for row in exams).items():
        mine = {row.exam for row in exams if row.cohort == cohort}
        parts = Counter(row.partition for row in breasts if row.exam in mine)
        assert all(abs(parts[part] - share * count) < 1 for part, share in SHARES.items())


def test_series_land_where_exams_and_readings_look_and_are_the_indexs():
    series, exams, readings = sheet("series"), sheet("exams"), sheet("readings")
    assert series["path"].is_unique and series["series"].is_unique and series["address"].is_unique
    assert (series["path"].str.split("/").str[0] == series["exam"]).all() and set(series["exam"]) == set(exams["exam"])
    at = dict(zip(series["path"], series["role"], strict=True))
    assert {at[path] for path in readings["file"]} == {"segmentation"}
    assert {at[path] for path in exams["enhancement_map"] if path} == {"enhancement_map"}
    assert {at[path] for path in exams["washout_map"] if path} == {"washout_map"}
    wanted = "', '".join(series["series"])
    query = f"""SELECT SeriesInstanceUID, series_aws_url, instanceCount, Modality, series_size_MB, license_short_name
                FROM INDEX WHERE SeriesInstanceUID IN ('{wanted}')"""
    index = {row[0]: row[1:] for row in ask(query)}
    for row in series.itertuples():
        address, files, modality, megabytes, licence = index[row.series]
        assert (f"{row.address}*", int(row.files), licence) == (address, files, "CC BY 3.0")
        assert int(row.bytes) == pytest.approx(1e6 * megabytes, abs=0.5)
        assert modality == ("SEG" if row.role == "segmentation" else "MR")


def test_the_real_exam_is_in_the_sheets_with_its_true_roles_counts_and_sizes(tmp_path):
    with tarfile.open(ROOT / "resources/real_exam/ucsf_br_06.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    there = {}
    for folder in (tmp_path / "real/UCSF-BR-06").iterdir():
        files = sorted(folder.glob("*.dcm"))
        if files:
            uid = str(pydicom.dcmread(files[0], stop_before_pixels=True).SeriesInstanceUID)
            there[folder.name] = (uid, str(len(files)), str(sum(path.stat().st_size for path in files)))
    rows = {row.series: row for row in sheet("series").itertuples()}
    roles = {"image_dce_3dfgre_orig": "dynamic", "image_dce_pe1": "enhancement_map", "image_dce_ser": "washout_map"}
    for folder, role in {**roles, "mask": "segmentation"}.items():
        uid, files, size = there[folder]
        assert (rows[uid].role, rows[uid].files, rows[uid].bytes) == (role, files, size)
    [exam] = {rows[there[folder][0]].exam for folder in there}
    own = sheet("exams").set_index("exam").loc[exam]
    assert own["cohort"] == "breast_mri_nact_pilot" and own["site"] == "UCSF"


@pytest.mark.parametrize("name", ["exams", "breasts", "readings"])
def test_no_patient_of_the_source_and_no_uid_stands_in_the_sheets_of_the_study(name):
    text = (SHEETS / f"{name}.tsv").read_text()
    patients = ask(f"SELECT DISTINCT PatientID FROM INDEX WHERE collection_id IN {PUBLIC_SAGITTAL.collections}")
    assert not [patient for (patient,) in patients if patient in text]
    assert not re.search(r"\d+\.\d+\.\d+\.\d+", text)


@given(st.sets(st.from_regex(r"[A-Z]{2,5}-[0-9]{4}", fullmatch=True), max_size=60), st.integers(0, 5))
def test_the_partition_takes_everyone_once_whatever_the_order(names, seed):
    found = partition(names, seed)
    assert found == partition(sorted(names, reverse=True), seed) and set(found) == names
    if len(names) > 2:
        assert set(found.values()) == set(SHARES)


def test_a_laptop_study_is_small_and_complete(tmp_path, capsys):
    assert main(["cohort", "--patients", "12", "--out", str(tmp_path)]) == 0
    exams, breasts = read(tmp_path / "exams.tsv", Exam), read(tmp_path / "breasts.tsv", Breast)
    check(exams, breasts, read(tmp_path / "readings.tsv", Reading), ["UCSF"])
    series = pd.read_csv(tmp_path / "series.tsv", sep="\t")
    dynamic = series[series["role"] == "dynamic"]
    assert len(exams) == len(dynamic) == 12 and 0.2e9 < dynamic["bytes"].sum() < 0.54e9
    assert {row.partition for row in breasts} == set(SHARES)
    whole = set(sheet("series")["series"])
    assert set(series["series"]) <= whole, "the same exams under the same names"
    assert (tmp_path / "laptop.yaml").is_file()


@pytest.mark.parametrize(
    ("names", "patients", "said"),
    [
        ([], "3", "two folds, a tuning and a test case are needed, and these are 2 development"),
        ([], "4", "2 development, 0 tuning, 2 test. Write 12"),
        (["duke_breast_cancer_mri"], "12", "0 exams of these collections suit a laptop"),
        (["ispy2"], "12", "4 exams of these collections suit a laptop"),
    ],
)
def test_a_laptop_study_that_could_not_run_is_refused_and_nothing_is_written(tmp_path, capsys, names, patients, said):
    assert main(["cohort", *names, "--patients", patients, "--out", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_what_a_licence_forbids_and_a_person_must_fill_is_said_first(tmp_path, capsys):
    assert main(["cohort", "duke_breast_cancer_mri", "advanced_mri_breast_lesions", "--out", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("NOT FOR COMMERCIAL USE: duke_breast_cancer_mri") and "CC BY-NC 4.0" in lines[0]
    assert [line.split(":")[0] for line in lines[1:4]] == ["FILL FIRST"] * 3
    kept = {row.doi: row.commercial_use for row in read_sources(str(tmp_path / "sources.tsv"))}
    assert kept == {"10.7937/tcia.e3sv-re93": "no", "10.5281/zenodo.8345959": "yes", "10.7937/c7x1-yn57": "yes"}
    with pytest.raises(ConfigError, match="column 'label'"):
        read(tmp_path / "breasts.tsv", Breast)


def test_collections_whose_references_have_different_names_are_told(tmp_path, capsys):
    assert main(["cohort", "breast_mri_nact_pilot", "duke_breast_cancer_mri", "--out", str(tmp_path)]) == 0
    reader = yaml.safe_load(next(tmp_path.glob("*.yaml")).read_text())["readers"]["test"][0]
    readings = pd.read_csv(tmp_path / "readings.tsv", sep="\t")
    other = set(readings["breast"]) - set(readings.loc[readings["rater"] == reader, "breast"])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if f"no outline by {reader}" in line]
    assert line.startswith("FILL FIRST") and f"{len(other)} cases of" in line and other


def test_a_collection_without_outlines_gets_no_breasts_and_no_configuration(tmp_path, capsys):
    assert main(["cohort", "acrin_contralateral_breast_mr", "--out", str(tmp_path)]) == 0
    assert "no tumour SEG" in capsys.readouterr().out
    assert (
        len(pd.read_csv(tmp_path / "breasts.tsv", sep="\t"))
        == len(pd.read_csv(tmp_path / "readings.tsv", sep="\t"))
        == 0
    )
    assert len(read(tmp_path / "exams.tsv", Exam)) > 0 and not list(tmp_path.glob("*.yaml"))


def test_every_source_is_told_with_its_own_licence():
    for row in sources_of(listed()):
        query = f"SELECT DISTINCT license_short_name FROM INDEX WHERE lower(source_DOI) = '{row.doi}'"
        assert (row.licence,) in ask(query) and (row.commercial_use == "no") == ("NC" in row.licence)
        assert row.citation and "<" not in row.citation and "\n" not in row.citation


def test_unknown_collections_and_a_missing_index_are_told(monkeypatch, capsys):
    assert main(["cohort", "brats"]) == 2
    assert "brats is no collection" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "idc_index_data", None)
    assert main(["cohort", "--counts"]) == 2
    assert "pip install idc-index-data" in capsys.readouterr().err


def one(number, description, images=60, modality="MR", visit="2000-01-01", collection="ispy1", study="MR BREAST"):
    uid = f"1.2.{visit[-2:]}.{number}"
    place = ("GE MEDICAL SYSTEMS", "SIGNA", "CC BY 3.0", "10.1/x", f"s3://bucket/{number}/")
    return Listed(collection, "P", visit, visit, study, uid, number, description, modality, images, 1000, *place)


VISIT = [
    one(3, "T2-FSE-Sagittal"),
    one(4, "Dynamic-3dfgre", 180),
    one(41000, "Dynamic-3dfgre: SER"),
    one(41001, "Dynamic-3dfgre: PE1"),
    one(42000, "PE Segmentation thresh=70", 1, "SEG"),
    one(42100, "VOI PE Segmentation thresh=70", 1, "SEG"),
    one(42101, "VOI Breast Tissue Segmentation", 1, "SEG"),
]


def roles(series, **options):
    exam, why = choose(series, **options)
    return why or {taken.role: taken.series.number for taken in exam.taken}


def test_series_of_the_first_visit_that_the_site_analysed_are_taken():
    wanted = {"dynamic": 4, "t2": 3, "enhancement_map": 41001, "washout_map": 41000, "segmentation": 42101}
    later = [one(9, "Dynamic-3dfgre", 240, visit="2000-02-02")]
    beside = [one(5, "Dynamic-3dfgre", 17)]  # a part of an acquisition, under the same name
    assert roles([*VISIT, *beside, *later]) == wanted
    assert roles(VISIT[:-1])["segmentation"] == 42100 and roles(VISIT[:-2])["segmentation"] == 42000


def test_a_patient_is_left_out_for_the_first_reason_that_holds():
    assert roles([row for row in VISIT if row.modality != "MR"]) == "no_mr"
    assert roles([row for row in VISIT if row.number < 40000 and row.number != 4]) == "no_dynamic"
    assert roles([row for row in VISIT if row.modality == "MR"]) == "no_outline"
    assert roles(VISIT, maker="SIEMENS") == "other_maker" and "dynamic" in roles(VISIT, maker="GE")
    assert roles([one(1, "ISPY2: dyn", collection="ispy2", study="ISPY2_MRI_T1")]) == "no_visit"


@pytest.mark.parametrize(
    ("first", "second", "side", "taken"),
    [
        ("T1 left breast post", "T1 right breast post", "left", 3),  # the map's number points at the left one
        ("T1 right breast post", "T1 right breast post", "right", 6),
        ("T1 breast post", "T1 breast post", None, 6),
    ],
)
def test_the_side_is_that_of_the_analysed_series_and_the_other_sides_stack_is_left(first, second, side, taken):
    phases = [one(4 + 2 * n, first) for n in range(3)] + [one(5 + 2 * n, second) for n in range(3)]
    exam, _ = choose([*phases, one(41000, f"{first}: SER"), one(42000, "PE Segmentation thresh=70", 1, "SEG")])
    assert exam.side == side and len(exam.of("dynamic")) == taken


def test_the_baseline_is_the_first_day_also_where_a_series_lacks_the_date():
    [(uid,)] = ask("""SELECT DISTINCT StudyInstanceUID FROM INDEX
                      WHERE collection_id = 'ispy1' AND StudyDate IS NULL""")
    rows = [row for row in listed() if row.study == uid]
    assert len({row.visit for row in rows}) == 1
    whole = [row for row in listed() if row.patient == rows[0].patient]
    days = {row.visit for row in whole if row.modality == "MR"}
    assert {row.visit for row in baseline(whole, COLLECTIONS["ispy1"])} == {min(days)}
