"""The de-identification auditor: leaks planted in real files of every kind are found, a clean study is green."""

import base64
import gzip
import io
import json
import logging
import os
import shutil
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path

import nibabel
import niftis
import numpy as np
import pydicom
import pytest
import torch
import yaml
from dicoms import write_exam, write_image
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from nibabel.nifti1 import Nifti1DicomExtension, Nifti1Extension
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from radparity import ledger
from radparity.audit.study import audit_study
from radparity.config import load
from radparity.convert import convert_exam
from radparity.deidentify.formats import runs
from radparity.deidentify.identifiers import Identifier, Source, identifiers, read_source, some
from radparity.deidentify.matcher import SHORTEST_IN_BYTES, Matcher
from radparity.deidentify.search import deidentification, files, read_sources, search_file
from radparity.deidentify.words import ordinary
from radparity.intake.exam import intake_exam
from radparity.intake.nifti_exam import intake_nifti
from radparity.intake.source import exam_files
from radparity.job import _without_values
from radparity.ledger import dump
from radparity.sheets import Exam
from radparity.study import Study

ROOT = Path(__file__).parents[2]
PSEUDONYMS = {"E0012": {"E0012"}, "P0012": {"E0012"}, "E0012L": {"E0012"}, "E0013": {"E0013"}, "P0013": {"E0013"}}
STUDY_UID = "1.2.840.113619.2.5.1762874864.1932.1015597298.738"
TAGS = {
    "PatientName": "QUIGLEY^HORTENSIA^M",
    "PatientID": "0073519264",
    "OtherPatientIDs": "KX-88-1742",
    "PatientBirthDate": "19471105",
    "AccessionNumber": "RA55120934",
    "StudyDate": "20040617",
    "StudyTime": "143015.123456",
    "InstitutionName": "Saint Bartleby Memorial",
    "ReferringPhysicianName": "Wu^Li",
    "StudyInstanceUID": STUDY_UID,
    "SeriesInstanceUID": STUDY_UID + ".2",
    "FrameOfReferenceUID": "1.2.840.113619.2.5.1762874864.1932.1015597300.1",
    "SOPInstanceUID": STUDY_UID + ".2.1",
}


def source_of(**values):
    """An exam's identifiers from given DICOM elements, through a real data set."""
    data = Dataset()
    for keyword, value in values.items():
        setattr(data, keyword, value)
    return Source("E0012", set(identifiers(data)), headers=1)


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    for number in range(3):
        path = folder / "e12" / f"{number:03d}.dcm"
        write_image(path, np.zeros((4, 4)), position=(0, 0, float(number)), **TAGS)
    return folder


@pytest.fixture(scope="module")
def matcher(raw):
    return Matcher([read_source(raw, "E0012", ["e12"])], PSEUDONYMS)


def text(folder, leak):
    (folder / "table.tsv").write_text(f"case\tnote\nE0012\t{leak}\n")


def log(folder, leak):
    (folder / "job.log").write_text(f"2026-11-21 06:36:38,924 convert E0012\nsaid: '{leak}' here\n")


def json_value(folder, leak):
    (folder / "record.json").write_text(json.dumps({"a": {"b": [1, {"c": f"line\n{leak}\tend"}]}}))


def json_key(folder, leak):
    (folder / "record.json").write_text(json.dumps({"cases": {leak: 1.5}}))


def nifti(**fields):
    def plant(folder, leak):
        image = nibabel.Nifti1Image(np.zeros((3, 3, 3), np.int16), np.eye(4))
        for name in fields:
            image.header[name] = leak[: image.header[name].dtype.itemsize]
        nibabel.save(image, folder / "phases.nii.gz")

    return plant


def nifti_extension(folder, leak):
    image = nibabel.Nifti1Image(np.zeros((3, 3, 3), np.int16), np.eye(4))
    image.header.extensions.append(Nifti1Extension("comment", f"made of {leak}".encode()))
    nibabel.save(image, folder / "phases.nii.gz")


def nifti2(folder, leak):
    image = nibabel.Nifti2Image(np.zeros((3, 3, 3), np.int16), np.eye(4))
    image.header["descrip"] = leak
    nibabel.save(image, folder / "phases.nii")


def png(how):
    def plant(folder, leak):
        info, exif = PngInfo(), Image.Exif()
        if how == "tEXt":
            info.add_text("Title", leak)
        elif how == "zTXt":
            info.add_text("Title", leak, zip=True)
        elif how == "iTXt":
            info.add_itxt("Title", leak, "en", leak, zip=True)
        elif how == "key":
            info.add_text(leak, "x")
        else:
            exif[0x010E] = leak
        Image.new("L", (9, 9)).save(folder / "picture.png", pnginfo=info, exif=exif)

    return plant


def dicom(element):
    def plant(folder, leak):
        path = folder / "mask.dcm"
        write_image(path, np.zeros((2, 2)), position=(0, 0, 0), PatientID=None, PatientName="E0012", StudyDate=None)
        data = pydicom.dcmread(path)
        if element == "private":
            data.private_block(0x0033, "RADPARITY", create=True).add_new(0x10, "LO", leak)
        elif element == "sequence":
            item = Dataset()
            item.SeriesDescription = leak
            data.ReferencedSeriesSequence = Sequence([item])
        elif element == "meta":
            data.file_meta.ImplementationVersionName = leak[:16]
        else:
            data.StudyDescription = leak
        data.save_as(path)

    return plant


def html(folder, leak):
    (folder / "index.html").write_text(f"<p>a &amp; b</p>\n<a title='{leak}'>c</a>")


def html_picture(folder, leak):
    data, info = io.BytesIO(), PngInfo()
    info.add_text("Source", leak)
    Image.new("L", (9, 9)).save(data, "PNG", pnginfo=info)
    (folder / "index.html").write_text(
        f"<img src='data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}'>"
    )


def svg(folder, leak):
    (folder / "figure.svg").write_text(f"<svg><!-- L 0.12345 8.5 --><text>{leak}</text></svg>")


def weights(folder, leak):
    torch.save({"note": leak, "layer": torch.zeros(50)}, folder / "weights.pt")


def zip_text(folder, leak):
    with zipfile.ZipFile(folder / "report.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/page.txt", f"see {leak}")


def zip_name(folder, leak):
    with zipfile.ZipFile(folder / "report.zip", "w") as archive:
        archive.writestr(f"a/{leak}/page.txt", "x")


def gz_text(folder, leak):
    (folder / "table.tsv.gz").write_bytes(gzip.compress(f"a\t{leak}\n".encode()))


def gz_name(folder, leak):
    with (folder / "x.gz").open("wb") as raw_stream, gzip.GzipFile(leak, "wb", fileobj=raw_stream) as stream:
        stream.write(b"x")


def pickled_array(folder, leak):
    (folder / "cache.bin").write_bytes(os.urandom(200) + b"\0" + leak.encode() + b"\0" + b"\xff\xfe" * 40)


def file_name(folder, leak):
    (folder / f"{leak}.1.nii.gz").write_bytes(b"")


def folder_name(folder, leak):
    (folder / f"of {leak}").mkdir()


PLANTS = {
    "table": text, "log": log, "JSON value": json_value, "JSON key": json_key, "descrip": nifti(descrip=1),
    "aux_file": nifti(aux_file=1), "intent_name": nifti(intent_name=1), "db_name": nifti(db_name=1),
    "NIfTI extension": nifti_extension, "NIfTI-2": nifti2, "tEXt": png("tEXt"), "zTXt": png("zTXt"),
    "iTXt": png("iTXt"), "eXIf": png("eXIf"), "PNG key": png("key"), "DICOM": dicom("plain"),
    "private DICOM": dicom("private"), "DICOM sequence": dicom("sequence"), "DICOM meta": dicom("meta"),
    "HTML": html, "picture in HTML": html_picture, "SVG": svg, "weights": weights, "zip": zip_text,
    "zip member's name": zip_name, "gz": gz_text, "gz name": gz_name, "binary": pickled_array,
    "file name": file_name, "folder name": folder_name,
}  # fmt: skip


def search(folder, matcher):
    return [finding for path in files(folder) for finding in search_file(matcher, path)]


@pytest.mark.parametrize("view", PLANTS)
@pytest.mark.parametrize("leak", ["quigley", "0073519264"])
def test_a_leak_is_found_in_every_kind_of_file(tmp_path, matcher, view, leak):
    PLANTS[view](tmp_path, "nothing here 4.5")
    assert search(tmp_path, matcher) == []
    for path in tmp_path.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    PLANTS[view](tmp_path, leak)
    found = search(tmp_path, matcher)
    assert {f.identifier for f in found} == {"PatientName" if leak == "quigley" else "PatientID"}
    assert all(leak not in " ".join(f).lower() for f in found), "the audit repeats what it has found"


@pytest.mark.parametrize(
    ("leak", "kind"),
    [
        ("QUIGLEY^HORTENSIA", "PatientName"), ("Hortensia Quigley", "PatientName"), ("hortensia_q", "PatientName"),
        ("quigley, h.", "PatientName"), ("HortensiaQuigley", "PatientName"), ("quigley2", "PatientName"),
        ("Wu, Li", "ReferringPhysicianName"), ("li_wu", "ReferringPhysicianName"),
        ("0073519264", "PatientID"), ("73519264", "PatientID"), ("MRN0073519264", "PatientID"),
        ("73519264.0", "PatientID"), ("kx-88-1742", "OtherPatientIDs"), ("KX 88_1742", "OtherPatientIDs"),
        ("KX881742", "OtherPatientIDs"), ("ra55120934", "AccessionNumber"),
        ("19471105", "PatientBirthDate"), ("1947-11-05", "PatientBirthDate"), ("05.11.1947", "PatientBirthDate"),
        ("11/05/1947", "PatientBirthDate"), ("5.11.1947", "PatientBirthDate"), ("20040617143015", "StudyDate"),
        ("20040617143015.123456", "StudyDate"), ("2004-06-17T14:30", "StudyDate"), ("143015.123456", "StudyTime"),
        ("Saint Bartleby Memorial", "InstitutionName"), ("saint_bartleby_memorial", "InstitutionName"),
        (STUDY_UID, "StudyInstanceUID"), (STUDY_UID + ".99.7", "StudyInstanceUID"),
        ("1.2.840.113619.2.5.1762874864.1932.1015600000.12", "StudyInstanceUID"),
    ],
)  # fmt: skip
def test_every_way_of_writing_is_found(tmp_path, matcher, leak, kind):
    (tmp_path / "a.txt").write_text(f"the volume of {leak} is 3.5 ml")
    kinds = {f.identifier for f in search(tmp_path, matcher)}
    assert kinds & {kind, "FrameOfReferenceUID", "SOPInstanceUID", "SeriesInstanceUID"} == kinds and kinds


@pytest.mark.parametrize(
    "innocent",
    [
        "0.0073519264", "0.19471105 and 12.73519264", "1.0.19471105", "3.73519264e-05", "wu", "li", "Saint Memorial",
        "143015", "1.2.840.10008.5.1.4.1.1.4", "1.2.826.0.1.3680043.8.498.123456", "left breast E0012 P0012",
        "d73519264aa0073519264bb7351926400aa11", "2004", "17.06", "quig", "2004-06-18", "#735192", "Rorden",
        "C:\\\\new\\\\x",
    ],
)  # fmt: skip
def test_what_only_looks_alike_is_not_reported(tmp_path, matcher, innocent):
    (tmp_path / "a.txt").write_text(f"the volume of {innocent} is 3.5 ml\n2\t{innocent}\t5")
    assert search(tmp_path, matcher) == []


def test_what_stands_in_every_log_by_chance_is_not_reported(tmp_path, matcher):
    (tmp_path / "a.log").write_text(
        "2004-06-17 14:30:15,123 finished\nConvert 24 DICOM as /tmp/tmpquigley1/out/phase\n"
    )
    assert search(tmp_path, matcher) == []
    (tmp_path / "a.log").write_text("2026-01-01 14:30:15,123 study of 2004-06-17 of quigley1\n")
    assert {f.identifier for f in search(tmp_path, matcher)} == {"PatientName", "StudyDate"}


def test_the_place_is_named_and_the_value_is_not(tmp_path, matcher):
    (tmp_path / "quigley.json").write_text(json.dumps({"raw": [{"hortensia": "RA55120934"}]}))
    found = [f._asdict() for f in search(tmp_path, matcher)]
    assert [f["identifier"] for f in found] == ["PatientName", "PatientName", "AccessionNumber"]
    assert {f["file"] for f in found} == {f"{tmp_path.as_posix()}/q….json"}
    assert [f["place"] for f in found] == ["file or folder name", "JSON key raw[0].h…", "JSON value raw[0].h…"]
    assert found[2]["hint"] == "r…, 10 characters"


def test_escapes_in_json_and_utf_16_hide_nothing(tmp_path, matcher):
    said = "C:\\new\nHortensia\u00e9 \u00e9 \\nQuigley"
    (tmp_path / "a.json").write_text(json.dumps({"a": said}))
    (tmp_path / "b.txt").write_text("\u00e9 Quigley", encoding="utf-16")
    found = search(tmp_path, matcher)
    assert [(Path(f.file).name, f.place) for f in found] == [("b.txt", "line 1")]
    (tmp_path / "a.json").write_text(json.dumps({"a": "C:\\new\nHortensia"}))
    assert [f.place for f in search(tmp_path, matcher)] == ["JSON value a", "line 1"]


NAMES = st.text("abcdefghijklmnopqrstuvwxyz", min_size=4, max_size=12).filter(lambda n: n not in ordinary()[0])
LEAKS = st.one_of(
    st.tuples(NAMES, NAMES).map(lambda n: (f"{n[0]}^{n[1]}", "PatientName", n[0].title())),
    st.tuples(st.text("bcdfgm", min_size=2, max_size=3), NAMES).map(
        lambda n: (f"{n[0]}^{n[1]}", "PatientName", f"{n[1]} {n[0]}".upper())
    ),
    st.integers(10**6, 10**9).map(lambda n: (str(n), "PatientID", str(n))),
    st.from_regex(r"[A-Z]{2}[0-9]{5}", fullmatch=True).map(lambda n: (n, "AccessionNumber", n.lower())),
    st.dates(date(1920, 1, 1), date(2020, 1, 1)).map(
        lambda d: (d.strftime("%Y%m%d"), "PatientBirthDate", d.strftime("%d.%m.%Y"))
    ),
    st.lists(st.integers(1, 10**6), min_size=3, max_size=5).map(
        lambda n: (u := "1.2.840.113619.2." + ".".join(map(str, n)), "StudyInstanceUID", u)
    ),
)
WIDE = [view for view in PLANTS if view not in ("intent_name", "db_name", "DICOM meta", "aux_file")]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(leak=LEAKS, view=st.sampled_from(WIDE))
def test_any_identifier_is_found_in_any_view(tmp_path_factory, leak, view):
    value, keyword, written = leak
    assume(view != "file name" or not written.count(".") or keyword == "StudyInstanceUID")
    # Chance writes short words into binary data: there they are not searched for.
    long = max(map(len, written.split())) >= SHORTEST_IN_BYTES
    assume(view != "binary" or keyword != "PatientName" or long)
    folder = tmp_path_factory.mktemp("any")
    own = Matcher([source_of(**{keyword: value})], PSEUDONYMS)
    PLANTS[view](folder, written)
    assert keyword in {f.identifier for f in search(folder, own)}


def test_a_number_that_many_records_share_counts_only_with_its_own_exam(tmp_path):
    """Of 30 000 seven-digit record numbers some equal a count; where a file belongs to the exam it is a leak."""
    numbers = [Source(f"E{n}", {Identifier("PatientID", "id", str(1_000_000 + 299 * n))}) for n in range(30_000)]
    many = Matcher(numbers, {f"E{n}": {f"E{n}"} for n in range(30_000)})
    for name, leaks in (("E5/mask.json", 1), ("E6/mask.json", 0), ("study.json", 0)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps({"voxels": 1_000_000 + 299 * 5}))
        assert len(search_file(many, tmp_path / name)) == leaks
    (tmp_path / "cases.tsv").write_text("E5\t1001495\nE6\t1001495\n")
    assert [f.place for f in search_file(many, tmp_path / "cases.tsv")] == ["line 1"]


def test_pseudonyms_short_and_ordinary_values_are_counted(tmp_path):
    sources = [
        source_of(PatientID="P0012", PatientName="E0012", StudyID="7", ReferringPhysicianName="Breast^Left"),
        Source("E0013", {Identifier("PatientID", "id", "P0012")}, headers=1),
    ]
    (tmp_path / "a.txt").write_text("P0012 E0012 left breast 7")
    section, _ = deidentification(tmp_path, sources, PSEUDONYMS, [], 1)
    assert section["verdict"] == "green"
    assert section["accepted_pseudonyms"] == {"PatientID": 2, "PatientName": 1}
    assert section["not_searchable"] == {"StudyID": 1}
    assert section["only_in_full"] == {"ReferringPhysicianName": 1}
    assert section["warnings"] == ["E0013: an identifier of its headers is the pseudonym of another patient"]


def test_what_the_configuration_allows_is_not_reported(tmp_path):
    (tmp_path / "a.txt").write_text("by Quigley")
    source = source_of(PatientName="Quigley^Hortensia")
    assert deidentification(tmp_path, [source], {}, [], 1)[0]["leaks"] == {"PatientName": 1}
    assert deidentification(tmp_path, [source], {}, ["Quigley"], 1)[0]["verdict"] == "green"
    (tmp_path / "a.txt").write_text("by Hortensia Quigley")
    assert deidentification(tmp_path, [source], {}, ["Quigley"], 1)[0]["verdict"] == "red"


def test_without_a_header_nothing_is_called_clean(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "results").mkdir()
    sources = read_sources(tmp_path / "raw", {"E0012": ["e12"]}, 1)
    section, _ = deidentification(tmp_path / "results", sources, PSEUDONYMS, [], 1)
    assert section["verdict"] == "red" and section["exams_without_headers"] == ["E0012"]


def test_an_exam_without_a_header_is_named_where_others_have_one(tmp_path):
    write_image(tmp_path / "raw/e13/1.dcm", np.zeros((2, 2)), position=(0, 0, 0), PatientID="P0013")
    (tmp_path / "raw/e12").mkdir()
    (tmp_path / "raw/e12/1.dcm").write_bytes(b"no image")
    (tmp_path / "results").mkdir()
    sources = read_sources(tmp_path / "raw", {"E0012": ["e12"], "E0013": ["e13"]}, 1)
    section, _ = deidentification(tmp_path / "results", sources, {"P0013": {"E0013"}}, [], 1)
    assert section["verdict"] == "green"
    (warning,) = section["warnings"]
    assert warning.startswith("no header of E0012 (1 of 2 exams) could be read")


def test_text_burned_into_the_pixels_is_a_warning(tmp_path):
    write_image(
        tmp_path / "e12/1.dcm", np.zeros((2, 2)), position=(0, 0, 0), PatientID="P0012", BurnedInAnnotation="YES"
    )
    (tmp_path / "results").mkdir()
    sources = read_sources(tmp_path, {"E0012": ["e12"]}, 1)
    section, _ = deidentification(tmp_path / "results", sources, PSEUDONYMS, [], 1)
    assert section["verdict"] == "green" and "burned into its pixels" in section["warnings"][0]


def test_processes_find_what_one_finds(tmp_path, raw):
    sources = read_sources(raw, {"E0012": ["e12"], "E0013": ["none"]}, 2)
    assert [(s.exam, s.headers) for s in sources] == [("E0012", 2), ("E0013", 0)]
    for number in range(9):
        (tmp_path / f"{number}.txt").write_text("Hortensia" if number % 2 else "nobody")
    alone, _ = deidentification(tmp_path, sources, PSEUDONYMS, [], 1)
    assert deidentification(tmp_path, sources, PSEUDONYMS, [], 2)[0] == alone
    assert alone["leaks"] == {"PatientName": 4}


def test_names_with_accents_and_in_other_scripts(tmp_path):
    source = source_of(SpecificCharacterSet="ISO_IR 192", PatientName="Müllerová^Ångström=山田^太郎")
    own = Matcher([source], {})
    for number, written in enumerate(["MULLEROVA", "Muellerova", "müllerová", "Angstrom", "aangstroem", "太郎 山田"]):
        path = tmp_path / f"{number}.txt"
        path.write_text(f"a {written} b", encoding="utf-8")
        assert search_file(own, path), written


def test_private_elements_and_broken_values_of_the_source_are_read(tmp_path):
    path = tmp_path / "e12" / "1.dcm"
    write_image(path, np.zeros((2, 2)), position=(0, 0, 0), PatientName=None, StudyDate=None)
    data = pydicom.dcmread(path)
    data.private_block(0x0033, "SITE", create=True).add_new(0x10, "PN", "Quigley^Hortensia")
    item = Dataset()
    item.PatientID = "0073519264"
    data.OtherPatientIDsSequence = Sequence([item])
    data.save_as(path)
    path.write_bytes(path.read_bytes().replace(b"DS\x04\x006.0 ", b"DS\x04\x00a.b "))
    values = {i.value for i in read_source(tmp_path, "E0012", ["e12"]).identifiers}
    assert {"Quigley^Hortensia", "0073519264"} <= values


def test_one_header_of_many_like_files_is_read_and_of_every_series():
    paths = [Path(f"a/i{series}.{n:05d}.dcm") for series in (8, 9) for n in range(100)] + [Path("b/x"), Path("b/y")]
    chosen = some(paths)
    assert Path("b/x") in chosen and Path("b/y") in chosen
    assert {p.name[:3] for p in chosen if p.parent == Path("a")} == {"i8.", "i9."} and len(chosen) < 20


def test_broken_files_are_searched_as_bytes(tmp_path, matcher):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\xff\xff" + b"Hortensia Quigley" + b"\0" * 9)
    (tmp_path / "b.nii.gz").write_bytes(b"\x1f\x8b\x08\0 Hortensia Quigley")
    (tmp_path / "c.json").write_text('{"a": "Hortensia Quigley"')
    (tmp_path / "d.bin").write_bytes(b"")
    found = search(tmp_path, matcher)
    assert {Path(f.file).name for f in found if f.identifier == "PatientName"} == {"a.png", "b.nii.gz", "c.json"}
    assert {Path(f.file).name for f in found if f.identifier == "broken"} == {"a.png", "b.nii.gz"}
    section, _ = deidentification(tmp_path, [source_of(PatientID="8812345")], {}, [], 1)
    assert section["verdict"] == "green" and ["b.nii.gz" in w for w in section["warnings"]] == [False, True]


def test_random_bytes_hold_no_names():
    """Chance writes no name of six letters into the weights of a network."""
    rng = np.random.default_rng(5)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    names = ["".join(rng.choice(letters, size=rng.integers(4, 10))) for _ in range(20_000)]
    many = Matcher([source_of(PatientName=f"{a}^{b}") for a, b in zip(names[::2], names[1::2], strict=True)], {})
    noise = runs(rng.bytes(4_000_000))
    assert many.find(noise, "text") and not many.find(noise, "bytes")


def test_the_log_does_not_repeat_values_that_pydicom_warns_of():
    said = "pydicom/valuerep.py:440: UserWarning: Invalid value for VR DA: 'QUIGLEY^HORTENSIA'."
    record = logging.LogRecord("py.warnings", logging.WARNING, "", 0, said, (), None)
    assert _without_values(record) and "QUIGLEY" not in record.getMessage() and "VR DA" in record.getMessage()
    other = logging.LogRecord("radparity", logging.INFO, "", 0, "segment_case {'arm': 'unet'}", (), None)
    assert _without_values(other) and "'unet'" in other.getMessage()


def test_a_jobs_log_is_clean_after_reading_a_broken_header(tmp_path):
    write_image(tmp_path / "1.dcm", np.zeros((2, 2)), position=(0, 0, 0), StudyInstanceUID="1.2.8404")
    data = (tmp_path / "1.dcm").read_bytes()
    (tmp_path / "1.dcm").write_bytes(data.replace(b"1.2.8404", b"QUIGLEYH"))
    (tmp_path / "script.py").write_text(
        "import types, pydicom\nfrom radparity.job import job\n"
        "class Named(list):\n    items = lambda self: []\n"
        "snakemake = types.SimpleNamespace(rule='r', wildcards=Named(), params=Named(), threads=1, input=Named(),"
        " output=Named(), log=['job.log'])\n"
        "with job(snakemake):\n    pydicom.dcmread('1.dcm').StudyInstanceUID\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
    subprocess.run([sys.executable, "script.py"], cwd=tmp_path, env=environment, check=True, capture_output=True)
    said = (tmp_path / "job.log").read_text()
    assert "Invalid value for VR UI" in said and "QUIGLEYH" not in said


def test_intake_and_conversion_of_an_identifiable_exam_are_clean(tmp_path):
    """Folder, files and headers carry the patient's identity; the exam comes in through a list."""
    raw = tmp_path / "raw"
    named = write_exam(raw / "QUIGLEY_HORTENSIA 0073519264" / "2004-06-17", **TAGS | {"SOPInstanceUID": None})
    lines = [path.relative_to(raw).as_posix() for phase in named for path in phase]
    (raw / "E0012.files").write_text("\n".join(lines) + "\n")
    results = tmp_path / "results" / "E0012"
    results.mkdir(parents=True)
    files_of_exam = exam_files(raw, "E0012.files")
    record = intake_exam(files_of_exam)
    facts = convert_exam(files_of_exam, record, results / "phases.nii.gz")
    (results / "intake.json").write_text(dump(record))
    (results / "convert.json").write_text(dump(facts))
    sources = read_sources(raw, {"E0012": ["E0012.files"]}, 1)
    section, _ = deidentification(results, sources, PSEUDONYMS, [], 1)
    assert section["headers"] >= 4 and section["findings"] == []
    (results / "convert.json").write_text(dump(facts | {"folder": lines[0]}))
    leaks = deidentification(results, sources, PSEUDONYMS, [], 1)[0]["leaks"]
    assert {"PatientName", "PatientID"} <= leaks.keys() and any("Date" in kind for kind in leaks)


def test_one_leak_makes_the_whole_audit_red_and_no_fault_repeats_it(tmp_path, raw, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = load(yaml.safe_load((ROOT / "config.yaml").read_text()) | {"raw": str(raw)})
    study = Study(config, {"E0012": Exam(exam="E0012", patient="P0012", folder="e12")}, {}, [])
    record = Path("results/intake/E0012/intake.json")
    record.parent.mkdir(parents=True)
    record.write_text('{"status": "ok"}')
    ledger.sidecar(record).write_text(dump(ledger.entry(record, "intake_exam", {}, {}, {"code": "x"})))
    found = audit_study(Path("results"), study, {}, 1)
    assert found["verdict"] == "green" and found["files"] == 1
    assert found["deidentification"]["files"] == 2 and found["deidentification"]["headers"] == 2
    Path("results/quigley.txt").write_text("")
    found = audit_study(Path("results"), study, {}, 1)
    assert (found["verdict"], found["deidentification"]["leaks"]) == ("red", {"PatientName": 1})
    assert [fault["file"] for fault in found["faults"]] == ["results/q….txt"] and "quigley" not in dump(found).lower()


NIFTI_TEXT = {
    "db_name": b"QUIGLEY^HORTENS",
    "descrip": b"TE=2.4;Time=101530.250;phase=1 Ostrander",
    "aux_file": b"MRN K-0073519",
    "intent_name": b"Wetherbyfield",
}


@pytest.fixture(scope="module")
def named_nifti(tmp_path_factory):
    """An exam of NIfTI files whose headers hold what converters have been seen to leave there."""
    raw = tmp_path_factory.mktemp("named")
    times = niftis.write_exam(raw, "E0012", **NIFTI_TEXT)
    carried = Dataset()
    carried.PatientName, carried.PatientBirthDate = "VANDERMEER^ODILE", "19540317"
    path = raw / "E0012/E0012_0000.nii.gz"
    image = nibabel.load(path)
    image = nibabel.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header)
    extensions = [Nifti1DicomExtension(2, carried), Nifti1Extension("comment", b"read by Dr Abernathy-Lund")]
    image.header.extensions.extend(extensions)
    nibabel.save(image, path)
    return raw, times


def test_intake_and_conversion_of_named_nifti_files_are_clean(tmp_path, named_nifti):
    raw, times = named_nifti
    results = tmp_path / "results/E0012"
    results.mkdir(parents=True)
    files_of_exam = exam_files(raw, "E0012")
    record = intake_nifti(files_of_exam, times, "E0012")
    facts = convert_exam(files_of_exam, record, results / "phases.nii.gz")
    (results / "intake.json").write_text(dump(record))
    (results / "convert.json").write_text(dump(facts))
    sources = read_sources(raw, {"E0012": ["E0012"]}, 1)
    section, _ = deidentification(results, sources, PSEUDONYMS, [], 1)
    assert section["headers"] == 2 and section["findings"] == [] and section["verdict"] == "green"
    assert any("came as NIfTI" in warning for warning in section["warnings"])
    shutil.copy(raw / "E0012/E0012_0000.nii.gz", results / "phases.nii.gz")
    found = deidentification(results, sources, PSEUDONYMS, [], 1)[0]
    assert found["verdict"] == "red"
    assert {"NIfTI db_name", "NIfTI descrip", "NIfTI aux_file", "NIfTI intent_name"} <= found["leaks"].keys()


@pytest.mark.parametrize(
    ("leak", "kind"),
    [
        ("seen by quigley", "NIfTI db_name"),
        ("ostrander", "NIfTI descrip"),
        ("K0073519", "NIfTI aux_file"),
        ("101530.250", "NIfTI descrip"),
        ("wetherbyfield", "NIfTI intent_name"),
        ("Odile Vandermeer", "PatientName"),
        ("1954-03-17", "PatientBirthDate"),
        ("Abernathy", "NIfTI comment"),
    ],
)
def test_what_stands_in_a_nifti_header_is_searched_for(tmp_path, named_nifti, leak, kind):
    sources = read_sources(named_nifti[0], {"E0012": ["E0012"]}, 1)
    (tmp_path / "results").mkdir()
    (tmp_path / "results/notes.txt").write_text(f"E0012 {leak}\n")
    assert set(deidentification(tmp_path / "results", sources, PSEUDONYMS, [], 1)[0]["leaks"]) == {kind}


def test_what_programs_write_into_nifti_headers_is_no_name(tmp_path):
    """An outline's header is read, but is no header of the exam; a broken file is none at all."""
    write = niftis.write
    write(tmp_path / "E1/a.nii.gz", niftis.volume(), descrip=b"TE=1.36;Time=101530.000;phase=1")
    write(tmp_path / "masks/o.nii.gz", niftis.volume(), descrip=b"drawn by Featherstone")
    (tmp_path / "E1/b.nii.gz").write_bytes(b"no image")
    (tmp_path / "E1/c.nii").write_bytes(b"")
    source = read_source(tmp_path, "E1", ["E1", "masks/o.nii.gz"])
    assert (source.headers, source.nifti) == (1, 1)
    assert {(i.kind, i.sort, i.value) for i in source.identifiers} == {
        ("NIfTI descrip", "time", "101530.000"),
        ("NIfTI descrip", "name", "drawn by Featherstone"),
    }
