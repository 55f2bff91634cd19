"""The paper's figures: same bytes twice, legible in grey, and what is drawn is what the tables hold."""

import itertools
import json
from functools import cache

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from scipy import stats

from radparity.compare.scores import Case, averaged, score
from radparity.compare.study import Settings, compare
from radparity.figures import (
    correlation,
    dice,
    differences,
    example,
    failures,
    references,
    sections,
    style,
    subgroups,
    threshold,
)
from radparity.figures.drawing import KINDS, VIRTUAL, Study, by_figure, write
from radparity.figures.spreads import FEWEST_FOR_VIOLIN, spread
from radparity.job import PREFIX
from radparity.threshold import CURVE

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def disc(radius, at, size=36):
    y, z = np.indices((size, size))
    return (y - at[0]) ** 2 + (z - at[1]) ** 2 < radius**2


def cohort(count, readers=4, seed=5):
    """Cases whose network misses the lesion in some of them."""
    generator, cases = np.random.default_rng(seed), []
    for number in range(count):
        radius, missed = generator.uniform(4, 9), 12 * (generator.random() < 0.1)
        drawn = {
            f"R{k + 1}": disc(radius + generator.normal(0, 0.7), (18 + generator.normal(0, 0.5), 18))
            for k in range(readers)
        }
        network = disc(radius, (18 - missed, 18 + generator.normal(0, 1)))
        cases.append(Case(f"C{number}", f"P{number // 2}", network, drawn))
    return cases


@cache
def tables_of(count, readers=4):
    """The comparison of a cohort, which no test changes."""
    return compare(cohort(count, readers), Settings(draws=200))


def study(readers=4, **changes):
    return Study("unet", [f"R{k + 1}" for k in range(readers)], draws=200, **changes)


def curve():
    fractions = np.round(np.arange(0.05, 0.96, 0.05), 2)
    parts = [
        pd.DataFrame({"rule": rule, "role": "primary", "fraction": fractions, "mean_dice": 0.8 - (fractions - at) ** 2})
        for rule, at in (("intersection", 0.5), ("union", 0.3), ("majority", 0.4))
    ]
    whole = pd.concat(parts, ignore_index=True).assign(cases=6, patients=6, chosen=0)
    share = np.where(whole["fraction"] == 0.5, 0.7, 0.3 / 18)
    return whole.assign(share=share)[list(CURVE)]


def groups():
    rows = [("size", "up to 10 mm", 4, -0.05, -0.12, 0.03), ("size", "over 10 mm", 12, 0.01, -0.02, 0.03)]
    rows += [("tumour_type", "ductal", 15, -0.02, -0.04, 0.0), ("tumour_type", np.nan, 1, -0.1, np.nan, np.nan)]
    return pd.DataFrame(rows, columns=["subgroup", "value", "n", "mean_difference", "low", "high"])


def section_of(case):
    image = np.random.default_rng(1).random(case.network.shape).astype(np.float32)
    return sections.Section(case.case, image, np.array([0.7, 0.7]), case.network, case.readers)


def drawings(cases, readers=4, **changes):
    """Every figure of a study."""
    about = study(readers, **changes)
    tables = compare(cases, Settings(draws=200))
    by_rule = references.scores_by_rule(cases, references.rules(about.rule))
    named = {case.case: section_of(case) for case in cases}
    chosen, worst = example.example(tables["cases"]), failures.worst(tables["cases"], 4)
    return [
        example.draw(named.get(chosen), tables["cases"], tables["scores"], about),
        dice.draw(tables["cases"], tables["scores"], about),
        differences.draw(tables["cases"], tables["scores"], tables["main"], tables["equivalence"], about),
        failures.draw([named[case] for case in worst], tables["cases"], about),
        threshold.draw(curve(), {"fraction": 0.5}, about),
        references.draw(by_rule, about),
        subgroups.draw(groups(), about),
        correlation.draw(tables["cases"], about),
    ]


def artist(figure, name):
    found = figure.findobj(lambda one: one.get_gid() == name)
    assert len(found) == 1, name
    return found[0]


def heights(figure, name):
    return np.sort(artist(figure, name).get_offsets()[:, 1].data)


def texts(figure):
    return " ".join(one.get_text() for one in figure.findobj(matplotlib.text.Text))


def test_two_runs_leave_the_same_bytes_and_no_date(tmp_path):
    cases, names = cohort(21), []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        for drawing in drawings(cases):
            write(drawing, {kind: tmp_path / folder / f"{drawing.name}.{kind}" for kind in KINDS})
            names.append(drawing.name)
    assert sorted(set(names)) == sorted(f"figure_{n}" for n in ("4", "5a", "5b", "6", "e6a", "e6b", "e7", "e8"))
    for path in sorted((tmp_path / "one").iterdir()):
        content = path.read_bytes()
        assert content == (tmp_path / "two" / path.name).read_bytes(), path.name
        assert content and b"CreationDate" not in content and b"<dc:date>" not in content
    words = json.loads((tmp_path / "one/figure_5a.json").read_text())
    assert words["cases"]["averaged"] == 21 and words["sources"] == ["cases.tsv", "scores.tsv"] and words["marks"]
    assert not plt.get_fignums()


def test_pictures_are_for_print(tmp_path):
    drawing = correlation.draw(tables_of(4)["cases"], study())
    write(drawing, {"png": tmp_path / "one.png"})
    width = int.from_bytes((tmp_path / "one.png").read_bytes()[16:20], "big")
    assert width == round(drawing.figure.get_figwidth() * 300)


def test_files_of_a_job_are_found_under_their_temporary_names(tmp_path):
    paths = [tmp_path / f"{PREFIX}figure_5a.{kind}" for kind in ("svg", "json")]
    assert by_figure(paths) == {"figure_5a": {"svg": paths[0], "json": paths[1]}}


def lab(colour, seen=None):
    """CIE L*a*b* (D65) of a colour, by its definition; `seen` is a matrix on linear RGB."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = linear if seen is None else np.clip(seen @ linear, 0, 1)
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = matrix @ linear / matrix.sum(axis=1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


# Machado, Oliveira, Fernandes 2009, severity 1.
BLINDNESS = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def test_the_network_is_darker_than_every_reader_by_lightness_alone():
    assert lab("white")[0] == pytest.approx(100, abs=0.1) and lab("black")[0] == pytest.approx(0, abs=0.1)
    others = [style.READERS, *(style.reader(k) for k in range(7))]
    assert all(lab(look.colour)[0] - lab(style.NETWORK.colour)[0] > 25 for look in others)
    assert lab(style.ON_IMAGE.colour)[0] > 85  # beside its black border, on a dark image


@pytest.mark.parametrize("kind", BLINDNESS)
def test_colours_stay_apart_for_the_colour_blind(kind):
    seen = np.array(BLINDNESS[kind])
    colours = [style.NETWORK.colour, *style.COLOURS]
    for one, other in itertools.combinations(colours, 2):
        assert np.linalg.norm(lab(one, seen) - lab(other, seen)) > 10, (one, other)


def test_readers_differ_without_colour():
    looks = [style.reader(k) for k in range(5)]
    for what in ("line", "marker", "hatch"):
        assert len({str(getattr(look, what)) for look in looks}) == 5
    assert len({(look.colour, str(look.line)) for look in map(style.reader, range(20))}) == 20
    assert style.NETWORK.marker not in style.MARKERS and style.NETWORK.hatch not in style.HATCHES


@pytest.mark.parametrize("count", [3, 30])
def test_5a_draws_the_tables(count):
    tables = tables_of(count)
    figure = dice.draw(tables["cases"], tables["scores"], study()).figure
    for column in ("dice_network", "dice_reader"):
        assert np.array_equal(heights(figure, f"averaged-{column}"), np.sort(tables["cases"][column]))
        middle = artist(figure, f"averaged-{column}-median").get_ydata()
        assert middle == pytest.approx([tables["cases"][column].median()] * 2)
        for reader, rows in tables["scores"].groupby("reference"):
            assert np.array_equal(heights(figure, f"{reader}-{column}"), np.sort(rows[column]))


def test_5b_draws_the_tables_and_prints_the_tests():
    tables = tables_of(30)
    drawing = differences.draw(*(tables[n] for n in ("cases", "scores", "main", "equivalence")), study())
    assert np.array_equal(heights(drawing.figure, "averaged-difference"), np.sort(tables["cases"]["difference"]))
    for reader, rows in tables["scores"].groupby("reference"):
        expected = np.sort(rows["dice_network"] - rows["dice_reader"])
        assert np.array_equal(heights(drawing.figure, f"{reader}-difference"), expected)
    margin = tables["equivalence"].iloc[0]
    assert artist(drawing.figure, "margin-estimate").get_ydata() == pytest.approx([margin["estimate"]])
    said = texts(drawing.figure)
    assert str(margin["verdict"]) in said
    for row in tables["main"].to_dict("records")[1:]:
        assert f"A {row['a_reader_above_network']:.2f}" in said
        assert ("<0.001" if row["holm_p"] < 0.001 else f"{row['holm_p']:.3f}") in said
    assert f"p {tables['main']['wilcoxon_p'][0]:.3f}" not in said  # that of the averaged row does not hold its level


def test_e6a_draws_every_rule_and_says_what_was_chosen():
    drawing = threshold.draw(curve(), {"fraction": 0.5}, study())
    for rule, rows in curve().groupby("rule"):
        line = artist(drawing.figure, f"curve-{rule}")
        assert np.array_equal(line.get_xydata(), rows[["fraction", "mean_dice"]])
    assert "chosen: 0.5" in texts(drawing.figure)
    bars = artist(drawing.figure, "share").axes.patches
    assert [bar.get_height() for bar in bars] == list(curve()["share"][:19])
    plain = curve().query("rule == 'intersection'").drop(columns=["rule", "share"])
    assert artist(threshold.draw(plain, {"fraction": 0.5}, study()).figure, "curve-intersection")
    fixed = threshold.draw(curve()[:0], {"fraction": 0.4}, study())
    assert "fixed at 0.4" in texts(fixed.figure)


def test_e6b_scores_every_rule():
    cases = cohort(6)
    table = references.scores_by_rule(cases, references.rules("union"))
    assert list(dict.fromkeys(table["rule"])) == ["union", "majority"] and list(table) == list(references.COLUMNS)
    assert references.scores_by_rule([], ["union"]).empty
    figure = references.draw(table, study(rule="union")).figure
    for rule in ("union", "majority"):
        own = score(cases, rule)
        assert np.array_equal(heights(figure, f"{rule}-averaged"), np.sort(averaged(own)["difference"]))
        rows = own[own["reference"] == "R2"]
        assert np.array_equal(heights(figure, f"{rule}-R2"), np.sort(rows["dice_network"] - rows["dice_reader"]))


def test_e7_draws_the_table():
    drawing = subgroups.draw(groups(), study())
    for row in groups().to_dict("records"):
        point = artist(drawing.figure, f"{row['subgroup']}-{row['value']}")
        assert point.get_xdata() == [row["mean_difference"]]
        assert (point.get_markerfacecolor() == "white") == (row["n"] < subgroups.FEWEST)
    assert "not stated   n = 1" in texts(drawing.figure) and drawing.cases["tumour_type: ductal"] == 15


def test_an_interval_of_a_handful_of_cases_does_not_set_the_scale():
    table = groups()
    table.loc[table["n"] < subgroups.FEWEST, ["low", "high"]] = [-np.inf, 3.4]
    assert (table["n"] < subgroups.FEWEST).any()
    drawing = subgroups.draw(table, study())
    (axis,) = drawing.figure.axes
    assert axis.get_xlim()[1] < 1
    assert {line.get_marker() for line in axis.get_lines()} >= {"<", ">"}
    assert "an arrow" in drawing.caption


def test_e8_draws_the_table_and_its_correlation():
    cases = tables_of(30)["cases"]
    drawing = correlation.draw(cases, study())
    points = artist(drawing.figure, "cases").get_offsets()
    assert np.array_equal(points, cases[["dice_reader", "dice_network"]])
    rho = stats.spearmanr(cases["dice_network"], cases["dice_reader"]).statistic
    assert f"ρ = {rho:.2f}".replace("-", "−") in drawing.caption


def test_the_example_is_the_median_and_failures_are_the_lowest():
    cases = tables_of(9)["cases"]
    order = list(cases.sort_values(["dice_network", "case"])["case"])
    assert example.example(cases) == order[4] and failures.worst(cases, 3) == order[:3]
    assert example.example(cases[:0]) == "" and failures.worst(cases[:0], 3) == []
    assert failures.worst(cases, 50) == order


@given(st.integers(0, 2**32 - 1), st.integers(2, 5))
@settings(max_examples=40, deadline=None)
def test_the_box_holds_all_masks_and_stays_inside(seed, readers):
    generator = np.random.default_rng(seed)
    case = cohort(1, readers, seed)[0]
    spacing = generator.uniform(0.4, 1.2, 2)
    section = sections.Section("C", np.zeros(case.network.shape), spacing, case.network, case.readers)
    left, lower, side = section.box
    size = spacing * case.network.shape
    assert min(left, lower) >= 0 and left + side <= size[0] + 1e-9 and lower + side <= size[1] + 1e-9
    where = np.argwhere(np.any([case.network, *case.readers.values()], axis=0))
    low, high = where.min(axis=0) * spacing, (where.max(axis=0) + 1) * spacing
    if side < min(size):
        assert (low >= [left, lower]).all() and (high <= [left + side + 1e-9, lower + side + 1e-9]).all()


@pytest.mark.parametrize(("rule", "combine"), [("intersection", np.all), ("union", np.any)])
def test_the_consensus_shown_is_of_all_readers(rule, combine):
    section = section_of(cohort(1)[0])
    assert np.array_equal(section.consensus(rule), combine(list(section.readers.values()), axis=0))


@pytest.mark.parametrize(("count", "readers"), [(1, 2), (3, 7)])
def test_few_cases_and_any_number_of_readers(count, readers):
    for drawing in drawings(cohort(count, readers), readers):
        drawing.figure.canvas.draw()
        assert drawing.caption and drawing.said and drawing.marks


def test_no_case_is_said_and_not_a_fault(tmp_path):
    about, none = study(virtual=True), pd.DataFrame()
    empty = {name: table[:0] for name, table in tables_of(1).items()}
    for tables in (empty, dict.fromkeys(empty, none)):
        found = [
            example.draw(None, tables["cases"], tables["scores"], about),
            dice.draw(tables["cases"], tables["scores"], about),
            differences.draw(tables["cases"], tables["scores"], tables["main"], tables["equivalence"], about),
            failures.draw([], tables["cases"], about),
            references.draw(references.scores_by_rule([], ["union"]), about),
            subgroups.draw(none, about),
            correlation.draw(tables["cases"], about),
        ]
        for drawing in found:
            assert "no test case" in texts(drawing.figure) and VIRTUAL in texts(drawing.figure)
            assert drawing.cases == {"drawn": 0}
            write(drawing, {"svg": tmp_path / "one.svg"})


def test_a_reference_that_is_always_empty_is_said():
    cases = [Case(c.case, c.patient, c.network, c.readers | {"R1": np.zeros_like(c.network)}) for c in cohort(4)]
    tables = compare(cases, Settings(draws=200))
    assert tables["cases"]["references_used"].eq(1).all()
    assert all(drawing.caption for drawing in drawings(cases))
    said = texts(dice.draw(tables["cases"], tables["scores"], study()).figure)
    assert said.count("no case") == 6


def test_virtual_exams_and_baselines_are_called_so():
    for drawing in drawings(cohort(2), virtual=True, masks_of="baseline"):
        assert VIRTUAL in texts(drawing.figure) and VIRTUAL.capitalize() in drawing.caption
        assert "network" not in texts(drawing.figure)
    real = dice.draw(tables_of(4)["cases"], tables_of(4)["scores"], study())
    assert VIRTUAL not in texts(real.figure) and VIRTUAL.capitalize() not in real.caption


@given(st.lists(st.one_of(st.floats(-1, 1), st.just(float("nan"))), max_size=2 * FEWEST_FOR_VIOLIN))
@settings(max_examples=60, deadline=None)
def test_every_value_is_one_point(values):
    figure, axis = plt.subplots()
    spread(axis, 0, values, style.reader(1), "own")
    finite = np.sort([value for value in values if np.isfinite(value)])
    if len(finite):
        assert np.array_equal(heights(figure, "own"), finite)
        assert np.abs(artist(figure, "own").get_offsets()[:, 0]).max() < 0.5  # its own column
    else:
        assert "no case" in texts(figure)
    plt.close(figure)
