"""The paper's table beside ours: every published value with its source, none invented, ours from our own tables."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from radparity.compare.scores import Case
from radparity.compare.study import Settings, compare
from radparity.report.beside import VIRTUAL, beside_table
from radparity.report.paper import paper_figures
from radparity.report.results import Results
from radparity.report.tables import BLANK, number

ROOT = Path(__file__).parents[2]
PUBLISHED = yaml.safe_load((ROOT / "resources/published/hirsch_2022.yaml").read_text())
NETWORK, BASELINE, BOXED = "unet", "fuzzy_c_means", "fuzzy_c_means_in_box"


def cases(count=24, readers=4):
    generator, (y, z), found = np.random.default_rng(2), np.indices((30, 30)), []
    for n in range(count):
        masks = [(y - 15 + generator.normal()) ** 2 + (z - 15) ** 2 < generator.uniform(5, 8) ** 2 for _ in range(5)]
        drawn = {f"R{k + 1}": masks[k % 4] | (y * z == k) for k in range(readers)}
        found.append(Case(f"C{n}", f"P{n}", masks[4], drawn))
    return found


@cache
def compared(count, readers):
    return compare(cases(count, readers), Settings(draws=200))


def results(own=None, readers=4, virtual=False, anonymous=False, files=None, **tables):
    arms = {NETWORK: ("paper", "section"), BASELINE: ("fuzzy_c_means", "section")}
    arms[BOXED] = ("fuzzy_c_means", "readers_box")
    config = {
        "study": "trial",
        "primary_arm": NETWORK,
        "arms": {name: {"network": network, "region": region} for name, (network, region) in arms.items()},
        "readers": {"test": [f"R{k + 1}" for k in range(readers)], "anonymous": anonymous},
        "compare": {"reference": "intersection", "alpha": 0.05, "margin": 0.05, "bootstrap": 200},
        "phantom": {"size": "demo"} if virtual else None,
    }
    made = dict(compared(len(own), len(own[0].readers))) if own else {}
    first, second = (pd.DataFrame({"step": [50, 100], "validation_dice": own}) for own in ([0.2, 0.6], [0.3, 0.1]))
    return Results(
        config=config,
        breasts=[],
        records={},
        compare={NETWORK: made | tables} if own else {},
        curves={(NETWORK, "1"): first, (NETWORK, "2"): second, ("other", "1"): second},
        training={(NETWORK, "1"): {"selected_step": 100}, (NETWORK, "2"): {"selected_step": 50}},
        fractions={},
        images={},
        verify={},
        published=PUBLISHED,
        files=files or {},
    )


def rows(table):
    return {row[0]: dict(zip(table.head, row, strict=True)) for row in table.rows}


def test_every_published_value_is_there_with_its_source_and_none_is_invented():
    table = beside_table(results(cases()))
    paper, where = table.head[1], table.head[2]
    found = rows(table)
    assert len(found) == len(table.rows)
    assert all(bool(row[paper]) == bool(row[where]) for row in found.values())
    expected = {
        "Dice averaged over references, network": "0.77 ± 0.26",
        "Dice averaged over references, readers": "0.79 ± 0.15",
        "5th to 95th percentile, network": "0.21 to 0.92",
        "5th to 95th percentile, readers": "0.43 to 0.90",
        "Dice on reference 1, network": "0.76 ± 0.26",
        "Dice on reference 1, reader 1": "0.69 ± 0.20",
        "Dice on reference 2, network": "0.76 ± 0.26",
        "Dice on reference 2, reader 2": "0.84 ± 0.14",
        "Dice on reference 3, network": "0.77 ± 0.28",
        "Dice on reference 3, reader 3": "0.78 ± 0.13",
        "Dice on reference 4, network": "0.76 ± 0.28",
        "Dice on reference 4, reader 4": "0.84 ± 0.13",
        "network against the mean radiologist": "A 0.51, p .72",
        "bracket, lower bound (R1)": "A 0.37, p < .001",
        "bracket, upper bound (R4)": "A 0.62, p < .001",
        "Shapiro-Wilk of the difference, Dice": "W 0.61, p < .001",
        "Shapiro-Wilk of the difference, logit of Dice": "W 0.92, p < .001",
        "validation Dice, 100 cases in the paper": "0.73",
        "learning curve, 240 malignant and 240 benign": "0.63",
        "learning curve, 2,400 malignant and 2,400 benign": "0.69",
        "learning curve, 2,455 malignant and 60,108 benign": "0.73",
        "fuzzy c-means, whole section": "0.11",
        "fuzzy c-means, location given": "0.65",
        "network, location given": "0.82",
        "Zhang et al., network": "0.72 ± 0.28",
        "Zhang et al., readers": "0.78 ± 0.30",
        "literature": "0.60 to 0.77",
    }
    assert {label: row[paper] for label, row in found.items()} == expected
    assert all(row["why they may differ"] for row in found.values()) and BLANK in table.note


def test_ours_is_computed_from_our_cases():
    own = cases()
    study = results(own)
    table = beside_table(study)
    found, ours = rows(table), table.head[3]
    averaged = study.table("cases")
    for label, column in (("network", "dice_network"), ("readers", "dice_reader")):
        low, middle, high = np.percentile(averaged[column], [25, 50, 75])
        cell = found[f"Dice averaged over references, {label}"]
        assert cell[ours] == f"{number(middle)} ± {number(high - low)}" and cell["cases"] == "24"
        ends = np.percentile(averaged[column], [5, 95])
        assert found[f"5th to 95th percentile, {label}"][ours] == f"{number(ends[0])} to {number(ends[1])}"
    third = study.table("scores").query("reference == 'R3'")["dice_reader"]
    assert found["Dice on reference 3, reader 3"][ours].startswith(number(third.median()))
    w = stats.shapiro(averaged["difference"].round(12)).statistic
    assert found["Shapiro-Wilk of the difference, Dice"][ours].startswith(f"W {number(w)}")
    x, y = averaged["dice_network"].to_numpy().round(12), averaged["dice_reader"].to_numpy().round(12)
    a = np.mean((y[:, None] > x) + (y[:, None] == x) / 2)
    p = stats.wilcoxon(x - y, method="exact").pvalue
    assert (
        found["network against the mean radiologist"][ours] == f"A {a:.2f}, p {number(p) if p >= 0.001 else '< 0.001'}"
    )
    assert found["validation Dice, 100 cases in the paper"][ours] == "0.450"  # of 0.6 and 0.3
    assert found["learning curve, 240 malignant and 240 benign"][ours] == ""
    assert found["fuzzy c-means, whole section"][ours] == "" == found["literature"][ours]


def test_the_bracket_names_our_own_lowest_and_highest_reader():
    study = results(cases())
    medians = study.table("scores").groupby("reference")["dice_reader"].median()
    found = rows(beside_table(study))
    for label, reader, side in (
        ("bracket, lower bound (R1)", medians.idxmin(), "greater"),
        ("bracket, upper bound (R4)", medians.idxmax(), "less"),
    ):
        own = study.table("scores").query("reference == @reader")
        p = stats.wilcoxon((own["dice_network"] - own["dice_reader"]).round(12), alternative=side).pvalue
        assert found[label]["ours is"].endswith(reader)
        cell = found[label]["ours, study trial"]
        assert cell.endswith("p < 0.001") if p < 0.001 else float(cell.split("p ")[1]) == pytest.approx(p, abs=6e-4)
    refused = rows(beside_table(results(cases(), anonymous=True)))["bracket, lower bound (R1)"]
    assert refused["ours, study trial"] == "" and "refused" in refused["ours is"]


def test_phantoms_are_said_to_be_incomparable_in_the_heading():
    assert beside_table(results(cases(), virtual=True)).head[3] == VIRTUAL
    assert "simulated" in beside_table(results(cases(), virtual=True)).note
    assert "simulated" not in beside_table(results(cases())).note


@pytest.mark.parametrize("readers", [2, 6])
def test_another_number_of_readers_leaves_blanks(readers):
    table = beside_table(results(cases(readers=readers), readers=readers))
    found, paper, ours = rows(table), table.head[1], table.head[3]
    for k in range(1, 7):
        row = found.get(f"Dice on reference {k}, reader {k}")
        assert (row is not None) == (k <= max(4, readers))
        if row:
            assert bool(row[paper]) == (k <= 4) and bool(row[ours]) == (k <= readers)


def test_without_a_case_only_the_papers_values_stand():
    table = beside_table(results())
    assert all(not row[4] for row in table.rows)
    filled = {row[0] for row in table.rows if row[3]}
    assert filled == {"validation Dice, 100 cases in the paper"}


def test_baselines_and_learning_curve_come_from_their_tables(tmp_path):
    own = cases(6)
    path = tmp_path / "learning_curve.tsv"
    points = {"curve": ["paper", "paper", "other"], "point": [2, 1, 1], "malignant": [16.0, 4.0, 9.0]}
    points |= {"benign": [3.0, 1.0, 9.0], "mean": [0.7, 0.5, 0.9], "cases": [14, 14, 14]}
    pd.DataFrame(points).to_csv(path, sep="\t", index=False)
    study = results(own, files={"experiments": [str(path)]})
    located = pd.DataFrame({"rater": ["baseline", "network"], "reference": "averaged", "n": 6, "median": [0.4, 0.7]})
    study.compare[BASELINE] = {"cases": pd.DataFrame({"dice_network": [0.1, 0.2, np.nan, 0.4]})}
    study.compare[BOXED] = {"located": located}
    table = beside_table(study)
    found, ours = rows(table), table.head[3]
    assert (
        found["fuzzy c-means, whole section"][ours] == "0.200" and found["fuzzy c-means, whole section"]["cases"] == "3"
    )
    assert found["fuzzy c-means, location given"][ours] == "0.400" and found["network, location given"][ours] == "0.700"
    assert found["learning curve, 240 malignant and 240 benign"][ours] == "0.500"
    assert found["learning curve, 2,400 malignant and 2,400 benign"][ours] == "0.700"
    assert found["learning curve, 2,455 malignant and 60,108 benign"][ours] == ""


def test_the_page_shows_the_primary_arms_figures_in_the_papers_order(tmp_path):
    files = []
    for arm in (NETWORK, BASELINE):
        (tmp_path / arm).mkdir()
        for number_ in ("e8", "5a", "4"):
            words = {"title": f"T{number_}", "caption": "C.", "said": arm, "width_inches": 7.2}
            for kind, content in (("json", json.dumps(words)), ("png", "picture")):
                path = tmp_path / arm / f"figure_{number_}.{kind}"
                path.write_text(content)
                files.append(str(path))
    found = paper_figures(results(files={"figures": files}))
    assert [figure.name for figure in found] == ["paper-5a", "paper-e8"]
    assert found[0].caption == "T5a (the paper's figure 5A). C." and {figure.said for figure in found} == {NETWORK}
    assert paper_figures(results()) == []
