"""The page's tables of thresholds and section maxima say what the files say."""

from types import SimpleNamespace

import pandas as pd

from radparity import maxima
from radparity.compare.thresholds import COLUMNS
from radparity.report.threshold import maxima_table, thresholds_table


def results(tables=None, fractions=None, files=()):
    own = tables or {}
    return SimpleNamespace(
        primary="unet",
        table=lambda name: own.get(name, pd.DataFrame()),
        fractions=fractions or {},
        files={"tuning": [str(path) for path in files]},
    )


def points():
    row = dict.fromkeys(COLUMNS)
    row |= {"reference": "union", "network_mean": 0.8, "reader_mean": 0.75, "mean_difference": 0.05, "level": 0.9}
    row |= {"low": -0.01, "high": 0.11, "change": 0.0, "fraction": 0.3, "operating_point": "study"}
    return pd.DataFrame([row, row | {"operating_point": "retuned", "fraction": float("nan"), "note": "nothing tuned"}])


def test_thresholds_that_were_not_tuned_are_left_out_and_the_spread_is_said():
    shares = {"unet": {"shares": {"0.3": 0.6, "0.5": 0.25, "0.1": 0.1, "0.9": 0.05}}}
    table = thresholds_table(results({"thresholds": points()}, shares))
    assert len(table.rows) == 1 and all(len(row) == len(table.head) for row in table.rows)
    assert table.rows[0] == ["union", "the study's", "0.30", "0.800", "0.750", "+0.050", "−0.010 to +0.110", "+0.000"]
    assert "90 % interval" in table.head
    assert "0.3 in 60 %, 0.5 in 25 %, 0.1 in 10 % of the draws" in table.note
    assert "draws" not in thresholds_table(results({"thresholds": points()}, {"unet": {"shares": {}}})).note


def test_maxima_are_those_of_the_primary_arm(tmp_path):
    ok = {"status": "ok", "section": 1, "section_chosen_by": "readers", "fraction": 0.5, "voxels": 10}
    rows = [
        maxima.case_row(ok | {"case": f"T{k}", "section_maximum": m}, {"networks": 2}, "P", (1.0, 1.0))
        for k, m in enumerate((0.4, 0.9, 1.0))
    ]
    rows.append(maxima.case_row({"case": "T9", "status": "excluded", "code": "x"}, {}, "P", None))
    files = [tmp_path / arm / "maxima.tsv" for arm in ("fuzzy_c_means", "unet")]
    for path, kept in zip(files, (rows[:1], rows), strict=True):
        path.parent.mkdir()
        maxima.table(kept).to_csv(path, sep="\t", index=False)
    table = maxima_table(results(files=files))
    assert table.rows == [["malignant", "3", "0.90", "0.40 to 1.00", "1", "10"]]


def test_without_tables_there_is_nothing():
    assert thresholds_table(results()) is None and maxima_table(results()) is None
