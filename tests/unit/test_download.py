"""Fetching an exam: what comes is what the store has, whole or not at all, and nothing comes twice."""

import errno
import hashlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import jobs
import pytest
from downloads import EXAM, of, serve, small, tree, unpacked, write_sheet
from store import Store

from radparity.download.exam import download_exam
from radparity.download.note import NOTE, check_whole, read_note
from radparity.download.options import Options
from radparity.download.store import StoreError
from radparity.failures import NETWORK, cause
from radparity.record import DataFault


@pytest.fixture
def store():
    with Store() as found:
        yield found


@pytest.fixture
def raw(tmp_path):
    return tmp_path / "raw"


def download(raw, store, rows, retries=2, at_once=4):
    return download_exam(raw, of(rows), Options(store.address, at_once, retries))


def three(store):
    return small(store, {f"{n}.dcm": bytes([n]) * 1000 for n in (1, 2, 3)})


def fault(raw, store, rows):
    with pytest.raises(DataFault) as found:
        download(raw, store, rows)
    assert not any(path.name.startswith(".writing-") for path in raw.rglob("*"))
    assert not list(raw.rglob(NOTE))
    return found.value.code


def test_the_real_exam_comes_as_it_is(raw, store):
    rows = serve(store)
    facts = download(raw, store, rows)
    came = {role: sorted(p.read_bytes() for p in (raw / EXAM / role).iterdir()) for role in unpacked()}
    assert came == {role: sorted(path.read_bytes() for path in files) for role, files in unpacked().items()}
    assert facts["files"] == sum(map(len, unpacked().values()))
    note = json.loads((raw / EXAM / NOTE).read_text())["series"]
    for role, own in note.items():
        assert own["address"] == next(row["address"] for row in rows if row["role"] == role)
        for name, one in own["objects"].items():
            content = (raw / EXAM / role / name).read_bytes()
            assert (one["bytes"], one["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
            assert (one["etag"], one["verified"]) == (hashlib.md5(content).hexdigest(), "md5")
    assert not any(row["series"] in json.dumps(facts) or row["address"] in json.dumps(facts) for row in rows)


def test_a_second_time_nothing_is_fetched_and_what_changed_is(raw, store):
    rows = [three(store)]
    download(raw, store, rows)
    before = tree(raw)
    asked = len(store.requests)
    facts = download(raw, store, rows)
    assert len(store.requests) == asked and tree(raw) == before, "what lies there as it came needs no store"
    assert facts == download_exam(raw.with_name("other"), of(rows), Options(store.address))
    store.sent.clear()
    (raw / "E1/dynamic/2.dcm").write_bytes(b"x" * 1000)
    (raw / "E1/dynamic/3.dcm").unlink()
    download(raw, store, rows)
    assert sorted(store.sent.values()) == [1, 1] and tree(raw) == before


def test_a_listing_of_many_pages_is_read_to_its_end(raw):
    with Store(page=500) as store:
        row = small(store, {f"{n:04}.dcm": b"%d" % n for n in range(1100)})
        assert download(raw, store, [row])["files"] == 1100
        assert len([path for path, _ in store.requests if "continuation-token" in path]) == 2
    assert len(list((raw / "E1/dynamic").iterdir())) == 1100


def test_an_object_that_was_put_there_in_parts_has_its_size_checked_and_the_note_says_so(raw, store):
    row = three(store)
    [name, *_] = store.of(row["address"])
    store.etags[name] = f"{'a' * 32}-2"
    assert download(raw, store, [row])["series"][0]["verified_by_size_only"] == 1
    assert [one.verified for one in read_note(raw / "E1").files.values()] == ["size", "md5", "md5"]
    store.faults[name] = ["short"] * 9
    (raw / "E1/dynamic" / Path(name).name).unlink()
    with pytest.raises(DataFault, match="download_checksum"):
        download(raw, store, [row])


def test_what_was_checked_by_size_is_afterwards_held_to_what_came(raw, store):
    row = three(store)
    [name, *_] = store.of(row["address"])
    store.etags[name] = f"{'a' * 32}-2"
    download(raw, store, [row])
    (raw / "E1/dynamic/1.dcm").write_bytes(b"y" * 1000)
    download(raw, store, [row])
    assert (raw / "E1/dynamic/1.dcm").read_bytes() == store.content(name)


@pytest.mark.parametrize("wrong", ["busy", "broken", "flipped", "short"])
def test_what_goes_wrong_and_comes_right_in_time_does_no_harm(raw, store, wrong):
    row = three(store)
    for name in store.of(row["address"]):
        store.faults[name] = [wrong]
    download(raw, store, [row])
    came = {path.name: path.read_bytes() for path in (raw / "E1/dynamic").iterdir()}
    assert came == {Path(name).name: store.content(name) for name in store.of(row["address"])}


def test_bytes_that_are_never_those_of_the_checksum(raw, store):
    row = three(store)
    name = store.of(row["address"])[1]
    store.faults[name] = ["flipped"] * 9
    assert fault(raw, store, [row]) == "download_checksum"
    assert not (raw / "E1/dynamic/2.dcm").exists()


def test_an_object_that_is_listed_and_gone(raw, store):
    row = three(store)
    store.faults[store.of(row["address"])[1]] = ["gone"] * 9
    assert fault(raw, store, [row]) == "download_missing"


def test_a_series_that_is_not_there_at_all(raw, store):
    row = three(store)
    store.objects.clear()
    assert fault(raw, store, [row]) == "download_missing"


@pytest.mark.parametrize("said", [2, 4])
def test_fewer_or_more_objects_than_the_sheet_says(raw, store, said):
    assert fault(raw, store, [three(store) | {"files": str(said)}]) == "download_count"
    assert not store.sent


def test_an_object_whose_name_would_lead_elsewhere(raw, store):
    row = small(store, {"1.dcm": b"1", "deeper/2.dcm": b"2"})
    assert fault(raw, store, [row]) == "download_count"


@pytest.mark.parametrize(
    ("size", "good"), [({"bytes": "3000"}, True), ({"bytes": "3001"}, False), ({"megabytes": "0.02"}, False)]
)
def test_sizes_are_held_to_the_byte_or_to_what_rounding_leaves(raw, store, size, good):
    row = three(store) | {"bytes": "", "megabytes": ""} | size
    assert good or fault(raw, store, [row]) == "download_size"
    if good:
        download(raw, store, [row | {"bytes": "", "megabytes": "0.00"}])


def test_images_of_another_series(raw, store):
    rows = serve(store, roles=("enhancement_map", "washout_map"))
    rows[0]["address"], rows[1]["address"] = rows[1]["address"], rows[0]["address"]
    rows[0]["megabytes"], rows[1]["megabytes"] = rows[1]["megabytes"], rows[0]["megabytes"]
    assert fault(raw, store, rows) == "download_series"
    assert [path.name for path in (raw / EXAM).iterdir() if path.is_dir()] == []


def test_a_store_that_does_not_serve_is_no_fault_of_the_exam(raw, store):
    rows = [three(store)]
    store.faults[store.of(rows[0]["address"])[0]] = ["broken"] * 99
    with pytest.raises(StoreError, match="broke off at each of 2 tries") as found:
        download(raw, store, rows, retries=1)
    assert cause(found.value) == NETWORK
    store.busy = True
    with pytest.raises(StoreError, match="503.*call Snakemake again") as found:
        download(raw, store, rows, retries=1)
    assert not any(row["address"].split("/")[3] in str(found.value) for row in rows)
    store.__exit__()
    with pytest.raises(StoreError, match="download: endpoint") as found:
        download(raw, store, rows, retries=0)
    assert cause(found.value) == NETWORK
    assert [path for path in raw.rglob("*") if path.is_file() and path.name.startswith(".")] == []


def test_nothing_of_the_environment_reaches_the_store(raw, store, monkeypatch):
    said = {
        "AWS_ACCESS_KEY_ID": "AKIDSECRET",
        "AWS_SECRET_ACCESS_KEY": "hushhush",
        "AWS_SESSION_TOKEN": "tokentoken",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_SKIP_SIGNATURE": "false",
        "AWS_REQUEST_PAYER": "true",
        "AWS_S3_EXPRESS": "true",
    }
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    download(raw, store, [three(store)])
    sent = json.dumps(store.requests).lower()
    assert len(store.requests) == 4 and "authorization" not in sent and "x-amz" not in sent
    assert not any(value.lower() in sent for value in ("AKIDSECRET", "hushhush", "tokentoken"))
    assert os.environ["AWS_ACCESS_KEY_ID"] == "AKIDSECRET"


def test_files_that_the_store_does_not_have_are_not_taken_for_images(raw, store):
    rows = [three(store)]
    (raw / "E1/dynamic").mkdir(parents=True)
    (raw / "E1/dynamic/mine.dcm").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="1 files that the store does not have lie in E1"):
        download(raw, store, rows)
    assert (raw / "E1/dynamic/mine.dcm").read_bytes() == b"mine"


def test_what_the_store_has_no_longer_goes_where_it_was_fetched(raw, store):
    row = three(store)
    download(raw, store, [row])
    del store.objects[store.of(row["address"])[0]]
    download(raw, store, [row | {"files": "2", "bytes": "2000"}])
    assert sorted(path.name for path in (raw / "E1/dynamic").iterdir()) == ["2.dcm", "3.dcm"]
    assert list(read_note(raw / "E1").files) == ["dynamic/2.dcm", "dynamic/3.dcm"]


def test_files_that_are_gone_after_the_download_are_said_before_an_exam_is_read(raw, store):
    download(raw, store, [three(store), small(store, {"4.dcm": b"4"}, role="t2")])
    for source in ("E1", "E1/dynamic", "E1/t2", "E1/t2/4.dcm", "elsewhere"):
        check_whole(raw, source)
    (raw / "E1/t2/4.dcm").unlink()
    check_whole(raw, "E1/dynamic")
    for source, count in (("E1", "1 of the 4"), ("E1/t2", "1 of the 1"), ("E1/t2/4.dcm", "1 of the 1")):
        with pytest.raises(FileNotFoundError, match=f"{count} files of {source} .*radparity redo download E1"):
            check_whole(raw, source)


SCRIPT = (Path(__file__).parents[2] / "workflow/scripts/download_exam.py").read_text()


def rule(store, rows, folder, retries=1):
    from radparity.download.wanted import digest

    write_sheet(folder / "series.tsv", rows)
    exams = dict.fromkeys(row["exam"] for row in rows)
    announced = {exam: {"announced": digest(one for one in of(rows) if one.exam == exam)} for exam in exams}
    return {
        "rule": "download_exam",
        "wildcards": {"batch": "one"},
        "output": {"batch": "results/download/batch_one.json"},
        "params": {
            "unit": "exam",
            "cases": announced,
            "files": {},
            "made": {"record": "results/download/{exam}/download.json"},
            "code": "abc",
        },
        "config": {
            "raw": "raw",
            "sheets": {"series": "series.tsv"},
            "download": {"endpoint": store.address, "retries": retries},
        },
    }


def test_a_job_that_is_killed_goes_on_where_it_was(tmp_path, store):
    """Objects that had come are not fetched again, and there is no note before the last has come."""
    rows = serve(store, roles=("dynamic",))
    store.stall_after = 100
    process = jobs.start(tmp_path, SCRIPT, rule(store, rows, tmp_path))
    folder = tmp_path / f"raw/{EXAM}/dynamic"
    until = time.monotonic() + 60
    while time.monotonic() < until and len([p for p in folder.glob("*") if p.name[0] != "."]) < 100:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    whole = {path.name: path.read_bytes() for path in folder.glob("*") if path.name[0] != "."}
    assert len(whole) == 100 and not (tmp_path / f"raw/{EXAM}/{NOTE}").exists()
    assert all(content in {p.read_bytes() for p in unpacked()["dynamic"]} for content in whole.values())
    store.stall_after = None
    store.go.set()
    code, said = jobs.run(tmp_path, SCRIPT, rule(store, rows, tmp_path))
    assert code == 0, said
    came = {f"{rows[0]['address'].removeprefix('s3://')}{name}" for name in whole}
    assert all(store.sent[name] == 1 for name in came)
    assert sorted(p.read_bytes() for p in folder.iterdir()) == sorted(p.read_bytes() for p in unpacked()["dynamic"])
    assert not list(folder.glob(".writing-*"))


def test_a_fault_of_one_exam_leaves_the_others(tmp_path, store):
    rows = [small(store, {"1.dcm": b"one"}, "E1"), small(store, {"1.dcm": b"two"}, "E2") | {"files": "7"}]
    code, said = jobs.run(tmp_path, SCRIPT, rule(store, rows, tmp_path))
    assert code == 0, said
    records = {n: json.loads((tmp_path / f"results/download/{n}/download.json").read_text()) for n in ("E1", "E2")}
    assert records["E1"]["status"] == "ok" and records["E1"]["files"] == 1
    assert (records["E2"]["status"], records["E2"]["code"]) == ("excluded", "download_count")
    text = "".join(p.read_text() for p in (tmp_path / "results").rglob("*.json"))
    assert not any(row["address"].split("/")[3] in text for row in rows)


def test_a_store_that_is_down_fails_the_job_at_the_first_exam(tmp_path, store):
    rows = [small(store, {"1.dcm": b"one"}, exam) for exam in ("E1", "E2", "E3")]
    store.busy = True
    code, said = jobs.run(tmp_path, SCRIPT, rule(store, rows, tmp_path, retries=0))
    assert code != 0 and "did not serve E1/dynamic" in said and "Look at the connection" in said
    assert len(store.requests) == 1 and list((tmp_path / "results").rglob("*.ledger.json")) == []


def test_a_sheet_that_is_edited_while_the_call_runs(tmp_path, store):
    of_then = rule(store, [small(store, {"1.dcm": b"one"})], tmp_path)
    write_sheet(tmp_path / "series.tsv", [small(store, {"1.dcm": b"other"})])
    code, said = jobs.run(tmp_path, SCRIPT, of_then)
    assert code != 0 and "the sheet of series was edited while this call runs" in said


@pytest.fixture
def little_disk(tmp_path):
    """A disk of 20 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(place)], capture_output=True)
    if done.returncode:
        pytest.skip("no right to mount a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_too_small_is_said_before_anything_is_fetched(little_disk, store):
    row = small(store, {f"{n}.dcm": os.urandom(3_000_000) for n in range(7)})
    with pytest.raises(OSError, match="21.0 MB are to be fetched for E1 and .* are free") as found:
        download(little_disk, store, [row])
    assert found.value.errno == errno.ENOSPC and not store.sent


def test_a_disk_that_fills_up_on_the_way_leaves_whole_files_only(little_disk, store, monkeypatch):
    monkeypatch.setattr("radparity.download.exam._check_room", lambda exam, size: None)
    row = small(store, {f"{n}.dcm": os.urandom(3_000_000) for n in range(8)})
    with pytest.raises(OSError, match="the disk of the raw data is full") as found:
        download(little_disk, store, [row])
    assert found.value.errno == errno.ENOSPC
    left = list((little_disk / "E1/dynamic").iterdir())
    assert 1 <= len(left) <= 6 and all(path.stat().st_size == 3_000_000 for path in left)
    assert not (little_disk / "E1" / NOTE).exists()
