"""The threshold on the page: how firmly it is chosen, what others would have given, and the section maxima."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from radparity.report.results import Results, read_table
from radparity.report.tables import Table, interval, missing, number

POINTS = {"study": "the study's", "half": "one half", "retuned": "tuned on this reference"}
FAINT = 0.5


def tuning_table(results: Results, name: str) -> pd.DataFrame:
    """The primary arm's table `curve` or `maxima`; without rows where it is absent."""
    found = [
        p for p in map(Path, results.files.get("tuning", [])) if (p.parent.name, p.stem) == (results.primary, name)
    ]
    return read_table(found[0]) if found else pd.DataFrame()


def thresholds_table(results: Results) -> Table | None:
    """Network against readers at other thresholds, with how often resampled patients choose each fraction."""
    rows = results.table("thresholds")
    if rows.empty:
        return None
    body = [
        [
            str(row["reference"]),
            POINTS[str(row["operating_point"])],
            number(row["fraction"], 2),
            number(row["network_mean"]),
            number(row["reader_mean"]),
            number(row["mean_difference"], sign=True),
            interval(row["low"], row["high"], sign=True),
            number(row["change"], sign=True),
        ]
        for row in rows.to_dict("records")
        if not missing(row["fraction"])
    ]
    head = ["reference", "threshold", "fraction", "network's mean Dice", "readers' mean Dice", "difference"]
    head += [f"{100 * rows['level'].dropna().iloc[0]:g} % interval" if rows["level"].notna().any() else "interval"]
    head += ["change by the threshold"]
    note = (
        "The first row is what the comparison uses; all others are sensitivity. A threshold tuned on one reference "
        "costs Dice on another, and no reader was told the operating point."
    )
    shares = results.fractions.get(results.primary, {}).get("shares", {})
    if shares:
        likely = sorted(shares.items(), key=lambda item: (-item[1], float(item[0])))[:3]
        said = ", ".join(f"{fraction} in {100 * share:.0f} %" for fraction, share in likely)
        note += f" With the tuning patients drawn anew, the fraction chosen is {said} of the draws."
    return Table("thresholds", "The same test cases at other thresholds", head, body, note, (0, 1))


def maxima_table(results: Results) -> Table | None:
    """Section maxima and returned areas of cancers and of benign breasts; none where there is no map."""
    rows = tuning_table(results, "maxima")
    rows = rows.dropna(subset=["section_maximum"]) if len(rows) else rows
    if rows.empty:
        return None
    body = []
    for label, own in rows.groupby("label", sort=False):
        maximum, area = own["section_maximum"], own["area_mm2"]
        body.append(
            [
                str(label),
                f"{len(own)}",
                number(maximum.median(), 2),
                f"{number(maximum.min(), 2)} to {number(maximum.max(), 2)}",
                f"{int((maximum < FAINT).sum())}",
                number(area.median(), 0),
            ]
        )
    head = ["breasts", "number", "median section maximum", "range", f"below {FAINT:g}", "median area returned, mm²"]
    benign = (
        "Benign: development breasts, central section, by the one network that was not trained on them; test cases: the"
        " mean over networks."
        if "benign" in set(rows["label"])
        else "No benign breast was looked at, so nothing here says how high a maximum rises without a cancer."
    )
    note = f"A threshold relative to the maximum always returns a lesion, also on a breast without cancer. {benign}"
    return Table("maxima", "Section maxima", head, body, note)
