"""The methods paragraphs: each sentence follows the configuration, and none speaks of what the study does not do."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from radparity.citations import ARCHIVE, REAL_EXAM
from radparity.cohort.sources import read_sources
from radparity.config import ConfigError, load
from radparity.report.data_page import sources_table
from radparity.report.flow import Outcome
from radparity.report.methods import methods
from radparity.report.results import STAGES, Breast, Results
from radparity.report.software import Used

ROOT = Path(__file__).parents[2]
SOFTWARE = [
    Used("register", (("antspyx", "0.6.3"), ("numpy", "2.3.5"), ("python", "3.11.7")), "cpu", ("register",)),
    Used("train", (("numpy", "2.4.0"), ("python", "3.11.7"), ("torch", "2.13.0")), "cpu", ("train",)),
]
SHEET = [
    *(Breast(f"D{n}L", f"D{n}", f"P{n}", "left", "malignant", "development") for n in range(3)),
    Breast("D9R", "D9", "P9", "right", "benign", "development"),
    Breast("U1L", "U1", "P11", "left", "malignant", "tuning"),
    Breast("T1L", "T1", "P12", "left", "malignant", "test"),
    Breast("T2L", "T2", "P13", "left", "malignant", "test"),
]
SHAPE = {"width": 8, "mask_prior": True, "coordinates": True}


def configuration(**changes):
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    raw["arms"] = {name: raw["arms"][name] for name in ("unet", "fuzzy_c_means")}
    raw |= {"selection": None, "learning_curve": None}
    for name, block in changes.items():
        if name in raw["arms"]:
            raw["arms"][name] = block
        elif isinstance(block, dict):
            raw[name] = raw[name] | block
        else:
            raw[name] = block
    return load(raw).model_dump(mode="json", by_alias=True, exclude={"raw", "sheets"})


def written(
    sheet=SHEET, out=(), plane="sagittal", shape=SHAPE, ways=("best", "best", "best"), sources=(), pilot=None, **changes
):
    config = configuration(**changes)
    trained = config["arms"]["unet"]["network"] not in ("external", "nnunet")
    training = {
        ("unet", str(fold)): {"selected": way, "architecture": shape, "parameters": 12345}
        for fold, way in enumerate(ways, 1)
        if trained
    }
    records = {stage: {} for stage in STAGES}
    records["intake"] = {b.exam: {"status": "ok", "plane": plane} for b in sheet}
    results = Results(
        config=config,
        breasts=list(sheet),
        records=records,
        compare={arm: {"main": pd.DataFrame()} for arm in ("unet", "fuzzy_c_means")},
        curves={},
        training=training,
        fractions={"unet": {"fraction": 0.35, "curve": [1], "cases": ["U1L"]}},
        images={},
        verify={},
        published={},
        files={},
        sources=list(sources),
        pilot=pilot,
    )
    ends = [Outcome("excluded", "convert", "unread", breast=b) if b.breast in out else Outcome(breast=b) for b in sheet]
    exams = {b.exam: "excluded" if b.breast in out else "ok" for b in sheet}
    return methods(results, ends, exams, SOFTWARE)


def text(**changes):
    return " ".join(said for _, said in written(**changes).paragraphs)


EXTERNAL = {"network": "external", "sheet": "resources/theirs.tsv"}
SAID = [
    ({}, ["symmetric normalization", "0.6.3", "40, 20 and 4", "2.1 mm", "splines"], ["affine", "greedy", "STAPLE"]),
    (
        {"register": {"method": "off"}},
        ["Phases were not registered."],
        ["onto the first", "ANTs", "splines", "grid of", "normalized in"],
    ),
    ({"register": {"method": "affine"}}, ["an affine transform (ANTsPy 0.6.3"], ["symmetric", "iterations from"]),
    ({"register": {"engine": "greedy"}}, ["greedy diffeomorphic", "60, 40 and 20"], ["ANTs", "symmetric", "Avants"]),
    ({"register": {"window_mm": 0.0}}, ["splines"], ["normalized in a window"]),
    (
        {"mask": {"method": "network"}},
        ["trained on given masks for 25,000 steps"],
        ["without training, from the chest"],
    ),
    ({"mask": {"method": "network", "weights": "w.pt"}}, ["weights were given"], ["trained on given", "chest wall"]),
    ({"mask": {"fat": "dark"}}, ["taken to be suppressed"], ["found from the image"]),
    ({"harmonize": {"in_plane": "off"}}, ["at the in-plane resolution of the exam"], ["halved"]),
    ({"harmonize": {"in_plane": 0.5}}, ["resampled in plane to 0.5 mm"], ["halved"]),
    ({"harmonize": {"dce_in": "rate"}}, ["per second)"], ["minus the one before"]),
    ({"harmonize": {"dce_in": "rate", "divisors": "published"}}, ["authors' code"], ["One divisor a channel"]),
    ({"harmonize": {"times_unknown": "assume", "assumed_interval_s": 90.0}}, ["90 s apart"], []),
    ({"plane": "axial"}, ["sagittal sections of about 3 mm"], []),
    ({}, [], ["sagittal", "told no times"]),
    ({"unet": {"network": "paper", "channels": ["t1c"]}}, ["first phase after contrast"], ["DCE-", "T2"]),
    ({"unet": {"network": "paper", "channels": ["t1c", "t2"]}}, ["contrast and T2"], ["DCE-"]),
    ({"unet": {"network": "paper", "harmonization": "zscore"}}, ["standard deviation"], ["95th percentile"]),
    ({"unet": {"network": "deepmedic"}}, ["DeepMedic [", "Kamnitsas"], ["as published"]),
    ({"unet": {"network": "unet2d"}}, ["two-dimensional U-Net"], ["19 × 59", "Kamnitsas"]),
    ({"shape": SHAPE | {"mask_prior": False}}, ["the place in the breast entered"], ["the breast mask and"]),
    ({"shape": SHAPE | {"mask_prior": False, "coordinates": False}}, ["12,345 trainable"], ["further input"]),
    ({"fuzzy_c_means": {"network": "nnunet"}}, ["nnU-Net [", "Isensee"], ["fuzzy c-means"]),
    (
        {"fuzzy_c_means": {"network": "fuzzy_c_means", "region": "readers_box"}},
        ["fuzzy c-means in a box around the readers' outlines (fuzzy_c_means)"],
        ["nnU-Net"],
    ),
    (
        {"unet": EXTERNAL},
        ["trained elsewhere"],
        ["folds", "Adam", "PyTorch", "steps on minibatches", "channels are", "divisor", "were kept:"],
    ),
    ({"unet": EXTERNAL | {"absolute": 0.5}}, ["where the map reaches 0.5."], ["tuned for", "fixed beforehand"]),
    ({"fold": {"unit": "breast", "folds": 2}}, ["by breast into 2 folds"], ["by patient"]),
    ({"fold": {"validation": 0.0}}, ["folds"], ["were kept for inner validation"]),
    ({"train": {"schedule": "cosine"}}, ["along a cosine"], []),
    ({"train": {"flip_share": 0.0}}, ["had cancer"], ["flipped", "cosine"]),
    ({"train": {"precision": "bfloat16"}}, ["trained in bfloat16"], ["predicted in"]),
    ({"ways": ("last", "last", "last")}, ["The last weights were kept"], ["highest Dice"]),
    ({"ways": ("best", "last", "last")}, ["In 1 of 3 trainings"], []),
    ({"predict": {"precision": "bfloat16"}}, ["predicted in bfloat16"], ["trained in"]),
    ({"predict": {"extent": "volume"}}, ["in the whole volume"], ["on the section that the readers had"]),
    ({"segment": {"fraction": 0.5}}, ["reaches 0.5 of the section's maximum, fixed beforehand"], ["tuned for"]),
    ({}, ["0.35, tuned for Dice on 1 tuning case"], ["fixed beforehand"]),
    ({"compare": {"reference": "staple"}}, ["STAPLE found", "Warfield"], ["all other readers had"]),
    ({"compare": {"reference": "union"}}, ["any of the other readers"], ["all other readers had"]),
    ({"compare": {"empty_reference": "zero"}}, ["empty reference counted 0"], ["left out"]),
    ({"readers": {"anonymous": True}}, ["slots, not for persons"], ["bracket"]),
    ({}, ["bracket between", "explored fuzzy c-means (fuzzy_c_means)"], ["slots"]),
    ({"phantom": None}, ["design of Hirsch"], ["virtual", "phantom"]),
    ({}, ["virtual exams (phantoms)", "nothing measured here is a clinical result"], ["real exam"]),
    ({"release": "R1"}, ["the exams of release R1 only"], []),
    ({}, [], ["the exams of release"]),
    ({"eligible": []}, ["7 exams of 7 patients"], ["eligibility"]),
    ({}, ["Rules of eligibility were field strength, implant and two-year stability."], []),
]


@pytest.mark.parametrize(("changes", "there", "absent"), SAID, ids=[str(number) for number in range(len(SAID))])
def test_each_sentence_follows_the_configuration_and_none_speaks_of_what_is_off(changes, there, absent):
    found = written(**changes)
    said = " ".join([*(said for _, said in found.paragraphs), *found.references])
    assert [words for words in there if words not in said] == []
    assert [words for words in absent if words in said] == []


@settings(max_examples=30, deadline=None)
@given(
    st.floats(0.5, 5, allow_nan=False).map(lambda x: round(x, 2)),
    st.integers(1, 10**6),
    st.integers(1, 64),
    st.integers(2, 9),
    st.floats(0.01, 0.4).map(lambda x: round(x, 3)),
    st.integers(100, 10**6),
)
def test_numbers_are_the_configurations_own(spacing, steps, minibatch, folds, margin, draws):
    said = text(
        register={"spacing_mm": spacing},
        train={"steps": steps, "minibatch": minibatch},
        fold={"folds": folds},
        compare={"margin": margin, "bootstrap": draws},
    )
    assert f"grid of {spacing:g} mm" in said and f"{steps:,} steps on minibatches of {minibatch} patches" in said
    assert f"into {folds} folds" in said and f"margin of {margin:g} Dice" in said and f"({draws:,} draws)" in said


def test_counts_are_of_those_who_stayed():
    said = text(out=("D1L", "T2L"))
    assert "7 exams of 7 patients with 7 breasts; 5 exams and 5 breasts stayed" in said
    assert (
        "These breasts are 2 with cancer and 1 without for development, 1 to tune on and 1 for the comparison." in said
    )


def test_references_are_numbered_as_they_come_and_each_is_cited():
    found = written(compare={"reference": "staple"})
    said = " ".join(said for _, said in found.paragraphs)
    places = [said.index(f"[{number}]") for number in range(1, len(found.references) + 1)]
    assert places == sorted(places) and f"[{len(places) + 1}]" not in said
    assert all("doi:10." in reference for reference in found.references)


def test_a_real_exam_that_ships_is_cited_with_its_licence():
    real = Breast("UCSF-BR-06L", "UCSF-BR-06", "P99", "left", "malignant", "shown")
    found = written(sheet=[*SHEET, real])
    assert "with 1 real exam [2] beside them" in " ".join(said for _, said in found.paragraphs)
    assert found.references[1] == REAL_EXAM.sentence and "CC BY 3.0" in found.data[0]
    assert written().data == []


def test_versions_are_those_that_the_ledger_has_also_where_they_differ():
    said = text()
    assert "NumPy 2.3.5 and 2.4.0" in said and "Python 3.11.7" in said and "PyTorch 2.13.0" in said
    assert "statsmodels" not in said  # no entry names it


def test_a_pilot_claims_no_external_test():
    keys = {"train_on": ["A"], "test_on": ["B"]}
    assert "trained and tuned on A and tested on B: an external test" in text(**keys)
    said = text(**keys, pilot={"exams": 4, "of": 12})
    assert "external test" not in said and "a pilot of 4 of 12 exams" in said


def test_downloaded_collections_are_cited_with_their_licence_and_the_archive():
    sources = [row.model_dump() for row in read_sources(str(ROOT / "resources/public_sagittal/sources.tsv"))]
    found = written(sources=sources)
    said = dict(found.paragraphs)["Data"]
    for row in sources:
        [number] = [n for n, work in enumerate(found.references, 1) if row["doi"] in work]
        assert f"[{number}]" in said.split("The images are public")[1].split(".")[0]
        [given] = [work for work in found.data if row["doi"] in work]
        assert given.startswith(row["citation"][:30]) and given.endswith(f"({row['licence']}).")
    assert any(ARCHIVE.doi in work for work in found.data)
    assert "The images are public" not in dict(written().paragraphs)["Data"] and not written().data


def test_the_data_page_lists_whose_data_it_is_with_the_licence_one_click_away():
    sources = [row.model_dump() for row in read_sources(str(ROOT / "resources/public_sagittal/sources.tsv"))]
    table = sources_table(SimpleNamespace(sources=sources))
    assert [row[0] for row in table.rows] == [row["cohort"] for row in sources]
    for cells, row in zip(table.rows, sources, strict=True):
        assert (cells[1], cells[1].href, cells[2]) == (row["licence"], row["licence_address"], row["commercial_use"])
        assert cells[4].href == f"https://doi.org/{row['doi']}"
    assert sources_table(SimpleNamespace(sources=[])) is None


def test_a_sheet_of_sources_with_a_column_too_few_is_refused_with_its_header(tmp_path):
    path = tmp_path / "sources.tsv"
    path.write_text("cohort\ttitle\tdoi\nispy1\tI\t10.1/x\n")
    with pytest.raises(ConfigError, match="column 'licence' is missing"):
        read_sources(str(path))
    assert read_sources(None) == []


def test_an_external_test_is_said_of_what_was_tested_and_of_no_pilot():
    cohorts = {"train_on": ["A"], "test_on": ["B"]}
    assert "The network was trained and tuned on A and tested on B: an external test." in text(**cohorts)
    theirs = text(unet=EXTERNAL, **cohorts)
    assert (
        "The threshold was tuned on A and the network tested on B" in theirs and "was trained and tuned" not in theirs
    )
    assert "tested on B" not in text(pilot={"exams": 4, "of": 40}, **cohorts)
