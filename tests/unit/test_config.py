"""The configuration and the sheets refuse what cannot be used, and say what to write instead."""

import copy
import json
from pathlib import Path

import pytest
import yaml

from radparity.__main__ import main, schema
from radparity.arms import arms_of
from radparity.config import ConfigError, load
from radparity.load import load_study
from radparity.sheets import Breast, Exam, Reading, check, read

ROOT = Path(__file__).parents[2]


@pytest.fixture
def raw():
    return yaml.safe_load((ROOT / "config.yaml").read_text())


def refused(raw):
    with pytest.raises(ConfigError) as error:
        load(raw)
    return str(error.value)


def test_the_shipped_configuration_is_good_and_every_key_is_commented(raw):
    assert load(raw).study == "demo"
    for line in (ROOT / "config.yaml").read_text().splitlines():
        assert not line.strip() or "#" in line, f"config.yaml: {line}"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("sede",), 1, "sede is not a key of the configuration. Write instead: seed: 1"),
        (("train", "stesp"), 5, "train: stesp is not a key of the configuration. Write instead: steps: 5"),
        (("arms", "unet", "widht"), 8, "Write instead: width: 8"),
        (("arms", "unet", "channels"), ["t1c", "adc"], "'adc' is not offered"),
        (("arms", "unet", "harmonization"), "pre_p59", "Write instead: harmonization: pre_p95"),
        (("fold", "folds"), "three", "'three' cannot be used here"),
        (("train", "patch"), [19, 60, 60], "write patch: [19, 75, 75]"),
        (("primary_arm",), "paper", "Write one of: unet, fuzzy_c_means"),
        (("primary_arm",), "fuzzy_c_means", "Name a trained arm"),
        (("readers", "test"), [], "at least 1"),
        (("readers", "test"), ["R1", "R2", "R1"], "Every reader has a name of his own"),
        (("compare", "margin"), 0, "compare: margin"),
        (("arms", "unet", "region"), "readers_box", "region is for network: fuzzy_c_means. Leave it out"),
        (("selection",), {"arms": ["unet", "fuzzy_c_means_in_box"]}, "is given the location, so it cannot be ranked"),
    ],
)
def test_a_fault_names_the_key_and_the_mend(raw, path, value, said):
    block = raw
    for part in path[:-1]:
        block = block[part]
    block[path[-1]] = value
    assert said in refused(raw)


ALL = [[0.1, 0.1], [1.0, 1.0]]


@pytest.mark.parametrize(
    ("block", "value", "said"),
    [
        ("selection", {"arms": ["unet", "wnet"]}, "selection: arms: wnet is not an arm. Write one of: unet, "),
        ("selection", {"arms": ["unet"]}, "at least 2"),
        ("selection", {"arms": ["unet", "unet"]}, "selection: arms: a name stands twice"),
        ("selection", {"arms": ["unet", "released"], "repeats": 0}, "selection: repeats"),
        ("learning_curve", {"arm": "wnet", "curves": {"a": ALL}}, "learning_curve: arm: wnet is not an arm"),
        ("learning_curve", {"arm": "fuzzy_c_means", "curves": {"a": ALL}}, "trains no network of ours"),
        ("learning_curve", {"arm": "unet", "curves": {}}, "at least 1"),
        ("learning_curve", {"arm": "unet", "curves": {"a": [[1.0, 1.0]]}}, "write two or more points"),
        ("learning_curve", {"arm": "unet", "curves": {"a": [[0.0, 0.1], [1, 1]]}}, "shares of 0 to 1"),
        ("learning_curve", {"arm": "unet", "curves": {"a": [[0.5, 0.5], [0.4, 1.0]]}}, "smallest part to the largest"),
        ("learning_curve", {"arm": "unet", "curves": {"a": [[0.4, 0.5], [0.5, 0.4]]}}, "smallest part to the largest"),
        ("learning_curve", {"arm": "unet", "curves": {"a": [[1.0, 1.0], [1.0, 1.0]]}}, "a point stands twice"),
        ("learning_curve", {"arm": "unet", "curves": {"a": [[0.0041, 1.0], [1.0, 1.0]]}}, "at most three decimals"),
        ("learning_curve", {"arm": "unet", "curves": {"a": ALL}, "repeats": 2}, "learning_curve: repeats"),
        ("report", {"experiments": ["subgroups"]}, "'subgroups' is not offered"),
    ],
)
def test_experiments_that_cannot_be_run_are_refused(raw, block, value, said):
    raw[block] = value
    assert said in refused(raw)


def test_an_experiment_on_the_page_needs_its_block(raw):
    raw["report"] = {"experiments": ["learning_curve"]}
    load(raw)
    del raw["learning_curve"]
    assert "report: experiments: learning_curve has no block of that name" in refused(raw)


@pytest.mark.parametrize(
    ("own", "what"),
    [("unet_r2", "a repeat of unet in the selection"), ("unet_m1000_b1000_r3", "a point of the learning curve")],
)
def test_a_name_that_an_experiment_needs_is_refused(raw, own, what):
    raw["arms"][own] = {"network": "paper"}
    assert f"arms: the name {own} is needed for {what}. Give the arm of yours another name" in refused(raw)


def test_experiments_add_their_trainings_and_no_others(raw):
    raw["selection"] = {"arms": ["unet", "released", "fuzzy_c_means"], "repeats": 2}
    curves = {"paper": [[0.098, 0.004], [1.0, 1.0]], "fixed_ratio": [[0.5, 0.5], [1.0, 1.0]]}
    raw["learning_curve"] = {"arm": "unet", "curves": curves, "repeats": 3}
    config = load(raw)
    parts = {f"unet_{point}_r{n}" for point in ("m0098_b0004", "m0500_b0500", "m1000_b1000") for n in (1, 2, 3)}
    added = arms_of(config)
    assert set(added) == {"unet_r2", "released_r2"} | parts
    assert added["released_r2"] == config.arms["released"]
    part = added["unet_m0098_b0004_r3"]
    assert (part.subset.malignant, part.subset.benign, part.subset.repeat) == (0.098, 0.004, 3)
    del raw["selection"], raw["learning_curve"]
    assert arms_of(load(raw)) == {}


def test_a_missing_key_is_named(raw):
    del raw["train"]["steps"]
    assert "train: steps is missing. Add a line: steps: ..." in refused(raw)


def test_all_faults_are_told_at_once(raw):
    raw["sede"] = 1
    raw["fold"]["folds"] = 1
    assert len(refused(raw).splitlines()) == 3


def test_more_folds_than_patients_with_cancer(raw, monkeypatch):
    monkeypatch.chdir(ROOT)
    load_study(copy.deepcopy(raw))
    raw["fold"]["folds"] = 99
    with pytest.raises(ConfigError, match="99 folds for 14 development patients with cancer. Write instead: folds: 14"):
        load_study(raw)


def test_fuzzy_c_means_keeps_the_component_of_the_largest_membership(raw, monkeypatch):
    monkeypatch.chdir(ROOT)
    study = load_study(raw)
    assert study.located == ["fuzzy_c_means_in_box"]
    assert study.segmenting("unet") == raw["segment"]
    assert study.segmenting("fuzzy_c_means") == raw["segment"] | {"component": 1.0}


@pytest.mark.parametrize(("kind", "name"), [("exams", "config"), ("masks", "masks")])
def test_the_schemas_are_in_step(kind, name):
    assert (ROOT / f"workflow/schemas/{name}.schema.json").read_text() == schema(kind), (
        f"run: radparity schema --kind {kind} > workflow/schemas/{name}.schema.json"
    )
    assert json.loads(schema(kind))["additionalProperties"] is False


def test_the_command_line_says_what_is_wrong_with_a_file(tmp_path, capsys):
    broken = tmp_path / "config.yaml"
    broken.write_text("study: [demo\n")
    assert main(["sweep", "--config", str(broken)]) == 2
    assert "is not valid YAML" in capsys.readouterr().err
    assert main(["sweep", "--config", str(tmp_path / "none.yaml")]) == 2
    assert "no such file" in capsys.readouterr().err


def sheet(tmp_path, text):
    path = tmp_path / "sheet.tsv"
    path.write_text(text)
    return path


def test_a_sheet_is_read_with_row_numbers(tmp_path):
    path = sheet(
        tmp_path, "breast\texam\tside\tlabel\tpartition\nE1L\tE1\tleft\tbenign\ttest\nE2L\tE2\tLeft\tbenign\ttest\n"
    )
    with pytest.raises(ConfigError, match="row 3, column 'side': 'Left': write 'left' or 'right'"):
        read(path, Breast)


def test_headers_are_checked(tmp_path):
    with pytest.raises(ConfigError, match="column 'folder' is missing; column 'foldr' is not known"):
        read(sheet(tmp_path, "exam\tpatient\tfoldr\nE1\tP1\ta\n"), Exam)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("20190312", "begins with a letter"),
        ("X1234567", "record number"),
        ("Smith", "looks like a name"),
        ("a b", "letters, digits"),
    ],
)
def test_ids_that_give_a_person_away_are_refused(tmp_path, value, said):
    with pytest.raises(ConfigError, match=said):
        read(sheet(tmp_path, f"exam\tpatient\tfolder\nE1\t{value}\ta\n"), Exam)


@pytest.mark.parametrize("path", ["/data/x", "../x", "~/x"])
def test_absolute_paths_are_refused(tmp_path, path):
    with pytest.raises(ConfigError, match="relative to the folder"):
        read(sheet(tmp_path, f"exam\tpatient\tfolder\nE1\tP1\t{path}\n"), Exam)


EXAMS = [Exam(exam="E1", patient="P1", folder="a"), Exam(exam="E2", patient="P1", folder="b")]


def breast(name, exam="E1", side="left", label="malignant", partition="development"):
    return Breast(breast=name, exam=exam, side=side, label=label, partition=partition)


@pytest.mark.parametrize(
    ("breasts", "readings", "said"),
    [
        ([breast("B1", exam="E9")], [], "exam E9 is not in the exams sheet"),
        ([breast("B1"), breast("B1", side="right")], [], "B1 stands in 2 rows"),
        ([breast("B1"), breast("B2")], [("B1", "R6"), ("B2", "R6")], "the left breast of E1 stands already in row 2"),
        ([breast("B1"), breast("B2", exam="E2", partition="test")], [], "A patient belongs to one partition"),
        ([breast("B1")], [("B1", "R6"), ("B9", "R6")], "breast B9 is not in the breasts sheet"),
        ([breast("B1")], [("B1", "R6"), ("B1", "R6")], "R6 has outlined B1 in a row above"),
        ([breast("B1")], [], "B1 is malignant and in development but nobody outlined it"),
        ([breast("B1", label="benign")], [("B1", "R6")], "only malignant breasts are outlined"),
        ([breast("B1", partition="test")], [("B1", "R1")], "B1 \\(test\\) has no row for R2, R3"),
    ],
)
def test_sheets_that_do_not_fit_together(breasts, readings, said):
    rows = [Reading(breast=b, rater=r, file="f") for b, r in readings]
    with pytest.raises(ConfigError, match=said):
        check(EXAMS, breasts, rows, ["R1", "R2", "R3"])
