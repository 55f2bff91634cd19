"""Against: what the pages show of a study with one or two raters. Numbers with intervals, and no verdict."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from radparity.compare.scores import NETWORK
from radparity.raters import REFERENCE, WHY_NOT, by_software, given, whose
from radparity.record import read
from radparity.report.figures import Figure
from radparity.report.more import SHOWN as MANY_SHOWN
from radparity.report.more import Shown, as_table, bounds, count, figure, text
from radparity.report.paper import PIXELS_PER_INCH
from radparity.report.results import Results
from radparity.report.tables import Table, interval, masks_of, missing, number, title
from radparity.report.verdict import Verdict

NONE = "not to be had"


def estimate(main: pd.DataFrame, config: Mapping[str, Any], arm: str | None = None) -> Verdict:
    """What stands in a verdict's place: that there is none and why, and the network's Dice with its interval."""
    readers, compare = config["readers"], config["compare"]
    headline = f"Equivalence and consensus are not available: each case has {given(readers)}."
    rows = whole(main)
    if rows.empty or not int(rows.iloc[0]["n"]):
        none = "No test case is left to compare; the flow chart says where each left the study."
        return Verdict(headline, f"{WHY_NOT} {none}", _limits(config, None))
    row = rows.iloc[0]
    who = masks_of(arm or config["primary_arm"], config) if "arms" in config else NETWORK
    level = f"{100 * float(row['level']):g} % interval"
    cases, patients = ("" if row[name] == 1 else "s" for name in ("n", "patients"))
    number_of = (
        f"Over {row['n']} test case{cases} of {row['patients']} patient{patients} the mean Dice of the {who} on"
        f" {whose(readers, compare['reference'])} is {number(row['mean'])} ({level}"
        f" {interval(row['mean_low'], row['mean_high']) or NONE}); the median is {number(row['median'])}"
        f" ({level} {interval(row['median_low'], row['median_high']) or NONE})."
    )
    return Verdict(headline, f"{WHY_NOT} {number_of}", _limits(config, row))


def whole(main: pd.DataFrame) -> pd.DataFrame:
    """The row of the network on the reference: the study's estimate."""
    return main[(main["rater"] == NETWORK) & (main["reference"] == REFERENCE)] if len(main) else main


def _limits(config: Mapping[str, Any], row: Mapping[str, Any] | pd.Series | None) -> list[str]:
    readers = config["readers"]
    found = [
        f"It says how well the network follows {whose(readers, config['compare']['reference'])}, and not how well a"
        " reader would do on these cases: without that no number here is good or poor.",
        "It speaks of cancers known to be there: the outlined section is given to the network.",
    ]
    if by_software(readers):
        found.append("The reference was made by software: where the software is wrong, the network is called wrong.")
    if len(readers["test"]) == 2:
        found.append("The network against each, and the two against one another, are shown as a description.")
    fewest = config["compare"]["minimum_cases"]
    if row is not None and 0 < row["patients"] < fewest:
        found.append(
            f"With {row['patients']} patient{'' if row['patients'] == 1 else 's'}, under the {fewest} cases that the"
            " study asks for, the interval errs more often than stated."
        )
    if readers["anonymous"]:
        found.append("A rater's name is a slot here, not one source.")
    if config.get("phantom"):
        found.append("Images, cancers and outlines are simulated.")
    return found


def main_table(arm: str, main: pd.DataFrame, config: Mapping[str, Any]) -> Table:
    """The network (or baseline) on the reference; of two raters also on each, and one on the other."""
    who = masks_of(arm, config)
    rows = [
        [
            who if row["rater"] == NETWORK else str(row["rater"]),
            whose(config["readers"], config["compare"]["reference"])
            if row["reference"] == REFERENCE
            else f"{row['reference']}'s outline",
            f"{row['n']:d}",
            f"{row['patients']:d}",
            _with(row["mean"], row["mean_low"], row["mean_high"]),
            _with(row["median"], row["median_low"], row["median_high"]),
            interval(row["q25"], row["q75"]),
            number(row["percentile_5"]),
            "" if missing(row["share_under_half"]) else f"{100 * row['share_under_half']:.0f} %",
            f"{row['missed']:d}",
            f"{row['cases_left_out']:d}",
        ]
        for row in main.to_dict("records")
    ]
    level = f"{100 * (1 - config['compare']['alpha']):g} % intervals"
    note = (
        f"{level.capitalize()} over patients: of the mean a studentized bootstrap, of the median a percentile one."
        " Estimates and no test: nothing is claimed. Missed: Dice 0. Left out: cases whose reference is empty."
    )
    if len(main) > 1:
        note += " All rows but the first are a description: two outlines cannot show how far raters are apart."
    head = ["masks of", "on", "cases", "patients", "mean Dice", "median", "quartiles", "5th percentile"]
    head += ["under 0.5", "missed", "left out"]
    return Table(f"main-{arm}", f"{who.capitalize()} against reference: {title(arm, config)}", head, rows, note, (0, 1))


def _with(value: Any, low: Any, high: Any) -> str:
    limits = interval(low, high)
    return number(value) + (f" ({limits})" if limits else "")


_PAIR = [("masks of", text("rater")), ("on", text("reference")), ("cases", count("n")), ("patients", count("patients"))]
SHOWN: dict[str, Shown] = {
    "distance_summary": Shown(
        "Distances of the outlines, mm",
        [
            ("measure", lambda row: str(row["measure"]).upper()),
            *_PAIR,
            ("median", figure("median", 2)),
            ("its interval", bounds("median_low", "median_high", 2)),
            ("quartiles", bounds("q25", "q75", 2)),
            ("mean of those not missed", figure("mean", 2)),
            ("missed", count("missed")),
        ],
        "HD95: the larger of the two directed 95th percentiles; ASSD: mean of all distances between the outlines."
        " A mask that missed is infinitely far, in the median too. Intervals by bootstrap over patients.",
        (0, 1, 2),
    ),
    "size_summary": Shown(
        "Sizes of the outlines",
        MANY_SHOWN["size_summary"].cells,
        "Bland and Altman, patients as clusters; each against the other's own outline.",
        (0, 1, 2),
    ),
    "detection_summary": Shown(
        "Lesions found",
        [
            *_PAIR,
            ("cases with a lesion found", count("cases_found")),
            ("share", figure("rate")),
            ("its interval", bounds("low", "high")),
            ("lesions", count("lesions")),
            ("found", count("found")),
            ("false positives", count("false_positives")),
            ("note", text("note")),
        ],
        "A lesion is a connected part of the reference; it is found where a part of the mask overlaps it enough. The"
        " section is given, so this is no screening performance. Intervals over patients.",
        (0, 1, 10),
    ),
    "subgroups": Shown(
        "Subgroups of the test cases",
        [
            ("by", text("subgroup")),
            ("value", text("value")),
            ("cases", count("n")),
            ("patients", count("patients")),
            ("mean Dice", figure("mean")),
            ("its interval", bounds("low", "high")),
            ("median", figure("median")),
            ("note", text("note")),
        ],
        "The network on the reference. Description: no test compares the values of a subgroup.",
        (0, 1, 7),
    ),
}


def more_tables(results: Results) -> list[Table]:
    """The tables beside the estimate that have rows."""
    tables = {name: results.table(name) for name in SHOWN}
    return [as_table(f"more-{name}", rows, SHOWN[name]) for name, rows in tables.items() if len(rows)]


def outliers_table(results: Results) -> Table | None:
    """The test cases with the lowest Dice of the primary arm; none where the comparison lists none."""
    rows = results.table("outliers")
    if rows.empty:
        return None
    shown = Shown(
        f"The {len(rows)} worst test cases",
        [
            ("case", text("case")),
            ("network's Dice", figure("dice_network")),
            ("network's mask", text("network_mask")),
            ("its area, mm²", figure("network_size", 0)),
            ("outlines' area, mm²", figure("outlines_size", 0)),
            ("centroids apart, mm", figure("centroid_distance_mm", 1)),
            ("section maximum", figure("section_maximum", 2)),
            ("fold disagreement", figure("disagreement")),
        ],
        "Dice on the reference, the lowest first. Centroids: of the mask and of all that was outlined. Disjoint:"
        " without a voxel of any outline. Fold disagreement: standard deviation over networks inside the mask.",
        (0, 2),
    )
    return as_table("outliers", rows, shown)


def drawn(results: Results) -> Figure | None:
    """The primary arm's figure as the stage `figures` drew it; none where the report was not given it."""
    own = [Path(path) for path in results.files.get("figures", []) if Path(path).parent.name == results.primary]
    files = {path.name: path for path in own}
    if not {"figure_against.json", "figure_against.png"} <= set(files):
        return None
    said = read(files["figure_against.json"])
    data = base64.b64encode(files["figure_against.png"].read_bytes()).decode("ascii")
    width = round(said["width_inches"] * PIXELS_PER_INCH)
    return Figure("against", f"{said['title']}. {said['caption']}", said["said"], data, width)


def settings(config: Mapping[str, Any]) -> list[list[str]]:
    """The rows of the settings that speak of references and of what is estimated."""
    readers, compare = config["readers"], config["compare"]
    named: Sequence[str] = readers["test"]
    made = " (made by software)" if by_software(readers) else " (outlined by people)"
    slots = "; names are slots" if readers["anonymous"] else ""
    return [
        ["references", ", ".join(named) + made + slots],
        ["reference", f"{whose(readers, compare['reference'])}; an empty one: {compare['empty_reference']}"],
        ["estimate", f"mean Dice, {100 * (1 - compare['alpha']):g} % interval; {compare['bootstrap']} draws; no test"],
    ]
