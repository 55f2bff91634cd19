"""What is announced: the sheet of series, the digests of paths before and after they are fetched, the estimate."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from downloads import COLUMNS, of, small, tree, write_sheet
from hypothesis import given, settings
from hypothesis import strategies as st
from store import Store

from radparity import sweep
from radparity.audit.raw import check_raw
from radparity.config import ConfigError, load
from radparity.download.announced import Announced
from radparity.download.exam import download_exam
from radparity.download.note import NOTE
from radparity.download.options import Options
from radparity.download.sheet import Series, check_series
from radparity.download.wanted import of_exam
from radparity.estimate import download_row, raw_megabytes
from radparity.estimate_text import text
from radparity.report.flow import End, exam_rows
from radparity.sheets import Breast, Exam, Reading, read
from radparity.strata import read_strata
from radparity.study import Study

ROOT = Path(__file__).parents[2]
GOOD = {
    "exam": "E1",
    "role": "dynamic",
    "path": "E1/dynamic",
    "address": "s3://idc-open-data/0a1b/",
    "files": "3",
    "megabytes": "0.01",
    "series": "1.2.3",
}


def refused(folder, *rows, exams=("E1",)):
    write_sheet(folder / "series.tsv", [GOOD | row for row in rows])
    sheet = [Exam(exam=exam, patient=exam.replace("E", "P"), folder=exam) for exam in exams]
    with pytest.raises(ConfigError) as error:
        check_series(read(folder / "series.tsv", Series), sheet)
    return str(error.value)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"exam": "E2", "path": "E2/dynamic"}, "row 2: exam E2 is not in the exams sheet"),
        ({"role": "dce"}, "row 2, column 'role': 'dce'"),
        (
            {"path": "dynamic"},
            "column 'path': dynamic: a series lands in a folder of its own in its exam's. Write E1/dy",
        ),
        ({"path": "E1"}, "Write E1/dynamic"),
        ({"path": "E1/"}, "Write E1/dynamic"),
        ({"path": "E2/dynamic"}, "Write E1/dynamic"),
        ({"path": "E1/a/b"}, "Write E1/dynamic"),
        ({"path": "../E1/x"}, "relative to the folder that `raw` names"),
        ({"address": "https://example.org/x/"}, "write the address of a series, as s3://idc-open-data/"),
        ({"address": "s3://idc-open-data/0a1b"}, "with a slash at its end"),
        ({"address": "s3://idc-open-data/../0a1b/"}, "write the address of a series"),
        ({"files": "0"}, "row 2, column 'files'"),
        ({"megabytes": ""}, "row 2: its size is missing. Write it in the column 'megabytes' or 'bytes'"),
        ({"series": "not a uid"}, "row 2, column 'series'"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_with_its_mend(tmp_path, row, said):
    assert said in refused(tmp_path, row)


def test_rows_that_stand_twice_and_folders_that_do_not_fit_are_refused(tmp_path):
    said = refused(tmp_path, {}, {"path": "E1/other"})
    assert "row 3: s3://idc-open-data/0a1b/ stands already in row 2" in said
    exam = Exam(exam="E1", patient="P1", folder="dicom/E1")
    with pytest.raises(ConfigError, match="E1 has the folder dicom/E1, and its series land in E1. Write E1"):
        check_series([Series.model_validate(GOOD)], [exam])


def test_a_sheet_is_read_the_same_by_the_study_and_by_the_job(tmp_path):
    rows = [GOOD | {"megabytes": "12.34"}, GOOD | {"path": "E1/mask", "megabytes": "", "series": "1.2", "bytes": "77"}]
    write_sheet(tmp_path / "series.tsv", rows)
    checked = [row.wanted for row in read(tmp_path / "series.tsv", Series)]
    assert of_exam(tmp_path / "series.tsv", "E1") == checked and of_exam(tmp_path / "series.tsv", "E2") == []
    assert [(row.size, row.exact) for row in checked] == [(12_340_000, False), (77, True)]
    assert (checked[0].bucket, checked[0].prefix) == ("idc-open-data", "0a1b/")


@pytest.mark.parametrize(
    ("endpoint", "good"),
    [
        ("https://s3.amazonaws.com", True),
        ("http://127.0.0.1:9000", True),
        ("http://localhost", True),
        ("http://s3.amazonaws.com", False),
        ("http://localhost.example.org", False),
        ("ftp://127.0.0.1", False),
        ("s3.amazonaws.com", False),
    ],
)
def test_a_store_is_spoken_to_in_the_open_on_the_same_machine_only(endpoint, good):
    raw = yaml.safe_load((ROOT / "config.yaml").read_text()) | {"download": {"endpoint": endpoint}}
    if good:
        assert load(raw).download.endpoint == endpoint
    else:
        with pytest.raises(ConfigError, match="write an address that begins with https://"):
            load(raw)


@pytest.fixture
def store():
    with Store() as found:
        yield found


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def announced(store, exam="E1"):
    """Two series of an exam, one of them a mask alone."""
    dynamic = {f"{n}.dcm": f"{exam} {n}".encode() * 50 for n in range(4)}
    return [small(store, dynamic, exam), small(store, {"mask.dcm": b"mask" * 9}, exam, "segmentation")]


def study(rows, folders=("E1",), **columns):
    config = load(yaml.safe_load((ROOT / "config.yaml").read_text()) | {"raw": "raw"})
    exams = {f: Exam(exam=f, patient=f.replace("E", "P"), folder=f, **columns) for f in folders}
    breast = Breast(breast="E1L", exam="E1", side="left", label="malignant", partition="development")
    return Study(
        config, exams, {"E1L": breast}, [Reading(breast="E1L", rater="R1", file="E1/segmentation")], series=rows
    )


def download(store, rows, exam="E1"):
    download_exam(Path("raw"), [row for row in rows if row.exam == exam], Options(store.address, 2, 0))


def swept(own):
    told = []
    counts = sweep.sweep(own, 2, tell=told.append)
    own.__dict__.pop("digests", None)
    return own.digests, counts, told


def test_a_path_has_the_same_digest_before_and_after_it_is_fetched(place, store):
    rows = of(announced(store) + announced(store, "E2"))
    own = study(rows, ("E1", "E2"))
    before, counts, _ = swept(own)
    table = sweep.DIGESTS.read_text()
    strata = read_strata(["E1", "E2"])
    assert counts["missing"] == counts["incomplete"] == 0 and len(set(before.values())) == 3
    assert raw_megabytes()["E1"] == sum(row.size for row in rows if row.exam == "E1") / 1e6
    download(store, rows)
    after, counts, _ = swept(own)
    assert after == before and counts["changed"] == 0 and counts["read"] == 2
    assert sweep.DIGESTS.read_text() == table and read_strata(["E1", "E2"]) == strata
    assert swept(own)[1]["read"] == 0
    assert check_raw("raw", after, 2, announced=own.announced) == ([], [])


@pytest.mark.parametrize("change", ["byte", "more", "renamed", "swapped"])
def test_any_other_byte_gives_another_digest_to_its_exam_and_no_other(place, store, change):
    rows = of(announced(store) + announced(store, "E2"))
    own = study(rows, ("E1", "E2"))
    for exam in ("E1", "E2"):
        download(store, rows, exam)
    before, _, _ = swept(own)
    folder = Path("raw/E1/dynamic")
    if change == "byte":
        times = os.stat(folder / "2.dcm")
        content = (folder / "2.dcm").read_bytes()
        (folder / "2.dcm").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        os.utime(folder / "2.dcm", ns=(times.st_atime_ns, times.st_mtime_ns))
    elif change == "more":
        (folder / "9.dcm").write_bytes(b"more")
    elif change == "renamed":
        (folder / "2.dcm").rename(folder / "9.dcm")
    else:
        (folder / "2.dcm").rename(folder / "x")
        (folder / "1.dcm").rename(folder / "2.dcm")
        (folder / "x").rename(folder / "1.dcm")
    assert [fault.file for fault in check_raw("raw", before, 2, announced=own.announced)[0]] == ["E1"]
    after, counts, _ = swept(own)
    assert {path for path in after if after[path] != before[path]} == {"E1"} and counts["changed"] == 1
    assert len(after["E1"]) == 64
    if change == "byte":
        download(store, rows)
        assert swept(own)[0] == before


@pytest.mark.parametrize("left", ["nothing", "half", "no note", "half a note", "a note being written"])
def test_a_download_that_is_not_finished_is_announced(place, store, left):
    rows = of(announced(store))
    own = study(rows)
    before, _, _ = swept(own)
    download(store, rows)
    note, text = Path("raw/E1", NOTE), Path("raw/E1", NOTE).read_text()
    if left == "nothing":
        shutil.rmtree("raw/E1")
    elif left == "half":
        Path("raw/E1/dynamic/3.dcm").unlink()
    else:
        note.unlink()
        name = note if left == "half a note" else Path("raw/E1", f".writing-{NOTE}")
        if left != "no note":
            name.write_text(text[: len(text) // 2])
    after, counts, told = swept(own)
    assert after == before and counts["missing"] == 0
    if left == "half":
        assert told == ["E1: 1 files are not there (dynamic/3.dcm). Fetch them again: radparity redo download E1"]
    download(store, rows)
    assert swept(own)[0] == before and sorted(p.name for p in Path("raw/E1").iterdir()) == [
        NOTE, "dynamic", "segmentation",
    ]  # fmt: skip


def test_another_row_of_the_sheet_is_another_digest(place, store):
    rows = of(announced(store))
    before, _, _ = swept(study(rows))
    download(store, rows)
    for changed in (rows[0]._replace(address="s3://idc-open-data/new/"), rows[0]._replace(files=5)):
        other = swept(study([changed, rows[1]]))[0]
        assert other["E1"] != before["E1"] and other["E1/segmentation"] == before["E1/segmentation"]


def test_a_note_of_other_series_does_not_vouch_for_these(place, store):
    rows = of(announced(store))
    download(store, rows)
    moved = [rows[0]._replace(address="s3://idc-open-data/new/"), rows[1]]
    assert Announced(moved).arrived(Path("raw"), "E1") is None
    assert Announced(rows).arrived(Path("raw"), "E1").keys() == tree(Path("raw/E1")).keys() - {NOTE}


def test_exams_that_lie_there_and_exams_that_come_are_one_study(place, store):
    rows = of(announced(store))
    Path("raw/E2").mkdir(parents=True)
    Path("raw/E2/1.dcm").write_bytes(b"there")
    own = study(rows, ("E1", "E2"))
    digests, _, _ = swept(own)
    assert digests["E2"] == sweep.content(Path("raw/E2")) and own.announced.owners("E2") == []
    assert own.announced.owners("E1") == own.announced.owners("E1/segmentation/mask.dcm") == ["E1"]


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(4)), st.sampled_from(["address", "files", "size"]), st.integers(0, 3))
def test_the_announced_digest_knows_no_order_and_every_row(order, column, which):
    cells = [GOOD | {"path": f"E1/s{n}", "address": f"s3://idc-open-data/a{n}/", "files": str(n + 1)} for n in range(4)]
    rows = of(cells)
    whole = Announced(rows).digest("E1")
    assert Announced(rows[n] for n in order).digest("E1") == whole
    other = {"address": "s3://idc-open-data/z/", "files": 99, "size": 99}[column]
    changed = [row._replace(**{column: other}) if n == which else row for n, row in enumerate(rows)]
    assert Announced(changed).digest("E1") != whole
    assert (Announced(changed).digest("E1/s0") != Announced(rows).digest("E1/s0")) == (which == 0)


def test_the_estimate_says_what_is_to_be_fetched(tmp_path):
    from radparity.estimate import COLUMNS as HEADS
    from radparity.estimate import write_table

    rows = [dict(zip(COLUMNS, GOOD.values(), strict=True)) | {"megabytes": "4500", "exam": f"E{n}"} for n in (1, 2)]
    totals = Announced(of(rows)).totals()
    assert totals == [2, 6, 9_000_000_000]
    for speed, hours in ((100.0, "0.2"), (None, "")):
        write_table(tmp_path / "e.tsv", [download_row(*totals, speed)])
        table = dict(zip(HEADS, (tmp_path / "e.tsv").read_text().splitlines()[1].split("\t"), strict=True))
        assert (table["cases"], table["fetch_gb"], table["fetch_hours"], table["files"]) == ("2", "9", hours, "6")
        assert ("megabits_per_second" in text(tmp_path / "e.tsv", 1.0)) == (speed is None)


def test_a_patient_who_withdraws_leaves_the_sheet_of_series_too(place):
    from radparity.trace.withdrawal import _sheets

    write_sheet(Path("series.tsv"), [GOOD, GOOD | {"exam": "E2", "path": "E2/dynamic"}])
    own = study([], ("E1", "E2"))
    sheets = own.config.sheets.model_copy(update={name: None for name in ("decisions",)} | {"series": "series.tsv"})
    for name in ("exams", "breasts", "readings"):
        write_sheet(Path(f"{name}.tsv"), [{"exam": "E3"}])
        sheets = sheets.model_copy(update={name: f"{name}.tsv"})
    whom = SimpleNamespace(exams={"E2"}, breasts={"E2L"}, patients={"P2"})
    found = _sheets(replace(own, config=own.config.model_copy(update={"sheets": sheets})), whom)
    [(text, rows)] = found.values()
    assert rows == [3] and "E1/dynamic" in text and "E2" not in text


def test_another_row_of_the_sheet_is_said_to_be_why():
    from radparity.why.causes import Sheets

    [cause] = Sheets(study([]), {}).of_case("exam", "E1", [(("announced",), "a" * 64, "b" * 64)])
    assert cause == ("sheet", "exam E1: the sheet of series announces something else")


def test_an_exam_that_could_not_be_fetched_has_the_first_box_of_the_flow_chart():
    ends = {
        "E1": End("excluded", "intake", "no_dicom", "", "none"),
        "E2": End("excluded", "download", "download_missing", "", "gone"),
        "E3": End(),
    }
    assert [row["stage"] for row in exam_rows(ends)] == ["", "download", "intake"]


def test_the_stage_is_counted_where_something_is_downloaded(place, store):
    from radparity.status.stages import parts

    whole = yaml.safe_load((ROOT / "config.yaml").read_text())
    assert "download" not in json.dumps([part.stage for part in parts(study_of_the_demo(whole))])
    part = parts(study_of_the_demo(whole, of([GOOD | {"exam": "E02", "path": "E02/dynamic"}])))[0]
    assert (part.stage, part.unit, part.cases) == ("download", "exams", ["E02"])


def study_of_the_demo(raw, rows=()):
    from radparity.load import load_study

    raw["sheets"] = {name: str(ROOT / path) for name, path in raw["sheets"].items()}
    return replace(load_study(raw), series=list(rows))
