"""The house's own machinery: code digests, jobs that leave whole files or none, the sweep, the ledger."""

import json
import os
import shutil
from pathlib import Path

import jobs
import pytest

from radparity import code, ledger, sweep
from radparity.record import DataFault

ROOT = Path(__file__).parents[2]


@pytest.fixture
def library(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "workflow", tmp_path / "workflow", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code, "LIBRARY", tmp_path / "workflow" / "radparity")
    monkeypatch.setattr(code, "SCRIPTS", tmp_path / "workflow" / "scripts")

    def again(script):
        code.digest.cache_clear()
        code._module.cache_clear()
        return code.digest(script)

    yield tmp_path / "workflow", again
    code.digest.cache_clear()
    code._module.cache_clear()


def test_the_digest_follows_what_a_script_reaches(library):
    workflow, digest = library
    scripts = sorted(path.stem for path in (workflow / "scripts").glob("*.py"))
    before = {script: digest(script) for script in scripts}
    register = workflow / "radparity" / "register" / "exam.py"
    register.write_text(register.read_text().replace("TARGET = 1", "TARGET = 2"))
    changed = {script for script in scripts if digest(script) != before[script]}
    assert "register_exam" in changed
    assert changed.isdisjoint({"intake_exam", "convert_exam", "train_fold", "compare_arm", "fold_partition"})


def test_comments_docstrings_and_layout_do_not_count(library):
    workflow, digest = library
    before = digest("register_exam")
    path = workflow / "radparity" / "register" / "exam.py"
    path.write_text("# a remark\n\n\n" + path.read_text().replace('"""', '"""Said otherwise. ', 1))
    assert digest("register_exam") == before


def test_a_script_that_does_not_exist_is_named():
    with pytest.raises(FileNotFoundError, match="no_such.py"):
        code.digest("no_such")


SCRIPT = """
import os
from radparity.batch_job import case_job
from radparity.record import DataFault

def work(run):
    run.output["data"].write_bytes(b"half")
    print("said by the work")
    os.system("echo said by a program")
    how = sys.argv[1]
    if how == "bug":
        raise ValueError("a bug")
    if how == "fault":
        raise DataFault("too_dark", "the image is black")
    if how == "shown":
        raise DataFault("too_dark", "the image is black", {"brightest": 0}, evidence=["data"])
    if how == "killed":
        os.kill(os.getpid(), 9)
    run.output["data"].write_bytes(b"whole")
    return {"level": run.params["level"]}

case_job(snakemake, "demo", work)
"""
RULE = {
    "rule": "demo",
    "wildcards": {"batch": "one"},
    "input": {"source": "in.txt"},
    "output": {"batch": "lists/batch_one.json"},
    "params": {
        "unit": "exam",
        "cases": {"C1": {"level": 3}},
        "files": {},
        "made": {"record": "out/record.json", "data": "out/data.bin"},
        "code": "abc",
    },
}


def run_job(folder, how):
    (folder / "out").mkdir(exist_ok=True)
    (folder / "in.txt").write_text("source")
    return jobs.run(folder, SCRIPT, RULE, how)


def final(folder):
    return sorted(p.name for p in (folder / "out").iterdir() if not p.name.startswith(".writing-"))


def test_a_job_that_goes_well_leaves_files_and_ledger(tmp_path):
    assert run_job(tmp_path, "well")[0] == 0
    assert final(tmp_path) == ["data.bin", "data.bin.ledger.json", "record.json", "record.json.ledger.json"]
    record = json.loads((tmp_path / "out/record.json").read_text())
    assert record == {"case": "C1", "stage": "demo", "status": "ok", "level": 3}
    entry = json.loads((tmp_path / "out/data.bin.ledger.json").read_text())
    assert entry["sha256"] == ledger.digest_file(tmp_path / "out/data.bin")
    assert entry["inputs"] == {"in.txt": ledger.digest_file(tmp_path / "in.txt")}
    assert (entry["code"], entry["params"], entry["output"]) == ("abc", {"level": 3}, "out/data.bin")
    log = (tmp_path / "job.log").read_text()
    assert "said by the work" in log and "said by a program" in log


def test_a_bug_leaves_nothing_and_its_traceback_is_in_the_log(tmp_path):
    code, said = run_job(tmp_path, "bug")
    assert code != 0 and list((tmp_path / "out").iterdir()) == [] and list((tmp_path / "lists").iterdir()) == []
    assert "C1 (ValueError: a bug)" in said and "job.log" in said
    assert "Traceback" in (tmp_path / "job.log").read_text()


def test_a_killed_job_leaves_nothing_under_a_final_name(tmp_path):
    assert run_job(tmp_path, "killed")[0] == -9
    assert final(tmp_path) == []
    assert run_job(tmp_path, "well")[0] == 0
    assert (tmp_path / "out/data.bin").read_bytes() == b"whole"


def test_a_data_fault_excludes_the_case_and_leaves_no_data(tmp_path):
    assert run_job(tmp_path, "fault")[0] == 0
    record = json.loads((tmp_path / "out/record.json").read_text())
    assert (record["status"], record["code"], record["sentence"]) == ("excluded", "too_dark", "the image is black")
    assert (tmp_path / "out/data.bin").read_bytes() == b""


def test_a_data_fault_keeps_its_facts_and_the_outputs_that_show_it(tmp_path):
    assert run_job(tmp_path, "shown")[0] == 0
    record = json.loads((tmp_path / "out/record.json").read_text())
    assert (record["status"], record["code"], record["brightest"]) == ("excluded", "too_dark", 0)
    assert (tmp_path / "out/data.bin").read_bytes() == b"half"


def test_a_job_of_one_piece_leaves_all_of_its_outputs_or_none(tmp_path):
    script = """
from radparity.job import job
with job(snakemake) as run:
    run.output["one"].write_text("one")
    if sys.argv[1] == "both":
        run.output["two"].write_text("two")
"""
    rule = {"rule": "study", "output": {"one": "out/one.txt", "two": "out/two.txt"}}
    code, said = jobs.run(tmp_path, script, rule, "one")
    assert code != 0 and "did not write its output out/two.txt" in said and list((tmp_path / "out").iterdir()) == []
    assert jobs.run(tmp_path, script, rule, "both")[0] == 0
    assert jobs.whole(tmp_path / "out") == {"one.txt", "two.txt"}


def test_two_runs_leave_the_same_bytes(tmp_path):
    seen = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        run_job(tmp_path / name, "well")
        seen.append({p.name: p.read_bytes() for p in (tmp_path / name / "out").iterdir()})
    assert seen[0] == seen[1] and len(seen[0]) == 4


def test_content_digest_sees_bytes_and_names_but_not_times(tmp_path):
    exam = tmp_path / "exam"
    exam.mkdir()
    (exam / "a.dcm").write_bytes(b"one")
    stat, whole = sweep.fingerprint(exam), sweep.content(exam)
    os.utime(exam / "a.dcm", (1, 1))
    assert sweep.fingerprint(exam) != stat and sweep.content(exam) == whole
    # Other bytes of the same size under the old mtime: ctime gives it away.
    touched = sweep.fingerprint(exam)
    (exam / "a.dcm").write_bytes(b"two")
    os.utime(exam / "a.dcm", (1, 1))
    assert sweep.fingerprint(exam) != touched and sweep.content(exam) != whole
    (exam / "a.dcm").write_bytes(b"one")
    (exam / "a.dcm").rename(exam / "b.dcm")
    assert sweep.content(exam) != whole
    assert sweep.content(tmp_path / "none") == "missing"


def test_a_data_fault_says_code_and_sentence():
    assert str(DataFault("code", "sentence")) == "code: sentence"
