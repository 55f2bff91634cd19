"""Numbers of a real study traced down to its raw data, exams traced up, and a patient who withdraws."""

import csv
import json
import re
import xml.etree.ElementTree
from pathlib import Path

import pytest

MAIN = "results/compare/unet/main.tsv"
OUTSIDE = ("logs", "benchmarks", "raw", "audit", "kit", "crate")


def table(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def ask(project, *arguments):
    code, out = project.call("radparity", *arguments)
    assert code == 0, out
    return out


def traced(project, *arguments):
    """The command's JSON, without what it says of its progress."""
    out = ask(project, "trace", *arguments, "--json")
    return json.loads(out[out.index("{\n") :])


def sources(results, path):
    """What a file was made from, by the plainest reading: every input, of a list all that it lists."""
    note = path.with_name(path.name + ".ledger.json")
    if path.name.startswith("batch_"):
        return {files[0] for case in json.loads(path.read_text())["cases"].values() for files in case.values()}
    return set(json.loads(note.read_text())["inputs"]) if note.is_file() else set()


def everything_above(project, path):
    found, waiting = set(), [path]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += sources(project.folder / "results", project.folder / one)
    return found


def raw_above(project, paths):
    notes = (project.folder / f"{path}.ledger.json" for path in paths)
    entries = [json.loads(note.read_text()) for note in notes if note.is_file()]
    return {path: digest for entry in entries for path, digest in entry["params"].get("raw", {}).items()}


def test_a_number_is_traced_to_the_very_raw_data(finished):
    """Against the sheets, the sweep's table and a walk over the entries of the files that went in."""
    found = traced(finished, MAIN, "--cell", "R2,network_median")
    row = next(row for row in table(finished.folder / MAIN) if row["reference"] == "R2")
    assert (found["cell"]["value"], str(len(found["cell"]["cases"]))) == (row["network_median"], row["n"])
    breasts = {r["breast"]: r for r in table(finished.folder / "resources/demo/breasts.tsv")}
    test = sorted(name for name, r in breasts.items() if r["partition"] == "test")
    assert found["cell"]["cases"] == test and found["cell"]["outlines"] == ["R1", "R3", "R4"]
    swept = {r["path"]: r["digest"] for r in table(finished.folder / "results/raw/digests.tsv")}
    assert found["raw"] and all(raw["digest"] == swept[path] for path, raw in found["raw"].items())

    own = [
        f"results/{stage}/{case}/{file}"
        for case in test
        for stage, file in (("segment/unet", "mask.nii.gz"), ("outline", "outlines.nii.gz"))
    ]
    seen = {
        record: json.loads((finished.folder / f"results/train/unet/{record}/train.json").read_text()) for record in "12"
    }
    learned = {breast for record in seen.values() for breast in record["training"] + record["validation"]}
    by_hand = set().union(*(everything_above(finished, path) for path in own))
    # What every training had at hand through the lists of slabs: only the breasts that it saw are in the number.
    folders = {exams["exam"]: exams["folder"] for exams in table(finished.folder / "resources/demo/exams.tsv")}
    judged = {folders[r["exam"]] for r in breasts.values() if r["partition"] in ("test", "tuning")}
    images = {path for path in found["raw"] if path.startswith("dicom/")}
    assert images == judged | {folders[breasts[name]["exam"]] for name in learned}
    assert images <= set(raw_above(finished, by_hand))
    assert {(n["path"], *n["training"]) for n in found["networks"]} == {
        (f"results/train/unet/{fold}/weights.pt", *sorted(record["training"])) for fold, record in seen.items()
    }


@pytest.mark.parametrize("file", [MAIN, "results/report/index.html", "results/register/E26/registered.nii.gz"])
def test_the_chain_of_any_file_is_that_of_a_walk_over_all_entries(finished, file):
    found = traced(finished, file)
    by_hand = {path for path in everything_above(finished, file) if path.startswith("results/")}
    lists = {path for path in by_hand if Path(path).name.startswith("batch_")}
    counted = sum(stage["files"] for stage in found["stages"].values())
    # By hand everything that a list holds counts, also what was not read: the chain is part of it.
    assert counted <= len(by_hand - lists)
    assert {path: raw["digest"] for path, raw in found["raw"].items()}.items() <= raw_above(finished, by_hand).items()
    if "/register/" in file:
        assert counted == len(by_hand) and list(found["raw"]) == ["dicom/E26"]
    assert found["without_entry"] == []


def test_text_and_picture(finished, tmp_path):
    out = ask(finished, "trace", MAIN, "--cell", "R2,network_median", "--svg", str(tmp_path / "chain.svg"))
    assert all(len(line) <= 100 for line in out.splitlines())
    assert re.search(r"dicom/E31$", out, re.MULTILINE) and "seed 20220105" in out
    xml.etree.ElementTree.parse(tmp_path / "chain.svg")


def test_an_exam_is_traced_up_to_every_file_that_names_it(finished):
    found = traced(finished, "--from", "E31")
    touched = {*found["own"], *found["lists"], *found["shared"]}
    text = (".json", ".tsv", ".html", ".svg")
    for path in (finished.folder / "results").rglob("*"):
        inside = path.relative_to(finished.folder)
        if path.is_file() and path.suffix in text and inside.parts[1] not in OUTSIDE:
            if re.search(r"(?<![A-Za-z0-9-])E31L?(?![A-Za-z0-9-])", path.read_text()):
                assert inside.as_posix().removesuffix(".ledger.json") in touched
    assert found["networks"] == {}  # a test case


def test_a_development_breast_is_traced_to_what_it_was_for_each_network(finished):
    found = traced(finished, "--from", "P04")
    assert found["subject"]["breasts"] == ["E05L"]
    roles = {r["fold"]: r["role"] for r in table(finished.folder / "results/fold/folds.tsv") if r["breast"] == "E05L"}
    said = {path.split("/")[3]: about["breasts"]["E05L"] for path, about in found["networks"].items()}
    assert said == {fold: role.replace("_", " ") for fold, role in roles.items()} and "held out" in said.values()


def test_a_patient_who_withdraws_is_gone_and_the_study_goes_on_without_her(finished, tmp_path):
    """One who was trained on, and one whose breast was judged."""
    project = finished.copy(tmp_path / "study")
    # She has one of the study's two benign breasts; without it a fold has none to train on.
    project.configure(train={"malignant_share": 1.0})
    results, sheets = project.folder / "results", project.folder / "resources/demo"
    before = {path.name: path.read_text() for path in sheets.glob("*.tsv")}
    gone = re.compile(rb"(?<![A-Za-z0-9-])(E16R?|P15|E31L?|P30)(?![A-Za-z0-9-])")
    # Compressed bytes say anything now and then; in weights and arrays names stand in quotes or as members.
    in_binary = re.compile(rb'"(E16R?|P15|E31L?|P30)"|(E16R|E31L)\.npy')

    def letters(path):
        """A file's bytes without the pictures in a page, whose letters say anything too."""
        return re.sub(rb"base64,[A-Za-z0-9+/=]+", b"", path.read_bytes())

    def named():
        places = ("results", ".radparity", ".snakemake")
        files = [path for place in places for path in (project.folder / place).rglob("*") if path.is_file()]
        wanted = {
            path: in_binary if path.suffix in (".gz", ".npy", ".npz", ".pt", ".png", ".pdf") else gone for path in files
        }
        return [path for path in files if wanted[path].search(letters(path)) or gone.search(path.as_posix().encode())]

    there = named()
    assert len(there) > 200 and {".pt", ".npz", ".log", ".html"} <= {path.suffix for path in there}
    listed = ask(project, "forget", "P15")
    assert "Nothing was removed" in listed and "results/train/unet/1/weights.pt" in listed
    assert {path.name: path.read_text() for path in sheets.glob("*.tsv")} == before
    stands = (results / "register/E26/registered.nii.gz").stat().st_mtime_ns
    for patient in ("P15", "P30"):
        said = ask(project, "forget", patient, "--yes")
        assert "radparity sweep" in said
    after = {path.name: path.read_text() for path in sheets.glob("*.tsv")}
    for name, text in before.items():
        kept = [line for line in text.splitlines(keepends=True) if not gone.search(line.encode())]
        assert after[name] == ("".join(kept) if name in ("exams.tsv", "breasts.tsv", "readings.tsv") else text)
    assert not list((project.folder / ".radparity/made/train_fold").glob("*"))

    assert named() == []
    for path in [*project.folder.glob("data/demo/*/E16*"), *project.folder.glob("data/demo/*/E31*")]:
        path.rename(tmp_path / f"{path.parent.name}_{path.name}")
    project.sweep()
    code, out = project.snakemake()
    assert code == 0, out[-5000:]
    assert named() == []
    assert json.loads((results / "audit/audit.json").read_text())["verdict"] == "green"
    assert {r["case"] for r in table(results / "compare/unet/cases.tsv")} == {"E26R"}
    assert "E16R" not in json.loads((results / "train/unet/1/train.json").read_text())["training"]
    assert (results / "register/E26/registered.nii.gz").stat().st_mtime_ns == stands
    assert [r["patient"] for r in table(project.folder / "plan/forgotten.tsv")] == ["P15", "P30"]
    assert project.planned() == []
