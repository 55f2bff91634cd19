"""What the pages say of a study without benign breasts, and that they say it of no other."""

from dataclasses import replace

import pandas as pd
import pytest
from test_bundle import METHOD, floor_of, maxima
from test_methods import EXTERNAL, SHEET, configuration, written

from radparity import maxima as section_maxima
from radparity.bundle.card import NONE_SEEN, _of_floor
from radparity.report.no_benign import UNKNOWN, limited, negatives_table, without_benign
from radparity.report.results import STAGES, Results
from radparity.report.threshold import maxima_table
from radparity.report.verdict import Verdict

CANCERS = [breast for breast in SHEET if breast.label == "malignant"]
FREE = {"negatives": "tumour_free_sections", "negatives_margin_mm": 7.5}


def results(sheet=SHEET, training=(), files=(), **changes):
    named = {"tuning": [str(path) for path in files]}
    return Results(
        config=configuration(**changes), breasts=list(sheet), records={stage: {} for stage in STAGES}, compare={},
        curves={}, training=dict(training), fractions={}, images={}, verify={}, published={}, files=named,
    )  # fmt: skip


@pytest.mark.parametrize("sheet", [SHEET, CANCERS])
def test_the_methods_say_where_patches_without_tumour_lay(sheet):
    network = dict(written(sheet, train=FREE).paragraphs)["Network"]
    assert "50 % were drawn around a voxel of an outline" in network and "at least 7.5 mm from any section" in network
    assert ("central section of breasts without cancer" in network) is (sheet is SHEET)
    assert (UNKNOWN in network) is (sheet is CANCERS)
    usual = dict(written(SHEET).paragraphs)["Network"]
    assert "patches of the others came from their central section; 50 %" in usual and "tumour-free" not in usual


def test_the_verdict_is_limited_only_where_nobody_was_healthy():
    said = Verdict("Inconclusive.", "", ["first"])
    assert limited(said, results()) == said
    assert limited(said, results(CANCERS, train=FREE)).limits == ["first", UNKNOWN]
    # Nobody here knows what a network from elsewhere was trained on.
    assert not without_benign(results(CANCERS, unet=EXTERNAL))
    only_tested = [replace(breast, partition="test") if breast.label == "benign" else breast for breast in SHEET]
    assert without_benign(results(only_tested))


def test_each_training_is_counted_by_what_its_breasts_gave():
    facts = {"training": ["D0L", "D1L", "D2L", "D9R"], "negatives_from": ["D0L", "D9R"]}
    training = {("unet", "10"): facts, ("unet", "2"): facts | {"negatives_from": ["D9R"]}, ("n", "1"): {"steps": 3}}
    table = negatives_table(results(training=training, train=FREE))
    assert table.rows == [["unet", "2", "0 of 3", "1"], ["unet", "10", "1 of 3", "1"]]
    assert negatives_table(results(training=training)) is None and negatives_table(results(train=FREE)) is None


def test_maxima_without_benign_breasts_say_what_is_missing(tmp_path):
    ok = {"case": "T1", "status": "ok", "section": 1, "section_chosen_by": "readers", "fraction": 0.5, "voxels": 10}
    row = section_maxima.case_row(ok | {"section_maximum": 0.9}, {"networks": 2}, "P", (1.0, 1.0))
    path = tmp_path / "unet/maxima.tsv"
    path.parent.mkdir()
    for rows, benign in (([row], False), ([row, row | {"case": "B", "label": "benign"}], True)):
        pd.DataFrame(rows).to_csv(path, sep="\t", index=False)
        note = maxima_table(results(files=[path])).note
        assert ("No benign breast was looked at" in note) is not benign
        assert ("Benign: development breasts" in note) is benign


@pytest.mark.parametrize(("benign", "said"), [((), True), ((0.2, 0.4), False)])
def test_the_card_of_a_network_that_saw_no_benign_breast_says_so(benign, said):
    floor = floor_of(maxima(*benign), 0.5, 95.0)
    method = METHOD.model_copy(update={"threshold": METHOD.threshold.model_copy(update={"floor": floor})})
    assert (NONE_SEEN in _of_floor(method, by_breast=False)) is said
