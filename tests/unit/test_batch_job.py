"""Batches: who is in which; what is made again and what stands; what a bug, a kill and a failing disk leave."""

import hashlib
import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import dicoms
import jobs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radparity.batches import Batches
from radparity.convert import convert_phase
from radparity.download.note import Arrived, Note, write_note
from radparity.frames import Image
from radparity.record import DataFault

IDS = st.sets(st.from_regex(r"P[0-9]{1,4}", fullmatch=True), min_size=1, max_size=60)


@given(IDS, IDS, st.data(), st.integers(1, 9))
def test_a_patients_batch_depends_on_the_others_through_their_number_only(one, other, data, size):
    shared = data.draw(st.sampled_from(sorted(one)))
    other = other | {shared}
    judged = data.draw(st.booleans())
    first, second = (Batches(p, p if judged else set(), size).of(shared) for p in (one, other))
    number, of = first.split("_")[1:][0], first.rpartition("_of_")[2]
    if of == second.rpartition("_of_")[2]:
        assert first == second
    smaller, larger = sorted((int(of), int(second.rpartition("_of_")[2])))
    assert larger % smaller == 0 and 1 <= int(number) <= int(of)
    positions = {int(name.rpartition("_of_")[2]): int(name.split("_")[1]) - 1 for name in (first, second)}
    assert positions[larger] % smaller == positions[smaller]


@given(IDS, st.data(), st.integers(1, 9))
def test_judged_and_development_patients_never_share_a_batch(patients, data, size):
    judged = data.draw(st.sets(st.sampled_from(sorted(patients))))
    batches = Batches(patients, judged, size)
    names = {patient: batches.of(patient) for patient in patients}
    assert {names[p] for p in judged}.isdisjoint(names[p] for p in patients - judged)
    # And more patients to be judged leave those alone that a network is trained on.
    fewer = Batches(patients - judged, set(), size)
    assert all(fewer.of(p) == names[p] for p in patients - judged)


@given(IDS, st.integers(1, 9))
def test_where_batches_double_each_is_halved(patients, size):
    many = patients | {f"{p}-{n}" for p in patients for n in range(7)}
    before, after = Batches(patients, set(), size), Batches(many, set(), size)
    together = {}
    for patient in patients:
        together.setdefault(after.of(patient), set()).add(before.of(patient))
    assert all(len(names) == 1 for names in together.values())


EXAMS = ("E1", "E2", "E3", "E4", "E5")
# What each case is worked on stands in made.txt; a file faults/<case> says what befalls it.
SCRIPT = """
import hashlib, os, random, shutil, subprocess
from pathlib import Path
from radparity.batch_job import case_job

def content(run):
    given = [Path(p).read_bytes() for p in run.inputs("source")] + [Path("in.txt").read_bytes()]
    seed = hashlib.sha256(b"".join(given) + json.dumps([run.name, run.params], sort_keys=True).encode()).digest()
    return random.Random(seed).randbytes(300_000)

def work(run):
    with open("made.txt", "a") as stream:
        stream.write(f"{run.name}\\n")
    whole, fault = content(run), Path("faults", run.name)
    how = fault.read_text() if fault.is_file() else "well"
    with run.output["data"].open("wb") as stream:
        stream.write(whole[:150_000])
        stream.flush()
        if how == "killed":
            os.kill(os.getpid(), 9)
        if how == "bug":
            raise ValueError("a bug")
        if how == "memory":
            bytearray(10**17)
        if how == "no scratch":
            shutil.rmtree(snakemake.config["scratch"])
        if how == "unreadable":
            raise PermissionError(13, "Permission denied", "/raw/of/this/exam")
        stream.write(whole[150_000:])
    if how == "read-only":
        subprocess.run(["mount", "-o", "remount,ro", "results"], check=True)
    return {"bytes": len(whole)}

case_job(snakemake, "make", work)
"""


def rule(cases=EXAMS, log="job.log", **about):
    """The rule of a stage that makes an exam's data from nothing but its name and params."""
    own = cases if isinstance(cases, dict) else {case: {"level": 1} for case in cases}
    made = {"record": "results/make/{exam}/make.json", "data": "results/make/{exam}/data.bin"}
    params = {"unit": "exam", "cases": own, "files": {}, "made": made, "code": "1"}
    wildcards, output = {"batch": "one"}, {"batch": "results/make/batch_one.json"}
    common = {"rule": "make_exam", "wildcards": wildcards, "output": output, "params": params, "log": log}
    return common | {"input": {"plain": "in.txt"}} | about


def breasts(cases, **params):
    """The rule of a stage that makes a breast's data from its exam's."""
    made = {"record": "results/use/{breast}/use.json", "data": "results/use/{breast}/data.bin"}
    files = {"record": "make.record", "source": "make.data"}
    return {
        "rule": "use_breast",
        "wildcards": {"batch": "one"},
        "input": {"make": ["results/make/batch_one.json"], "plain": "in.txt"},
        "output": {"batch": "results/use/batch_one.json"},
        "params": {"unit": "breast", "cases": cases, "files": files, "made": made, "code": "1"} | params,
    }


class Folder:
    """A study of one or two stages."""

    def __init__(self, path):
        self.path = path
        path.mkdir(exist_ok=True)
        (path / "in.txt").write_text("source")

    def run(self, of=None):
        """Exit status and words; what was worked on is `made` afterwards."""
        (self.path / "made.txt").write_text("")
        found = jobs.run(self.path, SCRIPT, of or rule())
        self.made = (self.path / "made.txt").read_text().split()
        return found

    def fault(self, case, how):
        (self.path / "faults").mkdir(exist_ok=True)
        (self.path / "faults" / case).write_text(how)

    def mend(self):
        shutil.rmtree(self.path / "faults")

    @property
    def whole(self):
        return jobs.whole(self.path / "results")

    @property
    def tree(self):
        return jobs.tree(self.path / "results")


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "study")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What a run leaves that nothing befalls."""
    study = Folder(tmp_path_factory.mktemp("undisturbed") / "study")
    assert study.run()[0] == 0 and study.made == list(EXAMS)
    return study.tree


def test_what_stands_is_not_made_again_and_the_list_is_the_same(folder, undisturbed):
    assert folder.run()[0] == 0 and folder.run()[0] == 0 and folder.made == []
    assert folder.tree == undisturbed and len(undisturbed) == 4 * len(EXAMS) + 2


def changed(name):
    """A rule with one thing changed about E3, or about all."""
    if name == "params":
        return rule({case: {"level": 2 if case == "E3" else 1} for case in EXAMS})
    of = rule()
    if name == "code":
        of["params"]["code"] = "2"
    if name == "outputs":
        of["params"]["made"] |= {"data": "results/make/{exam}/other.bin"}
    return of


@pytest.mark.parametrize(
    ("name", "again"), [("params", ["E3"]), ("code", list(EXAMS)), ("outputs", list(EXAMS)), ("nothing", [])]
)
def test_a_change_makes_exactly_the_cases_that_it_concerns(folder, tmp_path, name, again):
    assert folder.run()[0] == 0 and folder.run(changed(name))[0] == 0 and folder.made == again
    fresh = Folder(tmp_path / "fresh")
    assert fresh.run(changed(name))[0] == 0
    assert {n: folder.tree[n] for n in fresh.tree} == fresh.tree


def test_another_version_of_a_package_makes_the_case_again(folder, undisturbed):
    folder.run()
    note = folder.path / "results/make/E2/data.bin.ledger.json"
    entry = json.loads(note.read_text())
    note.write_text(json.dumps(entry | {"versions": entry["versions"] | {"python": "3.0.0"}}))
    assert folder.run()[0] == 0 and folder.made == ["E2"] and folder.tree == undisturbed


def test_a_file_or_entry_that_is_gone_or_broken_makes_the_case_again(folder, undisturbed):
    folder.run()
    results = folder.path / "results/make"
    (results / "E1/data.bin").unlink()
    (results / "E2/data.bin.ledger.json").unlink()
    (results / "E3/make.json.ledger.json").write_text("{")
    assert folder.run()[0] == 0 and folder.made == ["E1", "E2", "E3"] and folder.tree == undisturbed


def test_a_changed_exam_makes_its_breasts_again_and_no_others(folder):
    own = {"E1L": {"exam": "E1"}, "E1R": {"exam": "E1"}, "E3L": {"exam": "E3"}, "E4R": {"exam": "E4"}}
    assert folder.run()[0] == 0 and folder.run(breasts(own))[0] == 0 and folder.made == list(own)
    folder.run(rule({case: {"level": 2 if case == "E1" else 1} for case in EXAMS}))
    assert folder.run(breasts(own))[0] == 0 and folder.made == ["E1L", "E1R"]
    (folder.path / "in.txt").write_text("another source")
    assert folder.run(breasts(own))[0] == 0 and folder.made == list(own)


def test_an_exam_and_a_breast_of_the_same_name_are_not_confused(folder):
    own = {"E1": {"exam": "E2"}, "E2": {"exam": "E1"}, "E3": {"exam": "E3"}}
    assert folder.run()[0] == 0 and folder.run(breasts(own))[0] == 0
    for breast, about in own.items():
        entry = json.loads((folder.path / f"results/use/{breast}/data.bin.ledger.json").read_text())
        exams = {Path(path).parent.name for path in entry["inputs"] if "/" in path}
        assert exams == {about["exam"]}


def test_a_bug_in_one_case_leaves_the_others_made_and_the_job_red(folder, undisturbed):
    folder.fault("E2", "bug")
    folder.fault("E4", "unreadable")
    code, said = folder.run()
    assert code != 0 and "2 of 5 cases failed: E2 (ValueError: a bug); E4 (PermissionError" in said
    assert folder.made == list(EXAMS) and folder.whole == {f"make/{e}/{f}" for e in ("E1", "E3", "E5") for f in FILES}
    assert not list(folder.path.rglob(".writing-*"))
    folder.mend()
    assert folder.run()[0] == 0 and folder.made == ["E2", "E4"] and folder.tree == undisturbed


FILES = ("make.json", "data.bin")


def test_no_memory_stops_at_once(folder, undisturbed):
    folder.fault("E3", "memory")
    code, said = folder.run()
    assert code != 0 and "MemoryError" in said and folder.made == ["E1", "E2", "E3"]
    folder.mend()
    assert folder.run()[0] == 0 and folder.made == ["E3", "E4", "E5"] and folder.tree == undisturbed


@pytest.mark.parametrize("scratch", [False, True])
def test_a_killed_batch_goes_on_where_it_was(folder, undisturbed, scratch):
    folder.fault("E3", "killed")
    of = rule(config={"scratch": str(folder.path.parent)} if scratch else {})
    assert folder.run(of)[0] == -signal.SIGKILL
    assert folder.whole == {f"make/{e}/{f}" for e in ("E1", "E2") for f in FILES}
    folder.mend()
    assert folder.run(of)[0] == 0 and folder.made == ["E3", "E4", "E5"] and folder.tree == undisturbed
    assert list(folder.path.parent.iterdir()) == [folder.path]


@pytest.mark.parametrize("scratch", [False, True])
def test_killed_at_any_moment_it_leaves_whole_files_only(folder, undisturbed, scratch):
    of = rule(config={"scratch": str(folder.path.parent)} if scratch else {})
    # From before the first case to after the last: a run of this takes about a third of a second after its start.
    for number in range(12):
        process = jobs.start(folder.path, SCRIPT, of)
        while process.poll() is None and not (folder.path / "job.log").is_file():
            time.sleep(0.005)
        time.sleep(0.01 * number)
        process.kill()
        process.communicate()
        assert all(folder.tree[name] == undisturbed[name] for name in folder.whole)
        (folder.path / "job.log").unlink(missing_ok=True)
    assert folder.run(of)[0] == 0 and folder.tree == undisturbed and list(folder.path.parent.iterdir()) == [folder.path]


@pytest.fixture
def small_disk(folder):
    """`results` on a disk of one megabyte of its own; a function that mounts it anew with options."""
    results = folder.path / "results"
    results.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(results)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"needs the right to mount a small disk: {mounted.stderr.strip()}")
    yield lambda options: subprocess.run(["mount", "-o", f"remount,{options}", str(results)], check=True)
    subprocess.run(["umount", "-l", str(results)], check=True)


# Snakemake's logs lie on the same disk; those of some clusters do not.
@pytest.mark.parametrize("log", ["results/logs/make.log", "job.log"])
@pytest.mark.parametrize("scratch", [False, True])
def test_a_full_disk_is_said_and_leaves_whole_files_only(folder, small_disk, undisturbed, log, scratch):
    of = rule(log=log, config={"scratch": str(folder.path.parent)} if scratch else {})
    code, said = folder.run(of)
    assert code != 0 and "a disk is full. Make room, then call Snakemake again" in said
    assert f"results {folder.path}/results/make (0.0" in said and "GB free" in said
    # It stops at once: what does not fit now does not fit for the next case.
    assert len(folder.made) < len(EXAMS) and folder.whole and len(folder.whole) == 2 * (len(folder.made) - 1)
    assert not list((folder.path / "results/make").rglob(".writing-*"))
    small_disk("size=8m")
    before = len(folder.made)
    assert folder.run(of)[0] == 0 and folder.made == list(EXAMS[before - 1 :])
    assert folder.tree == undisturbed


def test_a_disk_that_turns_read_only_is_said_and_leaves_whole_files_only(folder, small_disk, undisturbed):
    small_disk("size=8m")
    folder.fault("E3", "read-only")
    code, said = folder.run()
    assert code != 0 and "a disk is mounted read-only. Have it mounted for writing again" in said
    assert folder.made == ["E1", "E2", "E3"]
    assert folder.whole == {f"make/{e}/{f}" for e in ("E1", "E2") for f in FILES}
    # The next job cannot even open its log there.
    code, said = folder.run(rule(log="results/logs.log"))
    assert code != 0 and "mounted read-only" in said and "results/logs.log" in said and folder.made == []
    small_disk("rw")
    folder.mend()
    assert folder.run()[0] == 0 and folder.made == ["E3", "E4", "E5"] and folder.tree == undisturbed


def test_scratch_that_vanishes_is_said_and_leaves_whole_files_only(folder, undisturbed, tmp_path):
    of = rule(config={"scratch": str(tmp_path / "scratch")})
    code, said = folder.run(of)
    assert code != 0 and f"cannot work in {tmp_path}/scratch" in said and "No such file" in said and not folder.made
    (tmp_path / "scratch").mkdir()
    folder.fault("E3", "no scratch")
    code, said = folder.run(of)
    assert code != 0 and "has gone while this job worked in it" in said and folder.made == ["E1", "E2", "E3"]
    assert folder.whole == {f"make/{e}/{f}" for e in ("E1", "E2") for f in FILES}
    folder.mend()
    (tmp_path / "scratch").mkdir()
    assert folder.run(of)[0] == 0 and folder.made == ["E3", "E4", "E5"] and folder.tree == undisturbed
    assert list((tmp_path / "scratch").iterdir()) == []


def test_full_scratch_is_said_and_where_it_was_written_does_not_show(folder, small_disk, undisturbed, tmp_path):
    scratch = folder.path / "results"  # the small disk, here as scratch
    small_disk("size=200k")
    of = rule(config={"scratch": str(scratch)})
    of["params"]["made"] = {k: v.replace("results", "kept") for k, v in of["params"]["made"].items()}
    of["output"] = {"batch": "kept/make/batch_one.json"}
    code, said = folder.run(of)
    assert code != 0 and "a disk is full" in said and f"temporary files {scratch}/radparity-" in said
    assert folder.made == ["E1"] and jobs.whole(folder.path / "kept") == set() and list(scratch.iterdir()) == []
    # Room for one case at a time is enough.
    small_disk("size=400k")
    assert folder.run(of)[0] == 0 and folder.made == list(EXAMS)
    data = {name: content for name, content in jobs.tree(folder.path / "kept").items() if name.endswith("data.bin")}
    assert data == {name: undisturbed[name] for name in data} and len(data) == len(EXAMS)


def test_a_full_disk_under_the_converter_is_no_fault_of_the_exam(small_disk, folder, tmp_path, monkeypatch):
    images = []
    for number in range(12):
        path = tmp_path / f"{number}.dcm"
        pixels = np.random.default_rng(number).integers(0, 4000, (64, 64))
        dicoms.write_image(path, pixels, position=(number * 3.0, 0, 0), instance=number + 1)
        images.append(Image(path, None))
    monkeypatch.setattr("tempfile.tempdir", str(folder.path / "results"))
    assert convert_phase(images, (12, 64, 64))[0].shape == (12, 64, 64)
    small_disk("size=50k")
    with pytest.raises(OSError, match="No space left"):
        try:
            convert_phase(images, (12, 64, 64))
        except DataFault as fault:
            pytest.fail(f"the exam would be excluded: {fault}")


RAW = """
from pathlib import Path
from radparity.batch_job import case_job
from radparity.record import DataFault

def work(run):
    if not list(Path(snakemake.config["raw"], run.params["folder"]).glob("*")):
        raise DataFault("no_dicom", "the folder holds no image")
    return {}

case_job(snakemake, "intake", work)
"""


def test_raw_data_that_was_unmounted_is_no_fault_of_the_exams(tmp_path):
    for exam in ("E1", "E2"):
        (tmp_path / "raw" / exam).mkdir(parents=True)
    (tmp_path / "raw/E1/image").write_text("image")
    swept = {"E1": "a digest", "E2": "a digest", "E3": "missing"}
    cases = {exam: {"folder": exam, "raw": {exam: digest}} for exam, digest in swept.items()}
    of = rule(cases, config={"raw": "raw"}, input={})
    of["params"]["made"] = {"record": "results/intake/{exam}/intake.json"}
    (tmp_path / "raw").rename(tmp_path / "unmounted")
    code, said = jobs.run(tmp_path, RAW, of)
    assert code != 0 and "the sweep saw this, and it is not there" in said and "a disk has gone" in said
    assert jobs.whole(tmp_path / "results") == set()
    (tmp_path / "unmounted").rename(tmp_path / "raw")
    assert jobs.run(tmp_path, RAW, of)[0] == 0
    # What the sweep saw missing, or empty, is the exam's own fault.
    records = {e: json.loads((tmp_path / f"results/intake/{e}/intake.json").read_text()) for e in swept}
    assert {e: r.get("code") for e, r in records.items()} == {"E1": None, "E2": "no_dicom", "E3": "no_dicom"}


def test_a_downloaded_file_that_has_gone_is_no_fault_of_the_exam_though_its_folder_stands(tmp_path):
    folder = tmp_path / "raw/E1/segmentation"
    folder.mkdir(parents=True)
    came = {"one.dcm": Arrived(3, "a" * 64, "etag", "size")}
    write_note(folder.parent, Note({"segmentation": "s3://b/one/"}, {"segmentation": came}))
    name = "E1/segmentation"
    of = rule({"E1": {"folder": name, "raw": {name: "a digest"}}}, config={"raw": "raw"}, input={})
    of["params"]["made"] = {"record": "results/intake/{exam}/intake.json"}
    code, said = jobs.run(tmp_path, RAW, of)
    assert code != 0 and "1 of the 1 files of E1/segmentation" in said and "radparity redo download E1" in said
    assert jobs.whole(tmp_path / "results") == set()


@settings(max_examples=3, deadline=None)
@given(order=st.permutations(EXAMS))
def test_the_order_of_cases_does_not_matter(tmp_path_factory, order):
    study = Folder(tmp_path_factory.mktemp("order") / "study")
    assert study.run(rule(order))[0] == 0 and study.made == order
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in study.tree.items()}
    assert study.run()[0] == 0 and study.made == []
    assert {n: hashlib.sha256(c).hexdigest() for n, c in study.tree.items() if n.startswith("make/E")} == {
        n: d for n, d in digests.items() if n.startswith("make/E")
    }
