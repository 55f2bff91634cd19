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


def decided(**on):
    """The content with decisions on its cases: case to verdict and date."""
    cases = json.loads(json.dumps(CONTENT["test_cases"]))
    for case, (verdict, date) in on.items():
        cases[case]["decision"] = {"verdict": verdict, "date": date}
    return CONTENT | {"test_cases": cases}


def test_a_test_case_that_is_taken_out_after_the_lock_is_a_deviation_with_count_and_name(tmp_path):
    def found(content):
        return standing(tmp_path, "unet", "unet", content)

    lock(tmp_path, decided(E2R=("exclude", "2025-12-01")), "2026-01-01T00:00:00+00:00", "c1")
    assert found(decided(E2R=("exclude", "2025-12-01")))["deviations"] == []
    both = decided(E1L=("hold", "2026-01-05"), E2R=("exclude", "2025-12-01"))
    said = "test cases: 1 of 2 concerned by a decision since the plan was locked: E1L (hold)"
    assert found(both)["deviations"] == [said] and found(both)["role"] == plan.DEVIATES
    withdrawn = "test cases: 1 of 2 concerned by a decision since the plan was locked: E2R (decision withdrawn)"
    assert found(CONTENT)["deviations"] == [withdrawn]
    # Once the scores could be seen it says so; other differences stand beside it.
    add_look(tmp_path, Look("2026-01-05T14:00:00+00:00", "c" * 40, "other", 2, "", "scores"))
    late = f"{said}; 1 on the day of the first look (2026-01-05) or later"
    other = "compare: margin: locked as 0.05, now 0.1"
    assert found(both | changed(margin=0.1) | {"test_cases": both["test_cases"]})["deviations"] == [late, other]
    assert found(decided(E1L=("hold", "2026-01-04"), E2R=("exclude", "2025-12-01")))["deviations"] == [said]


def test_without_a_plan_what_leaves_after_the_first_look_is_said(tmp_path):
    def found(**on):
        return standing(tmp_path, "unet", "unet", decided(**on))

    assert found(E1L=("exclude", "2026-01-02"))["deviations"] == []  # nobody had looked
    add_look(tmp_path, look(1))
    assert found(E1L=("exclude", "2025-12-30"))["deviations"] == []
    assert found(E1L=("include", "2026-01-02"))["deviations"] == []
    assert found(E1L=("exclude", "2026-01-02"))["role"] == plan.NOT_LOCKED
    assert found(E1L=("exclude", "2026-01-01"), E2R=("hold", "2026-02-01"))["deviations"] == [
        "test cases: 2 of 2 concerned by a decision since the test cases were looked at: E1L (exclude), E2R (hold);"
        " 2 on the day of the first look (2025-12-31 or 2026-01-01) or later"
    ]


def test_a_case_that_leaves_after_the_look_is_named_wherever_it_was_decided(tmp_path):
    """Seen in New York at eight in the evening, when UTC has the next day, and taken out at nine."""
    add_look(tmp_path, Look("2026-11-23T01:00:00+00:00", "c" * 40, "unet", 2, "", "scores"))
    said = standing(tmp_path, "unet", "unet", decided(E1L=("exclude", "2026-11-22")))["deviations"]
    assert len(said) == 1 and "E1L (exclude); 1 on the day of the first look (2026-11-22 or 2026-11-23)" in said[0]
    assert standing(tmp_path, "unet", "unet", decided(E1L=("exclude", "2026-11-21")))["deviations"] == []


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
