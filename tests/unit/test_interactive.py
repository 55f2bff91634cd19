"""Figures to point at: valid specifications, the tables' numbers, the printed figures' colours, few bytes a case."""

import json
from dataclasses import replace

import altair
import pandas as pd
import pytest
from test_report import READERS, SHEET, Tree, breast

from radparity.figures import style
from radparity.report import vega
from radparity.report.figures import Figure
from radparity.report.interactive import PAPER, case_table, interactive_data, interactive_figures, interactive_part

STILL = {"title": "T", "caption": "c", "said": "s", "width_inches": 3.0}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    tree = Tree(folder, excluded={"T1": ("convert", "grids_differ")})
    for number in ("5a", "e8"):
        tree.write("figures", f"figures/unet/figure_{number}.json", json.dumps(STILL))
        tree.write("figures", f"figures/unet/figure_{number}.png", "not looked at")
    return tree.results()


@pytest.fixture(scope="module")
def specifications(results):
    return {figure.name: json.loads(figure.specification) for figure in interactive_figures(results)}


def marks(specification):
    return [layer["mark"]["type"] for layer in specification["layer"]]


def test_each_figure_is_valid_draws_points_and_has_its_still_picture(results, specifications):
    assert list(specifications) == ["dice", "references", "difference", "agreement"]
    for name, specification in specifications.items():
        altair.LayerChart.from_dict(specification)  # raises where Vega-Lite would not take it
        assert "point" in marks(specification), name
        assert {"name": vega.CASES} in [specification.get("data")] + [
            layer.get("data") for layer in specification["layer"]
        ]
    for figure in interactive_figures(results):
        assert isinstance(figure.still, Figure) and figure.still.data
        assert figure.still.name == PAPER.get(figure.name, figure.name)
        assert "http" not in figure.specification and "<" not in figure.specification


def test_the_data_are_those_of_the_tables(results):
    table = case_table(results).set_index("case")
    cases, scores = results.table("cases").set_index("case"), results.table("scores")
    assert set(table.index) == set(cases.index) == {"T0", "T2", "T3", "T4", "T5"}
    assert table["readers"].is_monotonic_increasing  # the arrow keys go from left to right
    for case, row in table.iterrows():
        assert row["network"] == pytest.approx(cases.loc[case, "dice_network"], abs=5e-5)
        assert row["difference"] == pytest.approx(cases.loc[case, "difference"], abs=5e-5)
        for position, reader in enumerate(READERS):
            own = scores[(scores["case"] == case) & (scores["reference"] == reader)].iloc[0]
            assert row[f"n{position}"] == pytest.approx(own["dice_network"], abs=5e-5)
            assert row[f"r{position}"] == pytest.approx(own["dice_reader"], abs=5e-5)
    assert json.loads(interactive_data(results)) == json.loads(table.reset_index().to_json(orient="records"))


def test_raters_look_as_in_print(specifications):
    points = next(layer for layer in specifications["references"]["layer"] if layer["mark"]["type"] == "point")
    scale = points["encoding"]["color"]["scale"]
    assert scale["domain"] == ["network", *READERS]
    assert scale["range"] == [style.NETWORK.colour, *(style.reader(k).colour for k in range(len(READERS)))]
    shapes = points["encoding"]["shape"]["scale"]["range"]
    assert len(set(shapes)) == len(shapes) == 1 + len(READERS)


def test_points_lead_to_the_pages_of_their_cases_where_there_are_any(results, specifications):
    config = results.config | {"report": results.config["report"] | {"cases": "none"}}
    without = interactive_figures(replace(results, config=config))
    for figure in without:
        assert "href" not in figure.specification
        assert "href" in json.dumps(specifications[figure.name])
    assert not interactive_part(replace(results, config=config))["interactive_linked"]


def test_a_case_costs_a_few_hundred_bytes(tmp_path):
    sheet = [breast(f"T{n:03d}") for n in range(12)]
    data = interactive_data(Tree(tmp_path, sheet=sheet, shown_maps=False).results())
    assert 100 < len(data) / len(sheet) < 300


def test_a_reference_that_nobody_can_be_scored_on_is_left_out(tmp_path):
    results = Tree(tmp_path, sheet=SHEET[:4], empty=("T2",), shown_maps=False).results()
    found = case_table(results)
    assert set(found["case"]) == {"T0", "T1", "T3"}
    assert "NaN" not in interactive_data(results)


def test_nothing_is_drawn_before_anything_is_compared(results):
    nothing = replace(results, compare={})
    assert interactive_figures(nothing) == [] and interactive_data(nothing) == "[]"


def test_an_empty_size_table_leaves_the_scores(results):
    tables = {name: table for name, table in results.compare["unet"].items() if not name.startswith("size")}
    names = [figure.name for figure in interactive_figures(replace(results, compare={"unet": tables}))]
    assert names == ["dice", "references"]
    tables["sizes"] = pd.DataFrame()
    assert [f.name for f in interactive_figures(replace(results, compare={"unet": tables}))] == names


def test_the_same_results_give_the_same_bytes(results):
    assert interactive_part(results) == interactive_part(results)
