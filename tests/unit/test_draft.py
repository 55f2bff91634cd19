"""The draft of a study's sheets, on small raw folders with every mess that hospitals deliver."""

import csv
import hashlib
import os
import re
import shutil
import stat
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicoms import pixels, write_exam, write_image
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from radparity.__main__ import main
from radparity.config import ConfigError
from radparity.draft.find import read_file
from radparity.draft.index import Index
from radparity.draft.pseudonyms import Crosswalk, KeyNames, NumberNames, Person, by_key, read_key
from radparity.draft.run import draft
from radparity.draft.write import add_rows
from radparity.intake.source import exam_files
from radparity.sheets import Breast, Exam, read

KEY = KeyNames(b"0123456789abcdef")
COUNT = [0]


def exam(folder, patient="MRN0815", day="20050101", **tags):
    """A small exam of its own series and image UIDs: 12 sections, 3 phases."""
    COUNT[0] += 1
    series = f"1.2.3.{COUNT[0]}"
    own = {
        "PatientID": patient,
        "PatientName": "Doe^Jane",
        "StudyDate": day,
        "StudyInstanceUID": f"{series}.1",
        "SeriesInstanceUID": series,
        "StudyDescription": "MR BREAST DOE",
        "origin": (30.0, -20.0, 30.0),
    }
    return [file for phase in write_exam(folder, phases=3, **(own | tags)) for file in phase]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A project folder with an empty raw folder, as the present directory."""
    monkeypatch.chdir(tmp_path)
    Path("raw").mkdir()
    return tmp_path


def run(names=KEY, **more):
    return draft(Path("raw"), Path("config/mine"), names, Path(".radparity/crosswalk.tsv"), **more)


def sheet(name):
    with Path("config/mine", f"{name}.tsv").open(newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def asked(name="questions"):
    return {row["what"]: row for row in sheet(name)}


def snapshot(*folders):
    return {p: p.read_bytes() for f in folders for p in Path(f).rglob("*") if p.is_file() and p.suffix != ".sqlite"}


def test_patients_in_one_folder_become_exams_of_their_own(place):
    """One folder for two patients, two days of one of them, files without extension, litter between them."""
    one = exam(place / "raw/in/a", "MRN1", "20050101")
    two = exam(place / "raw/in/b", "MRN1", "20060101")
    other = exam(place / "raw/in/c", "MRN2")
    for file in one + two + other:
        file.rename(place / "raw/in" / f"{file.parent.parent.name}{file.parent.name}{file.stem}")
    (place / "raw/in/report Doe.txt").write_text("findings")
    (place / "raw/in/letter.docx").write_bytes(b"PK\x03\x04 a Word file")
    run()
    exams = read(Path("config/mine/exams.tsv"), Exam)
    assert len(exams) == 3 and len({row.patient for row in exams}) == 2
    for row in exams:
        files = exam_files(Path("raw"), row.folder)
        headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in files.values()]
        assert len(headers) == 36 and len({(h.PatientID, h.StudyDate) for h in headers}) == 1
    assert asked() == {}


def test_a_draft_waits_for_label_and_partition(place):
    exam(place / "raw/a")
    run()
    with pytest.raises(ConfigError, match=r"row 2, column 'label'[\s\S]*row 2, column 'partition'"):
        read(Path("config/mine/breasts.tsv"), Breast)
    rows = sheet("breasts")
    assert rows[0] | {"breast": "", "exam": ""} == dict(breast="", exam="", side="left", label="", partition="")
    assert rows[0]["breast"] == rows[0]["exam"] + "L"


def test_nothing_that_identifies_leaves_the_private_folder(place):
    """Not in the sheets, the questions or the names of the lists; the lists themselves stay in the raw folder."""
    exam(place / "raw/DOE_JANE/x", "MRN0815", PatientBirthDate="19500203", AccessionNumber="ACC4711")
    exam(place / "raw/DOE_JANE/y", "mrn0815", PatientBirthDate="19500203", StudyDate=None)
    shutil.make_archive(str(place / "raw/DOE_JANE/packed"), "gztar", place / "raw/DOE_JANE/x")
    run(dates=True)
    told = b"".join(Path("config/mine", name).read_bytes() for name in os.listdir("config/mine"))
    names = " ".join(p.name for p in Path("raw/radparity").iterdir())
    for secret in (b"MRN0815", b"DOE", b"JANE", b"20050101", b"19500203", b"ACC4711", b"1.2.3."):
        assert secret.lower() not in told.lower() and secret.decode().lower() not in names.lower()
    assert {"packed", "ids_alike", "same_name", "date_unsure"} <= set(asked())
    # What a question is about stands in the private folder, under the number that the question names.
    where = asked()["packed"]["where"]
    places = Path(".radparity/places.tsv").read_text().splitlines()
    assert where == "place 1" and places == ["DOE_JANE"]


def test_archives_are_unpacked_once_and_one_level_deep(place):
    files = exam(place / "loose/a")
    inner, outer, deepest = place / "loose/inner.zip", place / "raw/outer", place / "loose/deepest.zip"
    deeper = exam(place / "loose/b", "MRN3")
    for archive, members in ((deepest, deeper), (inner, [*files, deepest]), (outer, [inner])):
        with zipfile.ZipFile(archive, "w") as z:
            for member in members:
                z.write(member, str(member.relative_to(place / "loose")))
    run()
    [row] = sheet("exams")
    listed = exam_files(Path("raw"), row["folder"])
    assert len(listed) == 36 and all("radparity/unpacked/nested" in p.as_posix() for p in listed.values())
    assert "a zip in a zip in a zip" in asked()["zip"]["question"]
    before = {p: p.stat().st_mtime_ns for p in Path("raw/radparity/unpacked").rglob("*")}
    with Index(Path(".radparity/draft.sqlite"), Path("raw")) as index:
        assert index.zips()["outer"] == hashlib.sha256(outer.read_bytes()).hexdigest()
    run()
    assert before == {p: p.stat().st_mtime_ns for p in Path("raw/radparity/unpacked").rglob("*")}
    assert len(sheet("exams")) == 1


@pytest.mark.parametrize("kind", ["damaged", "password", "outside"])
def test_archives_that_cannot_or_must_not_be_unpacked(place, kind):
    exam(place / "raw/a")
    with zipfile.ZipFile(place / "raw/b.zip", "w") as z:
        z.writestr("../../outside" if kind == "outside" else "inside", "text" * 100)
    whole = bytearray((place / "raw/b.zip").read_bytes())
    if kind == "damaged":
        whole = whole[: len(whole) // 2]
    if kind == "password":  # the flag bit of the member, in its own and in the central header
        whole[6] |= 1
        whole[whole.index(b"PK\x01\x02") + 8] |= 1
    (place / "raw/b.zip").write_bytes(whole)
    run()
    assert len(sheet("exams")) == 1 and not (place / "raw/outside").exists() and not (place / "outside").exists()
    said = {"damaged": "damaged", "password": "password"}.get(kind)
    assert (said in asked()["zip"]["question"]) if said else "zip" not in asked()


def test_a_dicomdir_that_names_absent_files_is_a_question(place):
    files = [file.rename(file.with_suffix("")) for file in exam(place / "raw/disc/IMAGES")]
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = MediaStorageDirectoryStorage, ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = "1.2.3.9999"
    data = FileDataset("DICOMDIR", {}, file_meta=meta, preamble=b"\0" * 128)
    records = []
    for path in [*files, place / "raw/disc/IMAGES/gone"]:
        record = pydicom.Dataset()
        record.DirectoryRecordType = "IMAGE"
        record.ReferencedFileID = [part.upper() for part in path.relative_to(place / "raw/disc").parts]
        records.append(record)
    data.DirectoryRecordSequence = records
    data.save_as(place / "raw/disc/DICOMDIR", enforce_file_format=True)
    run()
    assert len(sheet("exams")) == 1
    assert asked()["dicomdir"]["question"].startswith("1 of the files")


def test_copies_are_listed_once_and_differing_ones_asked_about(place):
    files = exam(place / "raw/a")
    shutil.copytree(place / "raw/a", place / "raw/again")
    run()
    [row] = sheet("exams")
    listed = exam_files(Path("raw"), row["folder"])
    assert [p.relative_to(place) if p.is_absolute() else p for p in listed.values()] == sorted(
        Path("raw") / f.relative_to(place / "raw") for f in files
    )
    assert asked() == {}
    changed = place / "raw/again" / files[0].relative_to(place / "raw/a")
    whole = pydicom.dcmread(changed)
    whole.PixelData = (whole.pixel_array + 1).astype("<u2").tobytes()
    whole.save_as(changed)
    run()
    assert "1 images are there twice" in asked("questions.new")["copies_differ"]["question"]
    # The list may have been corrected by hand, so ours lies beside it.
    assert "files_differ" in asked("questions.new")
    assert len(Path("raw", row["folder"] + ".new").read_text().splitlines()) == 37


def test_one_exam_under_two_studies_and_one_study_under_two_patients(place):
    exam(place / "raw/a", "MRN1", StudyInstanceUID="1.2.10")
    exam(place / "raw/b", "MRN1", StudyInstanceUID="1.2.11")
    exam(place / "raw/c", "MRN2", StudyInstanceUID="1.2.20")
    exam(place / "raw/d", "MRN3", StudyInstanceUID="1.2.20")
    run()
    exams = sheet("exams")
    assert len(exams) == 3
    sizes = sorted(len(exam_files(Path("raw"), row["folder"])) for row in exams)
    assert sizes == [36, 36, 72]
    questions = asked()
    joined = next(row for row in exams if len(exam_files(Path("raw"), row["folder"])) == 72)
    assert questions["studies_joined"]["where"] == joined["exam"]
    pair = sorted(row["patient"] for row in exams if row is not joined)
    assert questions["study_shared"]["where"] == " ".join(pair)
    assert f"write {pair[0]} in the column same_as of every exam of {pair[1]}" in questions["study_shared"]["decide"]


@pytest.mark.parametrize(
    "other", [{"patient": "mrn0815"}, {"patient": "00MRN0815"}, {"patient": "MRN0815", "IssuerOfPatientID": "B"}]
)
def test_ids_that_look_like_one_patient_are_asked_about_and_not_merged(place, other):
    exam(place / "raw/a", "MRN0815", "20050101")
    exam(place / "raw/b", day="20050111", **other)
    run(dates=True)
    exams = sheet("exams")
    assert len({row["patient"] for row in exams}) == 2 and all(row["same_as"] == "" for row in exams)
    # Each counts days from her own first exam: who joins them must know how far these lie apart.
    decide = asked()["ids_alike"]["decide"]
    kept = re.search(r"write (\S+) in", decide).group(1)
    assert f"add {10 if kept == KEY.patient(Person('MRN0815', '')) else -10} to their column day" in decide


def test_what_else_is_asked(place):
    """An image under two patients, two birth dates under an id, a study on two days, a study nobody calls breast."""
    first = exam(place / "raw/a", "MRN1", PatientBirthDate="19500101")
    shutil.copytree(place / "raw/a", place / "raw/b")
    for file in (place / "raw/b").rglob("*.dcm"):
        data = pydicom.dcmread(file)
        data.PatientID, data.SeriesInstanceUID = "MRN2", "1.2.77"
        data.save_as(file)
    exam(place / "raw/c", "MRN1", "20070101", PatientBirthDate="19600101")
    exam(place / "raw/d", "MRN4", "20080101", StudyInstanceUID="1.2.88")
    exam(place / "raw/e", "MRN4", "20080102", StudyInstanceUID="1.2.88")
    exam(place / "raw/f", "MRN5", StudyDescription="MR", SeriesDescription="dyn")
    (place / "raw/a/s00/broken.dcm").write_bytes(first[0].read_bytes()[:200])
    os.symlink(place / "nowhere", place / "raw/link")
    run()
    assert {"image_shared", "birth_dates", "study_dates", "body_unsure", "broken", "unreadable"} <= set(asked())


def test_what_is_no_breast_mri_is_left_out_with_its_reason(place):
    exam(place / "raw/a", "MRN1", Modality="MG")
    exam(place / "raw/b", "MRN2", BodyPartExamined="BRAIN", StudyDescription="MR BRAIN", SeriesDescription="t1")
    exam(place / "raw/c", None)
    exam(place / "raw/d", "MRN4")
    run()
    assert len(sheet("exams")) == 1
    assert sorted(row["reason"] for row in sheet("left_out")) == [
        "MR of another part of the body",
        "no MR images (36 MG)",
    ]
    assert asked()["no_patient_id"]["where"].startswith("place ")


def stack(folder, left, right, **tags):
    """Sagittal sections from `left` to `right` mm (LPS: the patient's left is positive), three phases in a series."""
    return exam(folder, sections=len(np.arange(left, right, 3)), origin=(left, 0.0, 0.0), **tags)


@pytest.mark.parametrize(
    "given, rows, breasts",
    [
        ([(20, 110, {})], [""], ["left"]),
        ([(-110, -20, {"Laterality": "R"})], [""], ["right"]),
        ([(-120, 120, {})], [""], ["left", "right"]),
        ([(20, 110, {}), (-110, -20, {})], ["left", "right"], ["left", "right"]),
        ([(20, 110, {"Laterality": "R"})], [""], [""]),
        ([(20, 110, {}), (-110, -20, {"ImageType": ["DERIVED", "SECONDARY", "MIP"]})], [""], ["left"]),
        ([(20, 110, {}), (-110, -20, {"RepetitionTime": 4000.0})], [""], ["left"]),
    ],
)
def test_sides(place, given, rows, breasts):
    for number, (low, high, tags) in enumerate(given):
        stack(place / f"raw/{number}", low, high, StudyInstanceUID="1.2.5", **tags)
    run()
    exams = sheet("exams")
    assert [row["side"] for row in exams] == rows
    assert [row["exam"][-2:] for row in exams if row["side"]] == [f"-{side[0].upper()}" for side in rows if side]
    assert sorted(row["side"] for row in sheet("breasts")) == breasts
    assert {row["exam"] for row in sheet("breasts")} == {row["exam"] for row in exams}
    assert ("side_unsure" in asked()) == (breasts == [""])


def test_a_bilateral_axial_exam_and_an_incomplete_one(place):
    for z in range(12):
        for phase in range(3):
            write_image(
                *(place / f"raw/a/{phase}{z}", pixels(phase, z)),
                position=(-160.0, -80.0, 3.0 * z),
                orientation=(1, 0, 0, 0, 1, 0),
                spacing=(14.0, 14.0),
                PatientID="MRN1",
                TriggerTime=1000.0 * phase,
            )
    exam(place / "raw/b", "MRN2", sections=12)
    for file in (place / "raw/b/s02").iterdir():
        file.unlink()
    run()
    assert sorted(row["side"] for row in sheet("breasts")) == ["left", "left", "right"]
    assert len(sheet("exams")) == 2 and "no_dynamic_series" in asked()


def test_running_twice_writes_the_same_bytes_and_reads_nothing_again(place):
    exam(place / "raw/a", "MRN1")
    exam(place / "raw/b", "mrn1")
    run(dates=True)
    before = snapshot("config", "raw", ".radparity")
    run(dates=True)
    assert snapshot("config", "raw", ".radparity") == before
    with Index(Path(".radparity/draft.sqlite"), Path("raw")) as index:
        assert index.update(1) == 0
        file = next((place / "raw/a").rglob("*.dcm"))
        whole, times = file.read_bytes(), file.stat()
        file.write_bytes(whole.replace(b"MRN1", b"MRN9"))
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert index.update(1) == 1
        assert index.ask("SELECT COUNT(*) FROM series WHERE patient_id='MRN9'") == [(1,)]


def test_a_later_batch_adds_and_never_changes(place):
    """Sheets that a person corrected stay as they are; the new rows lie beside them; the crosswalk only grows."""
    exam(place / "raw/a", "MRN1", "20050101")
    run(dates=True)
    corrected = Path("config/mine/breasts.tsv").read_text().replace("\t\t", "\tbenign\tdevelopment")
    Path("config/mine/breasts.tsv").write_text(corrected)
    before, lines = snapshot("config"), Path(".radparity/crosswalk.tsv").read_text()
    exam(place / "raw/b", "MRN1", "20041231")
    exam(place / "raw/c", "MRN2", "20050303")
    for _ in range(2):
        run(dates=True)
        now = snapshot("config")
        assert all(now[path] == whole for path, whole in before.items())
        assert Path(".radparity/crosswalk.tsv").read_text().startswith(lines)
        fresh = sheet("exams.new")
        # An earlier exam found later counts backwards: the day that others count from does not move.
        assert sorted(row["day"] for row in fresh) == ["-1", "0"] and len(sheet("breasts.new")) == 2
    known = sheet("exams")[0]["patient"]
    assert [row["day"] for row in fresh if row["patient"] == known] == ["-1"]


def test_new_rows_fit_the_sheet_that_a_person_made_of_the_draft(tmp_path):
    path, beside = tmp_path / "breasts.tsv", tmp_path / "breasts.new.tsv"
    add_rows(path, ["exam", "label"], [["E1", ""]], ["exam"])
    path.write_text("age\tlabel\texam\n50\tbenign\tE1")
    assert add_rows(path, ["exam", "label"], [["E1", ""], ["E2", ""]], ["exam"]) == (beside, 1)
    assert beside.read_text() == "age\tlabel\texam\n\t\tE2\n"
    beside.write_text("age\tlabel\texam\n60\tmalignant\tE2")  # filled before it was moved
    assert add_rows(path, ["exam", "label"], [["E1", ""], ["E2", ""], ["E3", ""]], ["exam"]) == (beside, 1)
    assert beside.read_text() == "age\tlabel\texam\n60\tmalignant\tE2\n\t\tE3\n"
    assert path.read_text() == "age\tlabel\texam\n50\tbenign\tE1"
    with pytest.raises(ConfigError, match="column 'day' is missing"):
        add_rows(path, ["exam", "label", "day"], [["E9", "", ""]], ["exam"])
    path.write_text("label\texam\nbenign\tE1\n")
    with pytest.raises(ConfigError, match="breasts.new.tsv has other columns than breasts.tsv"):
        add_rows(path, ["exam", "label"], [["E9", ""]], ["exam"])


def test_trial_numbers(place):
    table = place / "numbers.tsv"
    table.write_text("patient_id\tnumber\nMRN1\t017\nMRN2\tK-018\nMRN3\tK-018\n")
    table.chmod(0o600)
    exam(place / "raw/a", "MRN1", "20050101")
    exam(place / "raw/b", "MRN2", "20050101")
    exam(place / "raw/c", "MRN4", "20050101")
    run(NumberNames(table))
    assert {(r["exam"], r["patient"]) for r in sheet("exams")} == {("E017-1", "P017"), ("EK-018-1", "K-018")}
    assert "MRN4" in Path(".radparity/places.tsv").read_text() and asked()["no_number"]["where"] == "place 1"
    exam(place / "raw/d", "MRN1", "20030101")
    exam(place / "raw/e", "MRN3", "20030101")
    run(NumberNames(table))
    assert {(r["exam"], r["patient"]) for r in sheet("exams.new")} == {("E017-2", "P017"), ("EK-018-2", "K-018")}
    assert [(r["what"], r["where"]) for r in sheet("questions.new")] == [("number_shared", "K-018")]


@pytest.mark.parametrize(
    "text, message",
    [
        ("id\tnumber\n1\t2\n", "row 1: write the header"),
        ("patient_id\tnumber\nM1\t1\nM1\t2\n", "row 3: this patient id has another number"),
        ("patient_id\tnumber\nM1\t12345678\n", "row 2, column 'number': this looks like a date or a record number"),
        ("patient_id\tnumber\nM1\tJane\n", "row 2, column 'number': this looks like a name"),
        ("patient_id\tnumber\nM1\tABCDEFGHIJKLMNOPQRSTU\n", "row 2, column 'number': an id has 1 to 24"),
    ],
)
def test_a_table_of_numbers_that_cannot_be_used(tmp_path, text, message):
    table = tmp_path / "numbers.tsv"
    table.write_text(text)
    table.chmod(0o600)
    with pytest.raises(ConfigError, match=re.escape(message)):
        NumberNames(table)


def test_files_of_identities_are_guarded(place):
    exam(place / "raw/a")
    run()
    for name in ("crosswalk.tsv", "places.tsv", "draft.sqlite"):
        path = Path(".radparity", name)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        path.chmod(0o640)
        with pytest.raises(ConfigError, match=f"chmod 600 .radparity/{name}"):
            run()
        path.chmod(0o600)
    with pytest.raises(ConfigError, match="must not lie in results/"):
        draft(Path("raw"), Path("config/mine"), KEY, Path("results/raw/crosswalk.tsv"))
    with pytest.raises(ConfigError, match="made with another key"):
        run(KeyNames(b"another key, not this"))
    key = Path(".radparity/key")
    with pytest.raises(ConfigError, match="Add --make-key"):
        read_key(key, make=False)
    made = read_key(key, make=True)
    assert read_key(key, make=True) == made and len(made) == 64 and stat.S_IMODE(key.stat().st_mode) == 0o600
    lines = Path(".radparity/crosswalk.tsv").read_text().splitlines()
    twin = lines[1].replace("MRN0815", "MRN9999")
    Path(".radparity/crosswalk.tsv").write_text("\n".join([*lines, twin]) + "\n")
    with pytest.raises(ConfigError, match="two exams or two patients have one pseudonym"):
        run()


def test_the_command(place, capsys):
    exam(place / "raw/a")
    assert main(["draft", "raw", "--out", "config/mine"]) == 2
    assert "say where pseudonyms come from" in capsys.readouterr().err
    assert main(["draft", "raw", "--out", "config/mine", "--make-key", "--dates", "offsets", "--workers", "1"]) == 0
    assert "config/mine/exams.tsv: 1 rows written" in capsys.readouterr().out
    assert read(Path("config/mine/exams.tsv"), Exam)[0].day == 0
    assert main(["draft", "nowhere", "--out", "config/mine", "--make-key"]) == 2


def test_workers_find_what_one_process_finds(place):
    for number in range(4):
        exam(place / f"raw/{number}", f"MRN{number}")
    rows = []
    for workers in (1, 2):
        Path(".radparity/draft.sqlite").unlink(missing_ok=True)
        with Index(Path(".radparity/draft.sqlite"), Path("raw")) as index:
            assert index.update(workers) == 144
            rows.append(index.ask("SELECT * FROM file ORDER BY path") + index.ask("SELECT * FROM series ORDER BY key"))
    assert rows[0] == rows[1]


def test_an_interrupted_draft_goes_on_and_two_do_not_run_at_once(place):
    for number in range(4):
        exam(place / f"raw/{number}", f"MRN{number}")

    def stop(done, total):
        raise KeyboardInterrupt

    path = Path(".radparity/draft.sqlite")
    with pytest.raises(KeyboardInterrupt), Index(path, Path("raw")) as index:
        index.update(1, stop)
    with Index(path, Path("raw")) as index:
        with pytest.raises(ConfigError, match="If no other draft is running, delete it"):
            Index(path, Path("raw"))
        assert 0 < index.update(1) < 144
        assert index.ask("SELECT COUNT(*) FROM file WHERE kind='image'") == [(144,)]
    path.write_bytes(b"no index" * 1000)
    with pytest.raises(ConfigError, match="delete it: it is made again"):
        run()


def test_old_files_without_preamble_and_multi_frame_files_are_images(place):
    [file, *_] = exam(place / "raw/a")
    data = pydicom.dcmread(file)
    for name in ("bare", "frames"):
        (place / "raw" / name).mkdir()
    del data.file_meta
    pydicom.dcmwrite(place / "raw/bare/x", data, implicit_vr=True, little_endian=True, enforce_file_format=False)
    found = read_file("raw", "bare/x")
    assert found.kind == "image" and found.series.patient_id == "MRN0815"
    data = pydicom.dcmread(file)
    frames = []
    for number in range(6):
        frame, position = pydicom.Dataset(), pydicom.Dataset()
        position.ImagePositionPatient = [10.0 * (number % 3), 0.0, 0.0]
        frame.PlanePositionSequence = [position]
        frames.append(frame)
    shared, orientation = pydicom.Dataset(), pydicom.Dataset()
    orientation.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    shared.PlaneOrientationSequence = [orientation]
    data.SharedFunctionalGroupsSequence, data.PerFrameFunctionalGroupsSequence = [shared], frames
    data.NumberOfFrames = 6
    del data.ImagePositionPatient, data.ImageOrientationPatient
    data.save_as(place / "raw/frames/y")
    found = read_file("raw", "frames/y")
    assert found.image.frames == 6 and found.image.origins == "0 0 0; 10 0 0; 20 0 0"
    assert found.series.orientation == "0 1 0 0 0 -1"


IDS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=12)
STUDIES = st.lists(
    st.tuples(
        st.builds(Person, IDS, st.sampled_from(["", "A", "B"])), st.sampled_from(["", "20050101", "20060101"]), IDS
    ),
    min_size=1,
    max_size=8,
)


def batches(path, names, found, cuts):
    """The crosswalk after the studies came in batches, and its lines after each."""
    path.unlink(missing_ok=True)
    seen = []
    for start, end in zip([0, *cuts], [*cuts, len(found)], strict=True):
        crosswalk = Crosswalk(path, names)
        crosswalk.add(found[start:end])
        crosswalk.save()
        seen.append(path.read_text())
    return Crosswalk(path, names), seen


@settings(max_examples=40, deadline=None)
@given(STUDIES, st.data())
def test_pseudonyms_do_not_depend_on_order_or_batches(tmp_path_factory, found, data):
    path = tmp_path_factory.mktemp("private") / "crosswalk.tsv"
    whole, _ = batches(path, KEY, found, [])
    shuffled = data.draw(st.permutations(found))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(found)), max_size=3)))
    parts, seen = batches(path, KEY, shuffled, cuts)
    assert parts.patients == whole.patients and parts.exams == whole.exams
    assert sorted(parts.lines) == sorted(whole.lines)
    assert all(later.startswith(earlier) for earlier, later in zip(seen, seen[1:], strict=False))
    again, _ = batches(path, KEY, shuffled, [len(found)])
    assert again.add(found) == [] and sorted(again.lines) == sorted(whole.lines)
    for line in whole.lines:
        row = Exam.model_validate({"exam": line.exam, "patient": line.patient, "folder": "a"})
        assert row.exam == by_key(KEY.key, "E", line.patient_id, line.issuer, line.date or line.study)
        assert line.patient != by_key(b"another key of the study", "P", line.patient_id, line.issuer)


@settings(max_examples=40, deadline=None)
@given(STUDIES, st.data())
def test_numbered_exams_keep_their_count_over_batches(tmp_path_factory, found, data):
    folder = tmp_path_factory.mktemp("private")
    table = folder / "numbers.tsv"
    people = sorted({person.patient_id.strip() for person, _, _ in found} - {""})
    with table.open("w", newline="") as stream:
        rows = csv.writer(stream, delimiter="\t", lineterminator="\n")
        rows.writerows([("patient_id", "number"), *((name, number) for number, name in enumerate(people))])
    table.chmod(0o600)
    names = NumberNames(table)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(found)), max_size=3)))
    crosswalk, seen = batches(folder / "crosswalk.tsv", names, found, cuts)
    assert all(later.startswith(earlier) for earlier, later in zip(seen, seen[1:], strict=False))
    assert len(set(crosswalk.exams.values())) == len(crosswalk.exams)
    whole, _ = batches(folder / "crosswalk.tsv", names, found, [])
    shuffled, _ = batches(folder / "crosswalk.tsv", names, data.draw(st.permutations(found)), [])
    assert shuffled.lines == whole.lines
