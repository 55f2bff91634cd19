"""Node-local scratch: whose folder it is, what is in it when, and what is left of jobs that were killed."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import jobs
import pytest

from radparity.scratch import ScratchError, check_there, scratch

ENVIRONMENT = os.environ | {"PYTHONPATH": str(jobs.ROOT / "workflow")}


def program(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    )


HOLD = """
import sys, time
from radparity.scratch import scratch
with scratch(sys.argv[1]) as folder:
    (folder / "large").write_bytes(b"x")
    print(folder, flush=True)
    time.sleep(100)
"""


def hold(root):
    """A process that works in scratch, and its folder there."""
    process = program(HOLD, str(root))
    return process, Path(process.stdout.readline().strip())


def test_without_the_key_nothing_is_done():
    before = tempfile.gettempdir(), os.environ.get("TMPDIR")
    with scratch(None) as folder:
        assert folder is None and (tempfile.gettempdir(), os.environ.get("TMPDIR")) == before
    check_there(None)


def test_temporary_files_of_this_process_and_of_programs_go_there(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_NODES_DISK", str(tmp_path))
    before = tempfile.gettempdir(), os.environ.get("TMPDIR")
    with scratch("$SOME_NODES_DISK") as folder:
        assert folder.parent == tmp_path and folder.stat().st_mode & 0o077 == 0
        said = subprocess.run(["sh", "-c", "mktemp"], capture_output=True, text=True).stdout
        with tempfile.NamedTemporaryFile() as stream:
            assert Path(stream.name).is_relative_to(folder) and Path(said).is_relative_to(folder)
    assert list(tmp_path.iterdir()) == [] and (tempfile.gettempdir(), os.environ.get("TMPDIR")) == before


def test_it_is_removed_after_a_failure(tmp_path):
    with pytest.raises(ValueError), scratch(str(tmp_path)) as folder:
        (folder / "large").write_bytes(b"x")
        raise ValueError
    assert list(tmp_path.iterdir()) == []


def test_a_scratch_that_cannot_be_used_is_refused_with_the_mend(tmp_path, monkeypatch):
    monkeypatch.delenv("NO_SUCH_DISK", raising=False)
    with pytest.raises(ScratchError, match=r"no variable \$NO_SUCH_DISK .* Name a folder"), scratch("$NO_SUCH_DISK/x"):
        pass
    monkeypatch.setenv("NO_SUCH_DISK", "")
    with pytest.raises(ScratchError, match="it is empty .* Name a folder"), scratch("$NO_SUCH_DISK"):
        pass
    (tmp_path / "file").write_text("")
    for name, reason in (("none", "No such file"), ("file", "Not a directory")):
        with pytest.raises(ScratchError, match=f"{tmp_path}/{name} .*{reason}"), scratch(str(tmp_path / name)):
            pass


def test_what_killed_jobs_left_goes_and_what_living_ones_use_stays(tmp_path):
    (tmp_path / "of somebody else").write_text("")
    living, its = hold(tmp_path)
    killed, left = hold(tmp_path)
    killed.kill()
    killed.communicate()
    assert (left / "large").is_file()
    with scratch(str(tmp_path)):
        assert (its / "large").is_file() and not left.exists()
    living.kill()
    living.communicate()
    with scratch(str(tmp_path)):
        assert not its.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["of somebody else"]


def test_many_jobs_that_come_and_go_leave_each_other_alone(tmp_path):
    code = """
import sys
from radparity.scratch import check_there, scratch
for number in range(60):
    with scratch(sys.argv[1]) as folder:
        (folder / "file").write_text(sys.argv[2])
        check_there(folder)
        assert (folder / "file").read_text() == sys.argv[2]
"""
    running = [program(code, str(tmp_path), str(number)) for number in range(6)]
    assert [process.wait(timeout=100) for process in running] == [0] * 6
    assert list(tmp_path.iterdir()) == []


SCRIPT = """
import os
from pathlib import Path
from radparity.batch_job import case_job

def work(run):
    root = Path(snakemake.config["scratch"])
    folders = [path.name for path in root.glob("radparity-*/cases/*")]
    assert folders == [run.name] and run.output["data"].is_relative_to(root), folders
    run.output["data"].write_bytes(run.name.encode() * 1000)
    Path(os.environ["TMPDIR"], "of a program").write_text("")
    if run.name == sys.argv[1]:
        raise ValueError("a bug")
    return {}

case_job(snakemake, "make", work)
"""


def test_a_case_finds_scratch_empty_and_results_do_not_know_of_it(tmp_path):
    root = tmp_path / "node"
    root.mkdir()
    rule = {
        "rule": "make",
        "wildcards": {"batch": "one"},
        "output": {"batch": "results/make/batch_one.json"},
        "config": {"scratch": str(root)},
        "params": {
            "unit": "exam",
            "cases": {"E1": {}, "E2": {}, "E3": {}},
            "files": {},
            "made": {"record": "results/make/{exam}/make.json", "data": "results/make/{exam}/data.bin"},
        },
    }
    code, said = jobs.run(tmp_path / "study", SCRIPT, rule, "E2")
    assert code != 0 and "1 of 3 cases failed: E2 (ValueError: a bug)" in said and list(root.iterdir()) == []
    assert jobs.run(tmp_path / "study", SCRIPT, rule, "none")[0] == 0 and list(root.iterdir()) == []
    results = tmp_path / "study/results"
    assert len(jobs.whole(results)) == 2 * 3 + 1
    assert all(str(root).encode() not in content for content in jobs.tree(results).values())


def test_a_scratch_on_a_disk_that_is_unmounted_is_noticed(tmp_path):
    living, its = hold(tmp_path)
    check_there(its)
    living.kill()
    living.communicate()
    with scratch(str(tmp_path)):
        with pytest.raises(ScratchError, match=f"{its} of .* has gone"):
            check_there(its)
