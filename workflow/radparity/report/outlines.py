"""Outlines that may lie elsewhere: of single cases with their pictures, and of the whole study."""

from __future__ import annotations

import base64
import dataclasses

import pandas as pd

from radparity.outline.study_shifts import SUSPECT, warnings
from radparity.report.figures import Figure
from radparity.report.results import Results, read_table
from radparity.report.tables import Table, interval, number
from radparity.report.verdict import Verdict

BECAME = {
    "suspect_geometry": "suspect: excluded",
    "outline_accepted": "accepted by a decision",
    "geometry_doubtful": "doubtful: in the study",
}
LIMIT = "Outlines of this study may lie in the wrong place (see the warning above); it is only as good as they are."


def checked_cases(results: Results) -> dict[str, tuple[str, str]]:
    """Breast to code and sentence of what its outlines' check found, in the order of `BECAME`, then of names."""
    found = {}
    for breast, record in results.records["outline"].items():
        entries = [record, *record.get("flags", [])]
        own = [entry for entry in entries if entry.get("code") in BECAME]
        if own:
            found[breast] = (str(own[0]["code"]), str(own[0]["sentence"]))
    return dict(sorted(found.items(), key=lambda item: (list(BECAME).index(item[1][0]), item[0])))


def checked_table(results: Results) -> Table | None:
    """Every suspect, accepted and doubtful outline; None where there is none."""
    partitions = {breast.breast: breast.partition for breast in results.breasts}
    rows = [
        [breast, partitions.get(breast, ""), BECAME[code], sentence]
        for breast, (code, sentence) in checked_cases(results).items()
    ]
    note = "Numbers: chance that a voxel just inside the border takes up more than one just outside it."
    head = ["breast", "partition", "outline", "why"]
    return Table("checked-outlines", "Outlines to look at", head, rows, note, range(4)) if rows else None


def checked_figures(results: Results) -> list[Figure]:
    """The picture of each of these outlines, as the outline's check left it."""
    found = []
    for breast, (code, sentence) in checked_cases(results).items():
        if breast not in results.images["checks"]:
            continue
        data = results.images["checks"][breast].read_bytes()
        width = int.from_bytes(data[16:20], "big")  # of a PNG's first chunk
        caption = f"Case {breast}, {BECAME[code]}. Left as drawn, right where the border has more contrast."
        found.append(Figure(f"outline-{breast}", caption, sentence, base64.b64encode(data).decode("ascii"), width))
    return found


def shifts(results: Results) -> pd.DataFrame:
    """The table of radparity.outline.study_shifts; without rows where the study has none."""
    tables = [read_table(path) for path in results.files.get("shifts", [])]
    return tables[0] if tables else pd.DataFrame()


def shift_warnings(results: Results) -> list[str]:
    """A sentence for each suspect shift of the whole study."""
    table = shifts(results)
    return warnings(table) if len(table) else []


def limited(said: Verdict, results: Results) -> Verdict:
    """The verdict, limited by what is suspect of all outlines."""
    return dataclasses.replace(said, limits=[LIMIT, *said.limits]) if shift_warnings(results) else said


def shifts_table(results: Results) -> Table | None:
    """All outlines together at every place, and what is suspect of a rater's or a format's; None without outlines."""
    table = shifts(results)
    if table.empty:
        return None
    shown = table[(table["group"] == "all") | (table["verdict"] == SUSPECT)]
    rows = [
        [
            "all" if row["group"] == "all" else f"{row['group']} {row['whose']}",
            str(row["place"]),
            f"{row['cases']:d}",
            number(row["mean_difference"], sign=True),
            interval(row["low"], row["high"], sign=True),
            "" if pd.isna(row["better"]) else f"{row['better']:.0%}",
            number(row["lean"], sign=True),
            interval(row["lean_low"], row["lean_high"], sign=True),
            str(row["verdict"]) + (f": {row['concerns']}" if row["verdict"] == SUSPECT else ""),
        ]
        for row in shown.to_dict("records")
    ]
    head = ["outlines", "place", "cases", "mean difference", "interval", "better there"]
    head += ["against the other side", "its interval", "verdict"]
    note = (
        "Contrast of the outlines' borders at the place, minus that as drawn, and minus that as far on the other side;"
        " 99.8 % intervals, patients as clusters. Each rater and each format is tested too, and stands here where it is"
        " suspect; results/outline/shifts.tsv has all rows. No case is excluded for it."
    )
    caption = "Would all outlines lie better some sections away?"
    return Table("shifts", caption, head, rows, note, (0, 1, 8))
