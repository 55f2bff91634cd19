"""Cells of the comparison: whose files are in a number; and the chain in text and as a picture."""

import json
import shutil
import xml.etree.ElementTree
from pathlib import Path
from types import SimpleNamespace

import pytest

from radparity import ledger
from radparity.config import ConfigError
from radparity.provenance import Ledger
from radparity.trace import command
from radparity.trace.cell import find
from radparity.trace.chain import chain_of
from radparity.trace.picture import picture
from radparity.trace.text import WIDTH, text

READERS = ["R1", "R2", "R3"]
CASES = ["E1L", "E2R", "E3L"]
MAIN, SCORES = "results/compare/unet/main.tsv", "results/compare/unet/scores.tsv"


def made(path, rule, wildcards=None, inputs=(), content=None, **params):
    """A result with its entry."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(path if content is None else content)
    digests = {name: ledger.digest_file(Path(name)) for name in inputs}
    code = {"script": f"of-{rule}", "environment": "env-one"}
    ledger.sidecar(file).write_text(ledger.dump(ledger.entry(file, rule, wildcards or {}, digests, params, code)))
    return path


def table(*rows):
    return "\n".join("\t".join(row) for row in rows) + "\n"


def case(name, exam):
    """A test case: exam, outlines, mask."""
    intake = made(f"results/intake/{exam}/intake.json", "intake_exam", {"exam": exam}, folder=f"dicom/{exam}",
                  raw={f"dicom/{exam}": f"digest-{exam}"})  # fmt: skip
    files = {reader: f"outlines/{name}_{reader}.nii.gz" for reader in READERS}
    own = {"exam": exam, "outlines": files, "raw": {file: f"digest-{name}-{r}" for r, file in files.items()}}
    record = made(f"results/outline/{name}/outline.json", "outline_case", {"breast": name}, [intake], **own)
    outlines = made(f"results/outline/{name}/outlines.nii.gz", "outline_case", {"breast": name}, [intake], **own)
    weights = "results/train/unet/1/weights.pt"
    predicted = made(f"results/predict/unet/{name}/probability.nii.gz", "predict_case",
                     {"arm": "unet", "breast": name}, [intake, weights])  # fmt: skip
    of = {"arm": "unet", "breast": name}
    mask = made(f"results/segment/unet/{name}/mask.nii.gz", "segment_case", of, [predicted])
    return [record, outlines, mask, made(f"results/segment/unet/{name}/segment.json", "segment_case", of, [predicted])]


@pytest.fixture(autouse=True)
def study(tmp_path, monkeypatch):
    """Three test cases, a network trained on one breast and not on the one that it holds out, and the tables."""
    monkeypatch.chdir(tmp_path)
    slabs = []
    for exam in ("E7", "E8"):
        raw = {f"dicom/{exam}": f"digest-{exam}"}
        intake = made(
            f"results/intake/{exam}/intake.json", "intake_exam", {"exam": exam}, folder=f"dicom/{exam}", raw=raw
        )
        of = {"harmonization": "pre_p95", "breast": f"{exam}L"}
        made(f"results/slab/pre_p95/{exam}L/slab.json", "slab_breast", of, [intake], exam=exam)
        slabs.append(made(f"results/slab/pre_p95/{exam}L/slab.npy", "slab_breast", of, [intake], exam=exam))
    twins = made("results/fold/twins_all.json", "fold_twins", inputs=["results/intake/E7/intake.json"])
    folds = table(("fold", "breast", "role"), ("1", "E7L", "training"), ("1", "E8L", "held_out"))
    partition = made("results/fold/folds.tsv", "fold_partition", content=folds, seed=7)
    of = {"arm": "unet", "fold": "1"}
    made("results/train/unet/1/weights.pt", "train_fold", of, [*slabs, partition], seed=7)
    record = ledger.dump({"training": ["E7L"], "validation": []})
    made("results/train/unet/1/train.json", "train_fold", of, [*slabs, partition], content=record, seed=7)
    inputs = [path for name in CASES for path in case(name, name[:2])] + [twins]
    # Of E3L the reference for R2 is empty: that pair is in no statistic.
    pairs = [
        (name, f"P{name}", reader, "0.5", "0.6", str((name, reader) != ("E3L", "R2")))
        for name in CASES
        for reader in READERS
    ]
    scores = table(("case", "patient", "reference", "dice_network", "dice_reader", "usable"), *pairs)
    rows = [(reference, "3", "0.51", "0.61", "0.04") for reference in ("averaged", *READERS)]
    main = table(("reference", "n", "network_median", "reader_median", "holm_p"), *rows)
    params = {"readers": {"test": READERS}, "patients": {name: f"P{name}" for name in CASES}, "seed": 7}
    made(SCORES, "compare_arm", {"arm": "unet"}, inputs, scores, **params)
    made(MAIN, "compare_arm", {"arm": "unet"}, inputs, main, **params)
    said = {"main": {"network_median": "median Dice of the network"}}
    made("results/compare/unet/columns.json", "compare_arm", {"arm": "unet"}, inputs, ledger.dump(said), **params)
    return tmp_path


def test_a_readers_row_holds_the_outlines_of_the_others_and_his_own_only_where_he_is_judged():
    cell = find(Ledger(), MAIN, "R2,network_median")
    assert (cell.value, cell.meaning) == ("0.51", "median Dice of the network")
    assert (cell.cases, cell.not_in) == (["E1L", "E2R"], ["E3L"])
    assert (cell.network, cell.outlines) == (True, ["R1", "R3"])
    cell = find(Ledger(), MAIN, "R2,reader_median")
    assert (cell.network, cell.outlines, cell.cases) == (False, READERS, ["E1L", "E2R"])
    # How many cases a row has depends on its references alone, and on all cases.
    cell = find(Ledger(), MAIN, "R2,n")
    assert (cell.network, cell.outlines, cell.cases, cell.not_in) == (False, ["R1", "R3"], CASES, [])
    # Adjusted over the rows of all readers.
    cell = find(Ledger(), MAIN, "R2,holm_p")
    assert (cell.network, cell.outlines, cell.cases) == (True, READERS, CASES)
    cell = find(Ledger(), MAIN, "averaged,network_median")
    assert (cell.network, cell.outlines, cell.cases) == (True, READERS, CASES)


def test_a_cases_row_holds_that_case():
    cell = find(Ledger(), SCORES, "E2R/R3,dice_network")
    assert (cell.cases, cell.network, cell.outlines) == (["E2R"], True, ["R1", "R2"])
    cell = find(Ledger(), SCORES, "E2R/R3,usable")
    assert (cell.cases, cell.network, cell.outlines) == (["E2R"], False, ["R1", "R2"])


def test_of_two_raters_a_row_holds_the_outline_that_it_names():
    two, inputs = READERS[:2], [path for name in CASES for path in case(name, name[:2])]
    pairs = [("network", "reference"), ("network", "R1"), ("network", "R2"), ("R1", "R2")]
    rows = [(name, f"P{name}", *pair, "0.5", "True") for name in CASES for pair in pairs]
    scores = table(("case", "patient", "rater", "reference", "dice", "usable"), *rows)
    main = table(("rater", "reference", "n", "mean"), *((*pair, "3", "0.5") for pair in pairs))
    params = {"readers": {"test": two}, "patients": {name: f"P{name}" for name in CASES}}
    for path, content in ((SCORES, scores), (MAIN, main)):
        made(path, "compare_arm", {"arm": "unet"}, inputs, content, **params)
    found = {pair: find(Ledger(), MAIN, f"{'/'.join(pair)},mean") for pair in pairs}
    assert [found[pair].outlines for pair in pairs] == [two, ["R1"], ["R2"], two]
    assert [found[pair].network for pair in pairs] == [True, True, True, False]
    assert find(Ledger(), SCORES, "E2R/network/R2,dice").outlines == ["R2"]


def test_either_order_and_the_beginning_of_a_column_will_do():
    first, *others = (find(Ledger(), MAIN, asked) for asked in ("R2,network_median", "network_median,R2", "network,R2"))
    assert all(cell == first for cell in others)


@pytest.mark.parametrize("asked", ["R9,network_median", "R2,dice", "R2", "", ",", "R2,"])
def test_a_cell_that_is_not_there_is_answered_with_what_there_is(asked):
    with pytest.raises(ConfigError, match="row of averaged, R1, R2, R3 and a column of reference, n, network_median"):
        find(Ledger(), MAIN, asked)


def test_a_row_must_be_the_only_one():
    with pytest.raises(ConfigError, match="E1L/R1, E1L/R2"):
        find(Ledger(), SCORES, "E1L,dice_network")


def test_what_is_no_table_has_no_cells():
    with pytest.raises(ConfigError, match="no table"):
        find(Ledger(), "results/train/unet/1/train.json", "a,b")


def test_a_cells_chain_has_its_cases_and_what_its_networks_saw_and_nothing_else():
    found = chain_of(Ledger(), MAIN, find(Ledger(), MAIN, "R2,network_median"))
    assert found.stages["segment unet"].cases == {"E1L", "E2R"}
    assert found.stages["slab pre_p95"].cases == {"E7L"}  # not the held-out one, which the job had at hand
    assert [(n.training, n.held_out) for n in found.networks] == [(["E7L"], ["E8L"])]
    images = {path for path in found.raw if path.startswith("dicom/")}
    assert images == {"dicom/E1", "dicom/E2", "dicom/E7"} and found.raw["dicom/E7"].digest == "digest-E7"
    whole = chain_of(Ledger(), MAIN)
    assert {path for path in whole.raw if path.startswith("dicom/")} == images | {"dicom/E3", "dicom/E8"}
    # A reader's number needs no network.
    alone = chain_of(Ledger(), MAIN, find(Ledger(), MAIN, "R2,reader_median"))
    assert alone.networks == [] and {p for p in alone.raw if p.startswith("dicom/")} == {"dicom/E1", "dicom/E2"}


def test_the_text_says_number_code_seed_weights_and_raw_data():
    lines = text(chain_of(Ledger(), MAIN, find(Ledger(), MAIN, "R2,network_median"))).splitlines()
    said = "\n".join(lines)
    assert all(len(line) <= WIDTH for line in lines)
    for part in ("row R2, column network_median: 0.51", "outlines in it: R1 R3; not in it", "of-train_fold", "seed 7"):
        assert part in said
    assert f"weights.pt  sha256 {ledger.digest_file(Path('results/train/unet/1/weights.pt'))[:12]}" in said
    outside = [line.split()[-5] for line in lines if line.endswith("(not in the number)")]
    assert outside == ["outlines/E1L_R2.nii.gz", "outlines/E2R_R2.nii.gz"]


def test_the_picture_has_a_box_a_stage_and_is_xml():
    found = chain_of(Ledger(), MAIN, find(Ledger(), MAIN, "R2,network_median"))
    drawn = xml.etree.ElementTree.fromstring(picture(found))
    titles = [e.text for e in drawn.iter("{http://www.w3.org/2000/svg}text") if e.get("font-weight") == "bold"]
    assert titles[0] == "raw data" and titles[1:-1] == list(found.stages) and titles[-1] == "R2, network_median"


def test_a_number_of_a_study_of_masks_is_traced_to_the_files_of_its_cases():
    cases = {name: {"patient": name, "files": {r: f"{name}_{r}.png" for r in READERS}} for name in ("N1", "N2")}
    raw = {file: f"digest of {file}" for about in cases.values() for file in about["files"].values()}
    masks = made("results/masks/masks.npz", "masks_study", cases=cases, raw=raw)
    pairs = [(name, name, reader, str(name == "N1")) for name in cases for reader in READERS[:2]]
    scores = table(("case", "patient", "reference", "usable"), *pairs)
    of = {"readers": {"test": READERS[:2]}}
    made("results/compare/R3/scores.tsv", "masks_compare", {"arm": "R3"}, [masks], scores, **of)
    main = table(("reference", "network_median"), ("averaged", "0.5"), ("R1", "0.6"))
    main = made("results/compare/R3/main.tsv", "masks_compare", {"arm": "R3"}, [masks], main, **of)
    cell = find(Ledger(), main, "R1,network_median")
    assert (cell.cases, cell.not_in, cell.outlines) == (["N1"], ["N2"], ["R2"])
    found = chain_of(Ledger(), main, cell)
    assert {path: one.of for path, one in found.raw.items()} == {path: path[:2] for path in raw}
    said = text(found).split("raw data of the cases of this number: 3 paths")[1]
    assert "N1_R2.png" in said.split("raw data of other cases")[0] and "N1_R1.png  (not in the number)" in said


def asked(file=None, **more):
    options = {"file": file, "cell": None, "svg": None, "json": False, "source": None, "config": "config.yaml"}
    return command.run(SimpleNamespace(**options | more))


def test_the_json_is_the_chain(study):
    found = json.loads(asked(MAIN, cell="R2,network_median", json=True))
    assert found["cell"]["outlines"] == ["R1", "R3"] and found["networks"][0]["training"] == ["E7L"]
    assert found["stages"]["train unet"]["rules"]["train_fold"]["code"] == ["of-train_fold"]
    assert json.loads(asked(str(study / MAIN), json=True))["file"] == MAIN


def test_files_that_are_not_in_the_ledger_are_answered_with_what_to_do():
    Path("README.md").write_text("x")
    Path("results/compare/unet/extra.tsv").write_text("x\n")
    shutil.copytree("results/compare/unet", "results/compare/other")
    for file, said in {
        "README.md": "is no result",
        "results/compare/unet/extra.tsv": "has no ledger entry",
        "results/compare/main.tsv": "Write one of: results/compare/other/main.tsv, results/compare/unet/main.tsv",
        "results/nothing.bin": "no such file",
    }.items():
        with pytest.raises(ConfigError, match=said):
            asked(file)
    with pytest.raises(ConfigError, match="name either a file"):
        asked()
