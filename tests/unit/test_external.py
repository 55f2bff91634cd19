"""External arms: their configuration and sheet, reading and placing of maps, and what a study runs for them."""

import copy
from pathlib import Path

import nibabel
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from test_outline_uptake import CENTRE, NAMES, SPACING
from test_outline_uptake import breast as uptake_breast

from radparity.config import ConfigError, load
from radparity.external import External, check_external, cut, on_section, read_map
from radparity.external_place import misplaced, settle_place
from radparity.load import load_study
from radparity.outline.place import place
from radparity.outline.uptake import check_uptake
from radparity.record import DataFault
from radparity.segment import segment_section
from radparity.sheets import Breast

ROOT = Path(__file__).parents[2]
NATIVE = np.array([[3.0, 0, 0, -20], [0, 0.8, 0, 5], [0, 0, 0.8, -7], [0, 0, 0, 1]])
ARM = {"network": "external", "sheet": "external.tsv"}


@pytest.fixture
def raw():
    return yaml.safe_load((ROOT / "config.yaml").read_text())


@pytest.mark.parametrize(
    ("arm", "said"),
    [
        ({"network": "external"}, "external needs its sheet. Add a line: sheet:"),
        (ARM | {"fraction": 0.5, "absolute": 0.5}, "fraction and absolute are two thresholds. Leave one out"),
        ({"network": "paper", "absolute": 0.5}, "absolute is for network: external. Leave it out"),
        ({"network": "paper", "sheet": "x.tsv"}, "sheet is for network: external. Leave it out"),
        (ARM | {"patch": [19, 43, 43]}, "external takes none"),
        (ARM | {"region": "readers_box"}, "region is for network: fuzzy_c_means"),
    ],
)
def test_an_arm_that_cannot_be_used(raw, arm, said):
    raw["arms"]["theirs"] = arm
    with pytest.raises(ConfigError, match=said):
        load(raw)


def test_an_external_arm_cannot_be_selected_but_may_be_primary(raw):
    raw["arms"]["theirs"] = ARM
    assert load(raw | {"primary_arm": "theirs"}).primary_arm == "theirs"
    raw["selection"]["arms"].append("theirs")
    with pytest.raises(ConfigError, match="theirs was made elsewhere and has no folds"):
        load(raw)


def breast(name, partition="test"):
    return Breast(breast=name, exam="E1", side="left", label="malignant", partition=partition)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("B1", "a"), ("B2", "b"), ("B1", "c")], "row 4: B1 stands already in row 2"),
        ([("B1", "a"), ("B2", "b"), ("B9", "c")], "row 4: breast B9 is not in the breasts sheet"),
        ([("B1", "a")], r"B2 \(tuning\) has no row. Add one: B2\tFILE"),
    ],
)
def test_a_sheet_that_cannot_be_used(rows, said):
    breasts = [breast("B1"), breast("B2", "tuning"), breast("B3", "development")]
    with pytest.raises(ConfigError, match=said):
        check_external("theirs", [External(breast=b, file=f) for b, f in rows], breasts)
    good = check_external("theirs", [External(breast=b, file=b) for b in ("B1", "B2")], breasts)
    assert sorted(good) == ["B1", "B2"]


def write(path, values, affine=NATIVE):
    nibabel.save(nibabel.Nifti1Image(values, affine), path)
    return path


def fault(path):
    with pytest.raises(DataFault) as found:
        read_map(path, (6, 9, 8), NATIVE)
    return found.value.code


def test_faults_of_files(tmp_path):
    good = np.random.default_rng(0).random((6, 9, 8)).astype(np.float32)
    path = write(tmp_path / "good.nii.gz", good)
    assert np.array_equal(read_map(path, (6, 9, 8), NATIVE), good)
    assert fault(tmp_path / "none.nii") == "external_missing"
    (tmp_path / "torn.nii.gz").write_bytes(path.read_bytes()[:200])
    assert fault(tmp_path / "torn.nii.gz") == "external_unreadable"
    assert fault(write(tmp_path / "small.nii", good[1:])) == "external_geometry"
    moved = NATIVE.copy()
    moved[1, 3] += 1
    assert fault(write(tmp_path / "moved.nii", good, moved)) == "external_geometry"
    for values in (good * 255, -good, np.where(good > 0.5, np.nan, good)):
        assert fault(write(tmp_path / "values.nii", values.astype(np.float32))) == "external_values"


def test_a_turned_file_lies_where_the_exam_has_it(tmp_path):
    values = np.random.default_rng(1).random((6, 9, 8)).astype(np.float32)
    flip = np.diag([1.0, -1, 1, 1])
    flip[1, 3] = 8
    path = write(tmp_path / "flipped.nii", np.ascontiguousarray(values[:, ::-1]), NATIVE @ flip)
    assert np.array_equal(read_map(path, (6, 9, 8), NATIVE), values)


@given(st.integers(0, 5), st.integers(1, 3), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_a_mask_is_placed_as_a_readers_outline_is(section, factor, seed):
    drawn = np.zeros((6, 9, 8), bool)
    drawn[section] = np.random.default_rng(seed).random((9, 8)) < 0.4
    drawn[section, 4, 4] = True
    grid, shape = NATIVE.copy(), (6, 9 * factor, 8 * factor)
    grid[:3, 1:3] /= factor
    grid[1:3, 3] += 0.8 * (1 / factor - 1) / 2  # the same field of view
    ours = on_section(drawn.astype(np.float32), NATIVE, grid, shape, section)
    assert np.array_equal(ours > 0, place(drawn, NATIVE, grid, shape, section))
    assert np.array_equal(ours > 0, drawn[section].repeat(factor, 0).repeat(factor, 1))


def test_what_lies_outside_the_exam_is_zero():
    grid = NATIVE.copy()
    grid[1, 3] += 0.8 * 5
    placed = on_section(np.ones((6, 9, 8), np.float32), NATIVE, grid, (6, 9, 8), 2)
    assert placed[:4].all() and not placed[4:].any()


def test_an_absolute_threshold_with_the_component_rule_leaves_nothing_to_decide():
    section = np.zeros((20, 20), np.float32)
    section[2:6, 2:6], section[10:13, 10:13], section[16, 16] = 0.9, 0.6, 0.3
    whole, main = cut(section, 0.5, 0.5), cut(section, 0.5, 0.95)
    assert (whole.sum(), main.sum()) == (25, 16)
    for fraction in (0.05, 0.5, 0.95):
        assert np.array_equal(segment_section(main, fraction, 0.95), main > 0)
        assert np.array_equal(segment_section(whole, fraction, 0.95), whole > 0)
    # Below the threshold everywhere is a miss, where a fraction of the maximum would find something.
    assert not cut(section * 0.5, 0.5, 0.95).any()
    assert cut(np.full((3, 3), 0.5, np.float32), 0.5, 0.95).all()


def suspects(section_map, channels, outlines, section=CENTRE[0]):
    return misplaced(np.asarray(section_map, np.float32), outlines, channels, NAMES, section, SPACING, 0.95)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_a_mirrored_map_is_a_fault_that_a_decision_accepts(seed, axes):
    channels, outlines = uptake_breast(seed)
    mask = outlines[..., 1]
    # A probability map is cut at half of its maximum, whatever that is.
    honest = np.where(mask, 0.4, 0.1)
    assert suspects(honest, channels, outlines) == []
    assert settle_place([], False) == {}
    found = suspects(np.flip(honest, axes), channels, outlines)
    assert len(found) == 1 and "mirrored" in found[0].best.name
    with pytest.raises(DataFault) as fault:
        settle_place(found, False)
    assert fault.value.code == "external_suspect" and found[0].best.name in fault.value.sentence
    (flag,) = settle_place(found, True)["flags"]
    assert flag["code"] == "external_accepted"


@pytest.mark.parametrize("step", [-2, 2])
def test_a_map_that_is_some_sections_off_is_found_where_it_touches_the_readers(step):
    channels, outlines = uptake_breast(radius=5.0)
    elsewhere = np.roll(channels, step, axis=1)
    (found,) = suspects(outlines[..., 1], elsewhere, outlines)
    assert found.best.section == CENTRE[0] + step


def test_a_network_that_marks_the_wrong_tissue_stays_in_the_study():
    """Many another place takes up more than healthy tissue does; that is a failure, not an export."""
    channels, outlines = uptake_breast()
    rows, columns = np.indices(outlines.shape[:2])
    spot = (rows - 12) ** 2 + (columns - 62) ** 2 < 60
    assert not (spot | spot[::-1])[outlines.any(axis=-1)].any()
    channels[:2, :, spot] += 0.8  # something else that takes up contrast, and the wrong mask is its mirror image
    alone = check_uptake(channels, NAMES, spot[::-1, :, None], ["network"], CENTRE[0], SPACING)
    assert any(found.suspect for found in alone), "the uptake alone would take the failure out of the study"
    assert suspects(spot[::-1], channels, outlines) == []


def test_where_nothing_can_be_decided_nothing_is_suspected():
    channels, outlines = uptake_breast()
    flipped = outlines[::-1, ::-1, 1]
    assert suspects(flipped, np.ones_like(channels), outlines) == []
    assert suspects(np.zeros_like(flipped), channels, outlines) == []
    tiny = np.zeros_like(flipped)
    tiny[40, 40] = True
    assert suspects(tiny, channels, outlines) == []


@pytest.fixture
def external(raw, tmp_path, monkeypatch):
    """The demo study with an arm made elsewhere, as primary arm, and nothing that trains."""
    monkeypatch.chdir(ROOT)
    named = load_study(copy.deepcopy(raw))
    rows = [f"{b}\texternal/{b}.nii.gz\tno" for b in named.cases("tuning", "test")]
    other = named.cases("development", label="malignant")[0]
    rows.append(f"{other}\texternal/{other}.nii.gz\tyes")
    rows[-2] = rows[-2].replace("\tno", "\tyes")
    (tmp_path / "external.tsv").write_text("\n".join(["breast\tfile\ttrained_on", *rows]) + "\n")
    raw["arms"] = {"theirs": ARM | {"sheet": str(tmp_path / "external.tsv"), "component": 0.5}}
    raw |= {"primary_arm": "theirs", "selection": None, "learning_curve": None}
    return raw, rows


def test_a_study_with_nothing_of_its_own_to_train(external):
    raw, rows = external
    study = load_study(copy.deepcopy(raw) | {"fold": {"folds": 99}})
    assert (study.compared, study.trained, study.compared_networks) == (["theirs"], {}, [])
    assert {row.split("\t")[1] for row in rows} <= set(study.raw_paths())
    assert study.segmenting("theirs")["component"] == 0.5
    seen = rows[-2].split("\t")[0]
    assert study.external("theirs", seen)["seen"]
    patient = study.patient_of(seen)
    for name in study.cases("tuning", "test"):
        given = study.external("theirs", name)
        assert given["file"] == f"external/{name}.nii.gz"
        assert given["seen"] == (study.patient_of(name) == patient)
    shown = next(b for b in study.breasts if b not in {row.split("\t")[0] for row in rows})
    assert study.external("theirs", shown)["file"] is None


def test_another_breast_of_a_patient_that_training_saw_leaves_too(external):
    raw, rows = external
    study = load_study(copy.deepcopy(raw))
    # By patient, as everywhere in the study: `external_seen` is what the case's record will say.
    one, other = study.cases("test")[:2]
    joined = study.__class__(**{**vars_of(study), "exams": merged_exams(study, one, other)})
    joined.externals["theirs"][one] = External(breast=one, file="x.nii.gz", trained_on="yes")
    assert joined.external("theirs", other)["seen"]


def vars_of(study):
    names = ("config", "exams", "breasts", "readings", "decisions", "externals")
    return {name: getattr(study, name) for name in names}


def merged_exams(study, one, other):
    exam, same = study.exams[study.exam_of(other)], study.exams[study.exam_of(one)].patient
    return study.exams | {exam.exam: exam.model_copy(update={"patient": same})}
