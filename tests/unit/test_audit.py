"""The audit on a small ledger made by hand: each fault, each remark, the memory of files, the page."""

import hashlib
import json
import os
import shutil
import time
from pathlib import Path

import jobs
import pytest

from radparity import ledger
from radparity.audit import stats
from radparity.audit.entries import Here, pins
from radparity.audit.page import build, headline
from radparity.audit.raw import check_raw
from radparity.audit.verify import audit
from radparity.download.announced import Announced
from radparity.download.note import Arrived, Note, write_note
from radparity.download.wanted import Wanted
from radparity.keep import drop
from radparity.root import printed, root
from radparity.sweep import content, fingerprint

RAW = {"dicom/E1": "d1", "dicom/E2": "d2"}
CODE = {"script": "c1", "environment": "e1"}
RULES = {
    "convert_exam": CODE
    | {"files": ["results/convert/{exam}/phases.nii.gz", "results/convert/batch_{batch}.json"], "pins": {}},
    "train_fold": CODE | {"files": ["results/train/{arm}/{fold}/weights.pt"], "pins": {"numpy": "2.3.5"}},
    "compare_arm": CODE | {"files": ["results/compare/{arm}/main.tsv"], "pins": {}},
    "report_study": CODE | {"files": ["results/report/index.html", "results/report/flow.tsv"], "pins": {}},
}
KNOWN = {"exam": frozenset({"E1", "E2"}), "arm": frozenset({"unet"}), "fold": frozenset({"1"})}
PHASES = "results/convert/{}/phases.nii.gz"
LIST, WEIGHTS = "results/convert/batch_one.json", "results/train/unet/1/weights.pt"
MAIN, PAGE, FLOW = "results/compare/unet/main.tsv", "results/report/index.html", "results/report/flow.tsv"


def make(path, content, rule, wildcards, inputs=(), **more):
    """A file with its entry, as a job leaves them."""
    final = Path(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    written = final.with_name(".made-" + final.name)
    written.write_text(content)
    os.replace(written, final)
    digests = {source: json.loads(ledger.sidecar(Path(source)).read_text())["sha256"] for source in inputs}
    entry = ledger.entry(final, rule, wildcards, digests, more.pop("params", {}), CODE) | {"versions": {}} | more
    ledger.sidecar(final).write_text(ledger.dump(entry))


def exam(name, content="voxels"):
    make(
        PHASES.format(name),
        content,
        "convert_exam",
        {"exam": name},
        params={"raw": {f"dicom/{name}": RAW[f"dicom/{name}"]}},
    )


def listed():
    cases = {e: {"phases": [PHASES.format(e), digest(PHASES.format(e))]} for e in ("E1", "E2")}
    make(LIST, json.dumps({"unit": "exam", "cases": cases}), "convert_exam", {"batch": "one"})


def report():
    sources = [MAIN, LIST]
    said = root({source: digest(source) for source in sources})
    lists = {"lists": {"convert": [LIST]}, "params": {"files": {"phases": "convert.phases"}}}
    make(PAGE, f'<code id="root">{said}</code>', "report_study", {}, sources, **lists)
    make(FLOW, "flow", "report_study", {}, sources, **lists)


def train(**more):
    lists = {"lists": {"convert": [LIST]}, "params": {"files": {"phases": "convert.phases"}}}
    make(WEIGHTS, "weights", "train_fold", {"arm": "unet", "fold": "1"}, [LIST], **lists, **more)


def digest(path):
    return ledger.digest_file(Path(path))


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stats, "YOUNG_S", 0.05)
    exam("E1")
    exam("E2")
    listed()
    train()
    make(MAIN, "main", "compare_arm", {"arm": "unet"}, [WEIGHTS])
    report()
    return Path("results")


def audited(raw=RAW, known=KNOWN, full=False, rules=RULES):
    return audit(Path("results"), raw, 2, here=Here(rules, known), full=full)


def faults(**how):
    return {fault["file"]: fault["fault"] for fault in audited(**how)["faults"]}


def edit(path, **fields):
    """Change an entry by hand."""
    note = ledger.sidecar(Path(path))
    note.write_text(ledger.dump(json.loads(note.read_text()) | fields))


def test_an_untouched_study_is_green_and_audited_again_says_the_same(results):
    found = audited()
    assert (found["verdict"], found["faults"], found["remarks"]) == ("green", [], [])
    assert (found["files"], found["inputs"], found["not_kept"]) == (7, 10, 0)
    assert audited() == found and audited(full=True) == found | {"read": "every byte"}


@pytest.mark.parametrize("path", [PHASES.format("E1"), LIST, WEIGHTS, MAIN, PAGE, FLOW])
@pytest.mark.parametrize("audited_before", [True, False])
def test_a_changed_byte_is_found_under_its_old_date_too(results, path, audited_before):
    if audited_before:
        wait()
        assert faults() == {}
    stat, content = os.stat(path), Path(path).read_bytes()
    Path(path).write_bytes(bytes([content[0] ^ 1]) + content[1:])
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert "recorded digest" in faults()[path]


def wait():
    """Until files are old enough to be remembered."""
    time.sleep(3 * stats.YOUNG_S)


def test_the_second_audit_reads_only_what_changed(results, caplog):
    caplog.set_level("INFO")
    wait()
    audited()
    exam("E1")  # the same bytes, made again
    audited()
    audited(full=True)
    said = [record.getMessage() for record in caplog.records if "were read" in record.getMessage()]
    assert said == ["7 of 7 files were read", "1 of 7 files were read", "7 of 7 files were read"]


def test_what_is_young_is_read_again(results, caplog, monkeypatch):
    """A second change within one tick of the clock has the same times."""
    caplog.set_level("INFO")
    monkeypatch.setattr(stats, "YOUNG_S", 60)
    audited()
    audited()
    assert caplog.text.count("7 of 7 files were read") == 2


def test_a_memory_that_lies_is_not_believed_without_its_seal_and_not_at_all_by_a_full_audit(results):
    wait()
    assert faults() == {}
    before = digest(WEIGHTS)
    Path(WEIGHTS).write_text("WEIGHTS")
    wait()
    memory = stats.FOLDER / "train.tsv"
    found = os.stat(WEIGHTS)
    now = f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"
    fields = memory.read_text().splitlines()[0].split("\t")
    lie = "\t".join([fields[0], now, before, fields[3]]) + "\n"
    memory.write_text(lie + memory.read_text().splitlines()[-1] + "\n")
    assert "recorded digest" in faults()[WEIGHTS]
    memory.write_text(lie + stats._seal(lie))
    assert faults() == {}  # what docs/audit.md says that it trusts
    assert "recorded digest" in faults(full=True)[WEIGHTS]


@pytest.mark.parametrize("said", ["", "no lines\n", "a\tb\n" * 3, "\x00\xff"])
def test_a_broken_memory_is_none(results, said):
    audited()
    for memory in stats.FOLDER.glob("*.tsv"):
        memory.write_text(said)
    assert audited()["verdict"] == "green"


FIELDS = {
    "output": PHASES.format("E2"),
    "sha256": "0" * 64,
    "rule": "train_fold",
    "wildcards": {"exam": "E2"},
    "inputs": {MAIN: "0" * 64},
    "params": {"raw": {"dicom/E1": "d9"}},
    "code": {"script": "c2", "environment": "e1"},
    "lists": {"convert": [LIST]},
}


@pytest.mark.parametrize("field", FIELDS)
def test_an_edited_entry_is_found_by_the_first_audit(results, field):
    edit(PHASES.format("E1"), **{field: FIELDS[field]})
    assert PHASES.format("E1") in faults()


@pytest.mark.parametrize("field", [*FIELDS, "versions", "device", "environment"])
def test_any_edit_of_an_entry_is_found_after_an_audit_and_stays_found(results, field):
    wait()
    before = audited()
    value = FIELDS.get(field, {"numpy": "9.9"} if field == "versions" else "another")
    if field == "environment":
        edit(PHASES.format("E1"), code=CODE | {"environment": "e2"})
    else:
        edit(PHASES.format("E1"), **{field: value})
    for _ in range(2):
        found = audited()
        assert PHASES.format("E1") in {fault["file"] for fault in found["faults"]}
        assert found["root_of_all_entries"] != before["root_of_all_entries"]


def test_a_job_that_makes_the_same_again_with_another_entry_is_no_edit(results):
    wait()
    audited()
    make(FLOW, "flow", "report_study", {}, [MAIN, LIST], params={"new": 1}, lists={"convert": [LIST]})
    assert faults() == {}


def test_missing_and_added_files_and_entries_are_found(results):
    ledger.sidecar(Path(WEIGHTS)).unlink()
    assert "no ledger entry" in faults()[WEIGHTS]
    train()
    extra = Path("results/train/unet/1/extra.pt")
    extra.write_text("x")
    Path("results/stray.txt").write_text("x")
    Path("results/audit").mkdir()
    Path("results/audit/stray.txt").write_text("x")
    assert {f for f, why in faults().items() if "no ledger entry" in why} == {
        extra.as_posix(), "results/stray.txt", "results/audit/stray.txt",
    }  # fmt: skip
    for path in (extra, Path("results/stray.txt"), Path("results/audit/stray.txt")):
        path.unlink()
    Path(WEIGHTS).unlink()
    found = faults()
    assert "file that is gone" in found[ledger.sidecar(Path(WEIGHTS)).as_posix()] and "which is gone" in found[MAIN]


def test_a_file_that_says_it_was_let_go_of_must_be_one_that_may_be(results):
    assert drop(Path(PHASES.format("E1")))
    found = audited()
    assert (found["verdict"], found["not_kept"]) == ("green", 1)
    edit(WEIGHTS, kept=False)
    Path(WEIGHTS).unlink()
    assert "file that is gone" in faults()[ledger.sidecar(Path(WEIGHTS)).as_posix()]


def test_a_file_swapped_with_that_of_another_exam_is_found_with_and_without_its_entry(results):
    exam("E2", "others")
    listed(), train(), make(MAIN, "main", "compare_arm", {"arm": "unet"}, [WEIGHTS]), report()
    assert faults() == {}
    one, two = Path(PHASES.format("E1")), Path(PHASES.format("E2"))
    swap(one, two)
    assert {one.as_posix(), two.as_posix()} <= faults().keys()
    swap(ledger.sidecar(one), ledger.sidecar(two))
    found = faults()
    assert "belongs to" in found[one.as_posix()] and "belongs to" in found[two.as_posix()]


def swap(one, two):
    aside = one.with_name("aside")
    one.rename(aside), two.rename(one), aside.rename(two)


def test_a_file_and_its_entry_replaced_together_are_found_by_who_was_made_from_them(results):
    wait()
    audited()
    exam("E1", "other voxels")
    assert PHASES.format("E1") in faults()[LIST] and "earlier version" in faults()[LIST]


def test_all_entries_replaced_up_to_the_page_are_found_by_the_root_that_it_prints(results):
    page = Path(PAGE).read_text()
    exam("E1", "other voxels")
    listed(), train(), make(MAIN, "main", "compare_arm", {"arm": "unet"}, [WEIGHTS]), report()
    assert faults() == {}  # that is what an honest rerun looks like
    lists = {"lists": {"convert": [LIST]}, "params": {"files": {"phases": "convert.phases"}}}
    make(PAGE, page, "report_study", {}, [MAIN, LIST], **lists)
    assert list(faults()) == [PAGE] and "prints the root" in faults()[PAGE]
    make(PAGE, "without", "report_study", {}, [MAIN, LIST], **lists)
    assert "prints no root" in faults()[PAGE]


def test_raw_data_that_changed_is_found_with_its_exam_and_what_it_touches(results):
    found = audited(raw=RAW | {"dicom/E1": "d9"})["faults"]
    assert [(f["file"], f["fault"]) for f in found] == [
        (PHASES.format("E1"), "was made from an earlier content of dicom/E1")
    ]
    assert found[0]["headline"] == [MAIN, PAGE] and found[0]["touches"] == 5


def test_raw_data_that_changed_after_the_sweep_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    series = Path("data/E1/one.dcm")
    series.parent.mkdir(parents=True)
    series.write_text("image")
    recorded = {"E1": content(Path("data/E1"))}
    Path(".radparity").mkdir()
    Path(".radparity/stat.json").write_text(json.dumps({"data/E1": [fingerprint(Path("data/E1")), recorded["E1"]]}))
    assert check_raw("data", recorded, 2) == check_raw("data", recorded, 2, full=True) == ([], [])
    stat = os.stat(series)
    series.write_text("IMAGE")
    os.utime(series, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert [fault.file for fault in check_raw("data", recorded, 2)[0]] == ["E1"]
    series.write_text("image")
    assert check_raw("data", recorded, 2) == ([], [])
    # The sweep's table alone was edited.
    assert [fault.file for fault in check_raw("data", {"E1": "0" * 64}, 2)[0]] == ["E1"]
    shutil.rmtree("data/E1")
    assert "is gone since the sweep" in check_raw("data", recorded, 2)[0][0].fault
    shutil.rmtree("data")
    assert check_raw("data", recorded, 2)[1][0].remark == "the raw data is not here: not compared"


def test_other_code_and_rules_that_this_checkout_lacks_are_faults(results):
    newer = {name: about | {"script": "c2"} for name, about in RULES.items() if name == "train_fold"}
    assert list(faults(rules=RULES | newer)) == [WEIGHTS]
    assert "another code" in faults(rules=RULES | newer)[WEIGHTS]
    del newer["train_fold"]
    assert "does not have" in faults(rules={k: v for k, v in RULES.items() if k != "train_fold"})[WEIGHTS]


def test_versions_that_the_environment_does_not_ask_for_are_remarked(results):
    train(versions={"numpy": "2.3.5+local", "scipy": "1"})
    make(MAIN, "main", "compare_arm", {"arm": "unet"}, [WEIGHTS]), report()
    assert audited()["remarks"] == []
    train(versions={"numpy": "2.3.4"})
    make(MAIN, "main", "compare_arm", {"arm": "unet"}, [WEIGHTS]), report()
    found = audited()
    assert found["verdict"] == "green" and found["remarks"][0]["first"] == [WEIGHTS]
    assert "numpy 2.3.4" in found["remarks"][0]["remark"] and "asks for 2.3.5" in found["remarks"][0]["remark"]


def test_what_left_the_study_is_remarked_and_a_fault_where_something_is_made_from_it(results):
    make(
        "results/train/old/1/weights.pt", "old", "train_fold", {"arm": "old", "fold": "1"}, [LIST], lists={"c": [LIST]}
    )
    found = audited()
    assert found["verdict"] == "green" and found["remarks"][0]["first"] == ["results/train/old/1/weights.pt"]
    without = KNOWN | {"exam": frozenset({"E2"})}
    found = audited(known=without)
    assert {"exam E1", "arm old"} <= {r["remark"].split("belongs to ")[1].split(",")[0] for r in found["remarks"]}
    assert [f["file"] for f in found["faults"]] == [LIST] and "exam E1" in found["faults"][0]["fault"]
    # Edited by hand it is a fault all the same.
    Path("results/train/old/1/weights.pt").write_text("edited")
    assert "recorded digest" in faults()["results/train/old/1/weights.pt"]


def test_unfinished_files_are_remarked_and_links_are_faults(results):
    Path("results/train/unet/1/.writing-weights.pt").write_text("half")
    found = audited()
    assert found["verdict"] == "green" and "unfinished" in found["remarks"][0]["remark"]
    Path("elsewhere").mkdir()
    Path("results/train/more").symlink_to(Path("elsewhere").absolute())
    assert "link to a folder" in faults()["results/train/more"]


def test_of_many_faults_of_one_kind_the_first_are_listed_and_all_are_counted(results):
    for number in range(130):
        Path(f"results/train/x{number:03}").write_text("x")
    Path(MAIN).write_text("edited")
    found = audited()
    assert found["faults_found"] == 131 and len(found["faults"]) == 101
    assert MAIN in {fault["file"] for fault in found["faults"]}


TEMPLATE = jobs.ROOT / "workflow/report/audit.html"
CLEAN = {"deidentification": {"verdict": "green", "headers": 3, "leaks": {}, "findings": [], "warnings": []}}


def test_the_page_is_green_or_says_what_to_do(results):
    page = build("a <study>", audited() | CLEAN, TEMPLATE)
    assert "The audit is green." in page and "a &lt;study&gt;" in page and "<h2>Faults" not in page
    assert headline(audited() | CLEAN).startswith("green: 7 files")
    Path(MAIN).write_text("<script>")
    found = audited() | CLEAN
    page = build("study", found, TEMPLATE)
    assert (
        "The audit is red: 1 fault." in page
        and f"<code>{MAIN}</code>" in page
        and "Do not use before it is mended: the report, the tables of unet." in page
    )
    assert "<code>radparity redo compare unet</code>" in page and "<script" not in page
    assert page == build("study", found, TEMPLATE) and "red: 1 fault" in headline(found)


def test_the_root_depends_on_every_path_and_digest_and_not_on_their_order(tmp_path):
    digests = {"a": "1", "b": "2"}
    whole = root(digests)
    assert root(dict(reversed(digests.items()))) == whole
    assert len({whole, root({"a": "2", "b": "1"}), root({"a": "1"}), root({"a": "1", "c": "2"})}) == 4
    (tmp_path / "page.html").write_text(f'<code id="root">{whole}</code>')
    assert printed(tmp_path / "page.html") == whole


def test_pins_are_read_from_every_environment():
    for path in sorted((jobs.ROOT / "envs").glob("*.yaml")):
        found = pins(path)
        assert found["python"] == "3.11" and len(found) > 1, path


def test_an_entry_mended_after_a_red_audit_is_no_edit(results):
    """What was first seen with a fault is not what is compared with afterwards."""
    wait()
    before = ledger.sidecar(Path(WEIGHTS)).read_bytes()
    for fields in ({"sha256": "0" * 64}, {"inputs": {LIST: "0" * 64}}, {"rule": "compare_arm"}):
        edit(WEIGHTS, **fields)
        assert WEIGHTS in faults()
        ledger.sidecar(Path(WEIGHTS)).write_bytes(before)
        assert faults() == {}


@pytest.mark.parametrize("full", [False, True])
def test_downloaded_files_that_have_gone_are_remarked_upon(tmp_path, monkeypatch, full):
    monkeypatch.chdir(tmp_path)
    rows = [Wanted("E1", "dynamic", "E1/dynamic", "s3://b/one/", 2, 6, True, "1.2")]
    folder = tmp_path / "raw/E1/dynamic"
    folder.mkdir(parents=True)
    came = {}
    for name in ("a.dcm", "b.dcm"):
        (folder / name).write_text(name[:3])
        came[name] = Arrived(3, hashlib.sha256(name[:3].encode()).hexdigest(), "etag", "size")
    write_note(folder.parent, Note({"dynamic": "s3://b/one/"}, {"dynamic": came}))
    announced = Announced(rows)
    recorded = {"E1": announced.digest("E1")}
    assert check_raw("raw", recorded, 1, full, announced) == ([], [])
    (folder / "b.dcm").unlink()
    faults, (remark,) = check_raw("raw", recorded, 1, full, announced)
    assert faults == [] and remark.file == "E1" and "1 files that were downloaded" in str(remark)
