"""The crate: every file's making can be read from it alone, at both levels, and it passes the public validator."""

import json
import os
import shutil
from pathlib import Path

import pytest
from crates import Crate, validated

from radparity import ledger
from radparity.citations import REAL_EXAM
from radparity.code import environment
from radparity.crate.build import build
from radparity.crate.package import dump
from radparity.provenance import Ledger

RULES = {
    "convert_exam": {
        "does": "One volume a phase.",
        "benchmark": "results/benchmarks/convert/{batch}.tsv",
        "log": "results/logs/convert/{batch}.log",
    },
    "compare_arm": {
        "does": "The tables of an arm.",
        "benchmark": "results/benchmarks/compare/{arm}.tsv",
        "log": "results/logs/compare/{arm}.log",
    },
}
CODE = {"script": "0123456789abcdef"}
# What the RECOMMENDED level asks for and a study cannot say: nobody is named, and the project has no public address.
UNMET = {
    "process-run-crate-0.5_8.6": "an agent of each action",
    "process-run-crate-0.5_3.2": "an address of the code",
    "process-run-crate-0.5_5.1": "asked of the classes themselves, met by no crate",
    "ro-crate-1.1_22.2": "an author",
    "ro-crate-1.1_22.3": "a publisher",
    "workflow-ro-crate-1.0_6.1": "a README.md about the crate: the project's is about the project",
    "workflow-ro-crate-1.0_6.2": "the same",
}


def write(path, text):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def publish(path, rule, wildcards, inputs, params, code=None, **more):
    """An output's ledger entry, as a job leaves it."""
    pins = environment(Path("envs/dicom.yaml"))
    entry = ledger.entry(Path(path), rule, wildcards, inputs, params, code or CODE | {"environment": pins})
    ledger.sidecar(Path(path)).write_text(ledger.dump(entry | more))
    return entry["sha256"]


def job(stage, name, seconds):
    write(f"results/benchmarks/{stage}/{name}.tsv", f"s\th:m:s\tmax_rss\n{seconds}\t0:00:01\t61.70\n")
    write(f"results/logs/{stage}/{name}.log", "2026-11-20 23:59:58,001 began\nno date\n2026-11-21 00:01:02,003 done\n")


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A batch of two exams that are converted, and a table made of them."""
    monkeypatch.chdir(tmp_path)
    write("Snakefile", "rule all:\n    input: []\n")
    write("config.yaml", "study: small\n")
    write("envs/dicom.yaml", "dependencies:\n  - python=3.11\n  - pip:\n      - numpy==2.3.5\n")
    write("resources/published.yaml", "dice: 0.77\n")
    cases = {}
    for exam in ("E1", "E2"):
        path = f"results/convert/{exam}/phases.nii.gz"
        write(path, f"phases of {exam}")
        raw = {f"dicom/{exam}": ledger.hashlib.sha256(exam.encode()).hexdigest()}
        digest = publish(path, "convert_exam", {"exam": exam}, {}, {"folder": f"dicom/{exam}", "raw": raw})
        cases[exam] = {"phases": [path, digest]}
    listed = "results/convert/batch_one.json"
    write(listed, json.dumps({"unit": "exam", "cases": cases}))
    made = {"phases": "results/convert/{exam}/phases.nii.gz"}
    params = {"cases": {"E1": {}, "E2": {}}, "files": {}, "made": made, "unit": "exam"}
    digest = publish(listed, "convert_exam", {"batch": "one"}, {}, params)
    write("results/compare/unet/main.tsv", "reference\tdice\n")
    published = {"resources/published.yaml": ledger.digest_file(Path("resources/published.yaml"))}
    params = {"compare": {"margin": 0.05}, "files": {"phases": "convert.phases"}}
    inputs = published | {listed: digest}
    lists = {"lists": {"convert": [listed]}}
    publish("results/compare/unet/main.tsv", "compare_arm", {"arm": "unet"}, inputs, params, **lists)
    job("convert", "one", "2.50")
    job("compare", "unet", "1.25")
    return tmp_path


def made(level="all"):
    about = {"study": "small", "version": "0.1.0", "snakemake": "9.27.1", "given": ["config.yaml"], "rules": RULES}
    environments = {environment(path): path.as_posix() for path in Path("envs").glob("*.yaml")}
    return dump(build(Ledger(), about, ["results/compare/unet/main.tsv"], environments, [REAL_EXAM], level))


def read(text):
    Path("ro-crate-metadata.json").write_text(text)
    return Crate("ro-crate-metadata.json")


@pytest.mark.parametrize("path", ["results/convert/E2/phases.nii.gz", "results/compare/unet/main.tsv"])
def test_what_made_a_file_can_be_read_from_the_crate_alone(study, path):
    answer, known = read(made()).answer(path), Ledger()
    entry = known.entry(path)
    assert answer["environment"] == "envs/dicom.yaml"
    assert (answer["code"], answer["pins"]) == (entry["code"]["script"], entry["code"]["environment"])
    assert answer["versions"] == entry["versions"]
    assert answer["inputs"] == known.made_from(path)
    assert answer["raw"] == known.raw(path)
    assert answer["params"] == {name: value for name, value in entry["params"].items() if name != "raw"}
    assert answer["seconds"] == ["2.50" if "convert" in path else "1.25"]


def test_every_file_has_its_digest_and_size_and_the_days_of_its_job(study):
    crate = read(made())
    for note in Path("results").rglob(f"*{ledger.SUFFIX}"):
        path = note.with_name(note.name.removesuffix(ledger.SUFFIX))
        entity = crate.entities[path.as_posix()]
        assert entity["sha256"] == ledger.digest_file(path)
        assert entity["contentSize"] == str(path.stat().st_size)
        action = crate.made[path.as_posix()]
        assert (action["startTime"], action["endTime"]) == ("2026-11-20", "2026-11-21")


def test_the_same_run_gives_the_same_bytes_wherever_it_lies(study, tmp_path_factory, monkeypatch):
    first = made()
    other = tmp_path_factory.mktemp("elsewhere") / "study"
    shutil.copytree(study, other)
    monkeypatch.chdir(other)
    assert made() == first


def test_the_headline_leaves_the_cases_to_the_list_that_holds_their_digests(study):
    for note in Path("results/convert").glob(f"E*/*{ledger.SUFFIX}"):
        note.write_text("not read")
    crate = read(made("headline"))
    assert not [name for name in crate.entities if "results/convert/E" in name]
    listed = "results/convert/batch_one.json"
    assert crate.entities[listed]["sha256"] == ledger.digest_file(Path(listed))
    answer = crate.answer("results/compare/unet/main.tsv")
    assert answer["inputs"] == Ledger().entry("results/compare/unet/main.tsv")["inputs"]
    assert crate.answer(listed)["seconds"] == ["2.50"]


def test_a_file_that_was_let_go_of_keeps_its_digest_and_is_no_file_of_the_crate(study):
    path = Path("results/convert/E1/phases.nii.gz")
    digest = ledger.digest_file(path)
    note = json.loads(ledger.sidecar(path).read_text())
    ledger.sidecar(path).write_text(ledger.dump(note | {"kept": False}))
    path.unlink()
    crate = read(made())
    assert path.as_posix() not in crate.entities
    assert crate.answer("results/compare/unet/main.tsv")["inputs"][path.as_posix()] == digest
    assert crate.answer(path.as_posix())["seconds"] == ["2.50"]
    assert validated(study)[0]


def test_an_input_that_has_changed_since_is_told_from_the_file_that_lies_there(study):
    was = ledger.digest_file(Path("resources/published.yaml"))
    write("resources/published.yaml", "dice: 0.99\n")
    crate = read(made())
    assert crate.answer("results/compare/unet/main.tsv")["inputs"]["resources/published.yaml"] == was
    assert "resources/published.yaml" not in crate.entities


def test_code_and_pins_that_have_changed_meanwhile_are_two(study):
    path = "results/convert/E1/phases.nii.gz"
    entry = Ledger().entry(path)
    before = {"script": "f" * 16, "environment": "e" * 16}
    publish(path, "convert_exam", {"exam": "E1"}, {}, entry["params"], before)
    crate = read(made())
    assert crate.answer(path)["code"] == "f" * 16
    assert crate.answer(path)["environment"] == f"#environment/{'e' * 16}"
    assert crate.answer("results/convert/E2/phases.nii.gz")["code"] == CODE["script"]


def test_it_passes_the_validator_and_lacks_nothing_that_could_be_said(study):
    for level in ("headline", "all"):
        read(made(level))
        _, issues = validated(study, "RECOMMENDED")
        assert {identifier for identifier, *_ in issues} <= set(UNMET), issues
    assert validated(study)[0]


def test_the_validator_refuses_a_crate_that_lacks_what_the_profile_asks_for_or_a_file(study):
    text = made()
    crate = json.loads(text)
    next(one for one in crate["@graph"] if one["@type"] == "HowToStep").pop("workExample")
    read(json.dumps(crate))
    assert not validated(study)[0]
    read(text)
    os.remove("results/compare/unet/main.tsv")
    assert not validated(study)[0]
