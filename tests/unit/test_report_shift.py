"""The report tells the external test, the internal one beside it, and who left; a shared copy keeps small cells."""

import re
from dataclasses import replace

import pandas as pd
import pytest
from test_report import SHEET, TEMPLATES, Parser, Tree
from test_shift import cohorts

from radparity.report.shift import shift_part
from radparity.report.site import build
from radparity.share.counts import HIDDEN
from radparity.share.table import Grid, suppressed
from radparity.shift import domains, scores
from radparity.tested_on import SAID

LEFT = {
    "breasts": [["X1L", "X1", "PX1", "left", "malignant", "test", "cohort_not_named", SAID["cohort_not_named"]]],
    "exams": {"X1": ["cohort_not_named", SAID["cohort_not_named"]]},
}


def results(tree, folder, external, internal):
    """A study with the tables of a shift: Dice of an external and an internal test."""
    sides = []
    for side, values in enumerate((external, internal)):
        names = [f"{'EI'[side]}{n}" for n in range(len(values))]
        table = pd.DataFrame({"case": names, "patient": names, "dice_network": values})
        sides.append(table.assign(dice_reader=0.9, difference=table["dice_network"] - 0.9))
    both = scores.both_tests(*sides)
    groups = {"cohort": {case: "<B>" if case[0] == "E" else "A" for case in both["case"]}}
    cases = cohorts(2.0)
    tables = {
        "groups": scores.group_table(both, groups, 0.05, 200, 1),
        "drop": scores.drop_table(both, 0.05, 200, 1),
        "facts": domains.fact_table(cases),
        "separable": domains.separable_table(cases, 0.05, 100, 1),
    }
    for name, table in tables.items():
        tree.write("shift", f"shift/unet/{name}.tsv", table.to_csv(sep="\t", index=False, float_format="%.10g"))
    from radparity.shift.picture import shift_picture

    shift_picture(cases, folder / "shift.png")
    tree.files["shift"].append(str(folder / "shift.png"))
    found = tree.results()
    return replace(found, config=found.config | {"train_on": ["A"], "test_on": ["<B>"]}, left_out=LEFT)


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shift")
    return results(Tree(folder), folder, [0.5, 0.6, 0.55, 0.45, 0.65, 0.4], [0.8, 0.9, 0.85, 0.75, 0.7])


def test_the_page_tells_the_drop_with_its_interval_and_what_differs(shown):
    page = build(shown, TEMPLATES)["comparison.html"]
    parsed = Parser(page)
    assert "Trained on A, tested on <B>." in parsed.text and "<B>" not in page
    assert "0.800 in the internal test and 0.525 in the external one: −0.275 (90 % interval −0." in parsed.text
    assert re.search(r"before harmonization: 8 of 8 facts, after harmonization: 8 of 8 facts", parsed.text)
    for name in ("drop", "groups", "separable", "facts"):
        assert f"table-shift-{name}" in parsed.ids
    assert "No claim of equivalence" in parsed.text and "#external" in parsed.anchors


def test_who_left_by_cohort_is_in_the_flow_chart_and_in_the_list_of_exclusions(shown):
    site = build(shown, TEMPLATES)
    assert "1 at cohort: cohort not named" in Parser(site["index.html"]).text
    assert SAID["cohort_not_named"] in Parser(site["data.html"]).text and "X1L" in site["data.html"]
    rows = [line.split("\t") for line in site["flow.tsv"].splitlines()[1:]]
    assert sum(int(row[6]) for row in rows) == len(SHEET) + 1


def test_with_one_reference_a_case_nothing_is_called_a_readers(shown):
    readers = shown.config["readers"] | {"test": ["FTV"], "made_by": "software"}
    part = shift_part(replace(shown, config=shown.config | {"readers": readers}))
    tables = {table.name.removeprefix("shift-"): table for table in part["tables"]}
    assert set(tables) == {"drop", "groups", "separable", "facts"}
    said = [
        *part["sentences"],
        *(word for table in tables.values() for word in (table.caption, table.note, *table.head)),
    ]
    assert not [words for words in said if re.search("reader|verdict", words)]
    many = next(table for table in shift_part(shown)["tables"] if table.name == "shift-groups")
    kept = [place for place, head in enumerate(many.head) if head in tables["groups"].head]
    assert tables["groups"].rows == [[row[place] for place in kept] for row in many.rows] and len(kept) == 9
    assert tables["groups"].words == (0, 1, 2, 8) and tables["groups"].head[8] == "note"


def test_few_patients_are_counted_without_interval(tmp_path):
    part = shift_part(results(Tree(tmp_path), tmp_path, [0.5, 0.6], [0.8] * 4))
    (drop,) = (table for table in part["tables"] if table.name == "shift-drop")
    assert [row[1:5] for row in drop.rows] == [["4", "4", "2", "2"]] * 3
    assert {row[8] for row in drop.rows} == {""} and all("fewer than 5" in row[9] for row in drop.rows)
    assert not any(" interval " in sentence for sentence in part["sentences"])


def test_a_study_without_cohorts_has_no_such_section(tmp_path):
    found = Tree(tmp_path).results()
    assert shift_part(found) is None and 'id="external"' not in build(found, TEMPLATES)["comparison.html"]


def test_a_shared_copy_has_no_small_cell_of_them(tmp_path):
    part = shift_part(results(Tree(tmp_path), tmp_path, [0.5, 0.6, 0.7] * 4, [0.8] * 3))
    tables = {table.name: table for table in part["tables"]}
    for name, counted in (("shift-groups", (3, 4)), ("shift-drop", (1, 2, 3, 4))):
        table = tables[name]
        grid = suppressed(Grid(list(table.head), [list(r) for r in table.rows], frozenset(table.words)), 5)
        small = [k for k, row in enumerate(table.rows) if any(int(row[c]) < 5 for c in counted)]
        assert small
        for k, row in enumerate(grid.rows):
            cells = [row[c] for c in counted]
            assert not any(cell in "1234" for cell in cells), cells
            if k in small:
                assert all(cell.startswith("<") or cell == HIDDEN or int(cell) % 5 == 0 for cell in cells)
                numbers = [c for c in range(len(row)) if c not in (*counted, *table.words)]
                assert {row[c] for c in numbers} == {""}, row
    facts = tables["shift-facts"]
    kept = suppressed(Grid(list(facts.head), [list(r) for r in facts.rows], frozenset(facts.words)), 5)
    assert {row[3] for row in kept.rows} <= {"40", "35"} and all(re.search(r"\d", row[7]) for row in kept.rows[3:])
