"""The demo's subgroups are the truth of its virtual breasts."""

import csv
from pathlib import Path

import pytest
import yaml

from radparity.phantom.cohort import read_cohort
from radparity.phantom.findings import findings

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("exam", ["E35", "E31"])
def test_the_demo_sheet_says_what_was_painted(exam):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    design = next(d for d in read_cohort(ROOT / config["phantom"]["cohort"]) if d.exam == exam)
    found = findings(design, config["seed"], config["phantom"]["size"])
    with (ROOT / config["sheets"]["breasts"]).open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream, delimiter="\t") if row["exam"] == exam]
    assert rows and set(config["compare"]["subgroups"]) == {"tumour_type", "background_enhancement"}
    for row in rows:
        assert found[row["breast"]] == (row["tumour_type"], row["background_enhancement"])
    assert set(found) == {design.breast(side) for side in design.imaged}
    assert all(bool(found[design.breast(s)][0]) == (design.label(s) == "malignant") for s in design.imaged)
