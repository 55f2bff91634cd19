"""The locked plan and the log of looks at the test set."""

import json
import multiprocessing
from pathlib import Path

import pytest

from radparity import plan
from radparity.config import ConfigError
from radparity.plan import Look, add_look, deviations, lock, looks, read_plan, standing

CONTENT = {
    "compare": {"margin": 0.05, "reference": "intersection", "subgroups": []},
    "primary_arm": "unet",
    "test_cases": {"E1L": {"patient": "P1", "R1": "a" * 64}, "E2R": {"patient": "P2", "R1": "b" * 64}},
}


def changed(**compare):
    return CONTENT | {"compare": CONTENT["compare"] | compare}


def look(number, arm="unet"):
    return Look("2026-01-01T00:00:00+00:00", "c" * 40, arm, 2, "", f"scores {number}")


def test_a_plan_is_locked_once_and_read_as_it_was(tmp_path):
    assert read_plan(tmp_path / "plan") is None
    locked = lock(tmp_path / "plan", CONTENT, "2026-01-01", "c1")
    assert read_plan(tmp_path / "plan") == locked
    before = (tmp_path / "plan/plan.json").read_bytes()
    with pytest.raises(ConfigError, match="locked already"):
        lock(tmp_path / "plan", changed(margin=0.1), "2026-01-02", "c2")
    assert (tmp_path / "plan/plan.json").read_bytes() == before


def test_a_plan_that_was_edited_is_refused(tmp_path):
    lock(tmp_path, CONTENT, "2026-01-01", "c1")
    path = tmp_path / "plan.json"
    body = json.loads(path.read_text())
    body["content"]["compare"]["margin"] = 0.2
    path.write_text(json.dumps(body))
    with pytest.raises(ConfigError, match="changed after it was locked"):
        read_plan(tmp_path)
    for torn in ("", "{", "[]", '{"locked": 1}'):
        path.write_text(torn)
        with pytest.raises(ConfigError, match="cannot be read"):
            read_plan(tmp_path)


def test_every_kind_of_difference_is_named(tmp_path):
    locked = lock(tmp_path, CONTENT, "2026-01-01", "c1")
    assert deviations(locked, json.loads(json.dumps(CONTENT))) == []
    assert deviations(locked, changed(margin=0.1)) == ["compare: margin: locked as 0.05, now 0.1"]
    assert deviations(locked, changed(subgroups=["size"])) == ['compare: subgroups: locked as [], now ["size"]']
    cases = {"E2R": {"patient": "P2", "R1": "d" * 64}, "E3L": {"patient": "P3"}}
    said = "\n".join(deviations(locked, CONTENT | {"test_cases": cases}))
    assert "test_cases: E1L: patient: locked as" in said and "now gone" in said
    assert 'test_cases: E2R: R1: locked as "bbbbbbbbbbbb…, now "dddddddddddd…' in said
    assert 'test_cases: E3L: patient: not in the plan, now "P3"' in said


def test_only_the_primary_arm_of_a_plan_locked_before_any_look_is_primary(tmp_path):
    def role(folder, arm="unet", content=CONTENT):
        return standing(folder, arm, "unet", content)["role"]

    early, late = tmp_path / "early", tmp_path / "late"
    assert role(early) == plan.NOT_LOCKED and role(early, "other") == plan.EXPLORATORY
    lock(early, CONTENT, "2026-01-01", "c1")
    assert role(early) == plan.PRIMARY and role(early, "other") == plan.EXPLORATORY
    assert role(early, content=changed(margin=0.2)) == plan.DEVIATES
    add_look(early, look(1))
    assert role(early) == plan.PRIMARY
    add_look(late, look(1))
    assert lock(late, CONTENT, "2026-01-01", "c1").looks_before == 1
    assert role(late) == plan.LOCKED_LATE


def test_looks_count_what_was_new_to_see(tmp_path):
    assert looks(tmp_path) == []
    for number, arm in ((1, "unet"), (1, "unet"), (2, "unet"), (3, "other")):
        add_look(tmp_path, look(number, arm))
    assert len(looks(tmp_path)) == 4 and looks(tmp_path)[2] == look(2)
    assert standing(tmp_path, "unet", "unet", CONTENT)["looks"] == 2
    (tmp_path / "looks.tsv").write_text("when\tcommit\nx\ty\n")
    with pytest.raises(ConfigError, match="is not a look"):
        looks(tmp_path)


def _many(folder: Path, process: int) -> None:
    for number in range(50):
        add_look(folder, look(f"{process}-{number}"))


def test_looks_of_jobs_that_end_at_once_are_all_there(tmp_path):
    context = multiprocessing.get_context("fork")
    jobs = [context.Process(target=_many, args=(tmp_path, number)) for number in range(4)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    found = looks(tmp_path)
    assert sorted(row.scores for row in found) == sorted(f"scores {p}-{n}" for p in range(4) for n in range(50))


def test_the_commit_says_whether_files_were_edited(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert plan.commit() == ""
    settings = ["-c", "user.name=a", "-c", "user.email=a@b.org"]
    (tmp_path / "file").write_text("one")
    for command in (["init", "-q"], ["add", "."], [*settings, "commit", "-qm", "one"]):
        plan.subprocess.run(["git", *command], check=True)
    clean = plan.commit()
    (tmp_path / "file").write_text("two")
    assert len(clean) == 40 and plan.commit() == clean + "+"
