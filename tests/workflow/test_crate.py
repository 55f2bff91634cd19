"""The crate of a finished study: valid, complete, and enough to say how any file was made."""

import csv
import json
import random
import shutil
from pathlib import Path

import pytest
from crates import Crate, validated

from radparity.code import environment
from radparity.ledger import SUFFIX
from radparity.provenance import Ledger


@pytest.fixture(scope="module")
def project(finished, room):
    project = finished.copy(room / "study")
    code, out = project.snakemake("crate")
    assert code == 0, out[-5000:]
    # Beside the Snakefile the description makes the project's folder the crate.
    shutil.copy(project.folder / "results/crate/ro-crate-metadata.json", project.folder)
    return project


def test_it_passes_the_public_validator_with_every_file_there(project):
    passed, issues = validated(project.folder)
    assert passed, issues


def test_five_answers_for_files_of_every_stage_from_the_crate_alone(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    crate, ledger = Crate("ro-crate-metadata.json"), Ledger()
    files = [path for path in ledger.paths() if Path(path).parts[1] not in ("audit", "crate", "kit")]
    assert set(crate.made) == set(files)
    pins = {environment(path): path for path in Path("envs").glob("*.yaml")}
    generator, asked = random.Random(7), {}
    for path in files:
        asked.setdefault(Path(path).parts[1], []).append(path)
    assert {"intake", "register", "outline", "train", "predict", "compare", "report"} <= set(asked)
    for paths in asked.values():
        for path in generator.sample(paths, min(3, len(paths))):
            answer, entry = crate.answer(path), ledger.entry(path)
            assert answer["code"] == entry["code"]["script"], path
            assert pins[entry["code"]["environment"]].as_posix() == answer["environment"]
            assert answer["versions"] == entry["versions"]
            assert answer["inputs"] == ledger.made_from(path)
            assert answer["raw"] == ledger.raw(path)
            assert answer["params"] == {name: value for name, value in entry["params"].items() if name != "raw"}
            assert answer["seconds"] == [seconds(path, entry)], path


def seconds(path, entry):
    """What Snakemake measured of the job that made a file: found through the lists, not through the crate."""
    wildcards, rule = entry["wildcards"], entry["rule"]
    if not Path(path).name.startswith("batch_"):
        folders = (Path(path).parents[1], Path(path).parent)  # pages of cases have no folder each
        lists = [one for folder in folders for one in folder.glob("batch_*.json")]
        for listed in (one for one in lists if not one.name.endswith(SUFFIX)):
            cases = json.loads(listed.read_text())["cases"].values()
            if any(path == made for case in cases for made, _ in case.values()):
                wildcards = Ledger().entry(listed.as_posix())["wildcards"]
    rule_files = "\n".join(file.read_text() for file in Path("workflow/rules").glob("*.smk"))
    block = rule_files.split(f"rule {rule}:\n")[1]
    pattern = block.split("benchmark:")[1].split('"')[1]
    with open(pattern.format(**wildcards)) as stream:
        (row,) = csv.DictReader(stream, delimiter="\t")
    return row["s"]


def test_it_is_made_once_and_makes_nothing_else_run(project):
    assert project.planned("crate") == []
    assert project.planned() == []
    code, out = project.snakemake("--forcerun", "crate_study", "crate")
    assert code == 0, out[-3000:]
    same = (project.folder / "results/crate/ro-crate-metadata.json").read_bytes()
    assert same == (project.folder / "ro-crate-metadata.json").read_bytes()
