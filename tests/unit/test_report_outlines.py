"""Outlines on the page: suspect, accepted and doubtful ones with their pictures; a suspect study carries a warning."""

import base64
import html
import json

import numpy as np
import pytest
from test_report import SHEET, TEMPLATES, Tree

from radparity.outline.picture import draw_suspects
from radparity.outline.study_shifts import study_shifts
from radparity.outline.uptake import Finding, Place
from radparity.report.labels import labels_table
from radparity.report.outlines import LIMIT, checked_cases, checked_figures, checked_table, shift_warnings, shifts_table
from radparity.report.site import build
from radparity.share.table import Grid, suppressed

SMALL = [row for row in SHEET if row[0] != "T5"]
SENTENCES = {
    "T1": ("outline_accepted", "the uptake shows more of a border elsewhere <T1>"),
    "T2": ("geometry_doubtful", "the uptake shows a little more of a border elsewhere <T2>"),
    "T4": ("outline_half_pixel", "an outline lay half a pixel off"),
}


def shift_study(step, cases=12):
    """The table of a study whose outlines have most contrast `step` sections further right."""
    rng = np.random.default_rng(0)
    facts = {}
    for n in range(cases):
        own = {str(k): 0.9 - 0.1 * abs(k - step) + 0.01 * rng.standard_normal() for k in range(-2, 3)}
        contrast = {whose: own | {"mirrored": 0.5} for whose in ("together", "R1")}
        facts[f"T{n}"] = {"contrast": contrast, "numbered": "right", "formats": {"R1": "NIfTI"}}
    return study_shifts(facts, {case: case for case in facts})


@pytest.fixture
def tree(tmp_path):
    """A study with one suspect (T0, excluded), one accepted, one doubtful and one otherwise flagged outline."""
    made = Tree(tmp_path, SMALL, excluded={"T0": ("outline", "suspect_geometry")})
    for path in made.files["outline"]:
        record = json.loads(open(path).read())
        if record["case"] in SENTENCES:
            code, sentence = SENTENCES[record["case"]]
            record["flags"] = [{"code": code, "sentence": sentence}]
            with open(path, "w") as stream:
                stream.write(json.dumps(record))
    uptake, outline = np.random.default_rng(1).random((5, 30, 30)), np.zeros((30, 30, 1), bool)
    outline[10:20, 8:18] = True
    finding = Finding("together", 0.7, Place("1 section further left", 1), 0.9, True, "")
    for name in ("T0", "T1", "T2", "T3"):
        made.write("checks", f"outline/{name}/check.png", "")
        if name != "T3":
            path = tmp_path / f"outline/{name}/check.png"
            draw_suspects([finding], uptake, outline, ["R1"], 2, np.array([3.0, 1.0, 1.0]), path)
    return made


def with_shifts(tree, table):
    tree.write("shifts", "outline/shifts.tsv", table.to_csv(sep="\t", index=False, float_format="%.10g"))
    return tree.results()


def test_each_suspect_accepted_and_doubtful_outline_is_listed_with_its_sentence(tree):
    found = checked_cases(tree.results())
    assert list(found) == ["T0", "T1", "T2"]
    rows = checked_table(tree.results()).rows
    assert [row[:3] for row in rows] == [
        ["T0", "test", "suspect: excluded"],
        ["T1", "test", "accepted by a decision"],
        ["T2", "test", "doubtful: in the study"],
    ]
    assert [row[3] for row in rows] == ["<why>", SENTENCES["T1"][1], SENTENCES["T2"][1]]


def test_their_pictures_are_on_the_page_and_no_others(tree):
    figures = checked_figures(tree.results())
    assert [figure.name for figure in figures] == ["outline-T0", "outline-T1", "outline-T2"]
    for figure, name in zip(figures, ("T0", "T1", "T2"), strict=True):
        file = tree.folder / f"outline/{name}/check.png"
        assert base64.b64decode(figure.data) == file.read_bytes() and figure.width == 648
    page = build(tree.results(), TEMPLATES)["preprocessing.html"]
    assert all(figure.data in page for figure in figures)
    assert html.escape(SENTENCES["T2"][1]) in page and "<T2>" not in page


def test_a_study_without_any_shows_none(tmp_path):
    results = Tree(tmp_path, SMALL).results()
    assert checked_table(results) is None and checked_figures(results) == []
    assert shifts_table(results) is None and shift_warnings(results) == []
    assert 'id="outlines"' not in "".join(build(results, TEMPLATES).values())


def test_a_suspect_study_carries_a_warning_and_its_verdict_a_limit(tree):
    results = with_shifts(tree, shift_study(1))
    (warning,) = shift_warnings(results)
    assert "1 section further right" in warning
    page = build(results, TEMPLATES)["index.html"]
    head = page[: page.index('<section id="flow">')]
    assert f'<p class="banner shifted">{warning}</p>' in head and f"<li>{LIMIT}</li>" in head
    shown = shifts_table(results)
    suspects = {tuple(row[:2]) for row in shown.rows if row[8].startswith("suspect: most outlines")}
    assert {(who, "1 section further right") for who in ("all", "rater R1", "format NIfTI")} <= suspects


def test_a_clear_study_shows_the_table_and_no_warning(tree):
    results = with_shifts(tree, shift_study(0))
    site = build(results, TEMPLATES)
    assert shift_warnings(results) == []
    assert not any("banner shifted" in page or LIMIT in page for page in site.values())
    rows = shifts_table(results).rows
    assert {row[0] for row in rows} == {"all"} and {row[8] for row in rows} == {"clear"}
    assert 'id="table-shifts"' in site["preprocessing.html"]


def test_too_few_cases_are_shown_as_such(tree):
    results = with_shifts(tree, shift_study(1, cases=3))
    assert shift_warnings(results) == [] and {row[8] for row in shifts_table(results).rows} == {"too few cases"}


def test_a_study_without_outlines_has_an_empty_table(tree):
    results = with_shifts(tree, study_shifts({}, {}))
    assert shifts_table(results) is None and shift_warnings(results) == []


def test_outlines_that_a_rule_made_are_called_a_programs(tmp_path):
    tree = Tree(tmp_path, SMALL)
    assert labels_table(tree.results()) is None and "no reader" not in build(tree.results(), TEMPLATES)["data.html"]
    thresholds = {"T0": (70, 35, 100), "T1": (70, 65, 120), "T2": (110, 40, 90)}
    for path in tree.files["outline"]:
        record = json.loads(open(path).read())
        if record["case"] in thresholds:
            percent, threshold, counted = thresholds[record["case"]]
            made = {"percent": percent, "threshold": threshold, "voxels": 100, "site_voxels": counted}
            record |= {"fills_volume": True, "by_rule": {record["raters"][0]: made | {"millilitres": counted / 10}}}
            with open(path, "w") as stream:
                stream.write(json.dumps(record))
    table = labels_table(tree.results())
    said = {name: number for name, number, *_ in table.rows}
    outlines = [record["raters"] for record in tree.results().used("outline").values()]
    assert said["outlines that a rule made from the phases (a program's, no reader's)"] == "3"
    assert said["outlines from the raters' files"] == str(sum(map(len, outlines)) - 3)
    assert [said[f"early enhancement of at least {percent} %"] for percent in (70, 110)] == ["2", "1"]
    assert ["intensity before contrast at least", "3", "40", "35 to 65"] in table.rows
    assert said["outlines with as many voxels as the site counted"] == "1 of 3"
    assert any(value == f"3 of {len(outlines)}" for value in said.values())
    assert "no reader" in build(tree.results(), TEMPLATES)["data.html"]
    # A copy to send away tells neither small counts nor what is computed of so few.
    for name, number, *others in suppressed(Grid(table.head, table.rows, frozenset({0})), 11).rows:
        assert number in ("0", "<11", "<11 of <11") or int(said[name].split()[-1]) >= 11, name
        assert others == ["", ""]
