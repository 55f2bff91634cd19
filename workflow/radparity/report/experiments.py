"""Experiments: which arm, and how much data, on the development cases. The page shows what the configuration names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from radparity.record import read
from radparity.report.figures import drawn_png
from radparity.report.results import Results, read_table
from radparity.report.tables import BLANK, Table, both, interval, missing, number

TITLES = {"selection": "Which network, channels and harmonization", "learning_curve": "How much data"}


def experiments(results: Results) -> list[dict[str, Any]]:
    """Title, verdict, picture and tables of every experiment that the page shows, with the paper's figures."""
    return [_experiment(name, results) for name in results.config["report"]["experiments"]]


def _experiment(name: str, results: Results) -> dict[str, Any]:
    files = {Path(path).name: path for path in results.files["experiments"]}
    table, tests = read_table(files[f"{name}.tsv"]), read_table(files[f"{name}_tests.tsv"])
    said, level = read(files[f"{name}.json"]), f"{100 * (1 - results.config['compare']['alpha']):g} %"
    if name == "selection":
        tables = [ranking(table, level), ranking_tests(tests, said["reference"], level)]
        published, caption = _unpublished(), _ranking_caption(said["reference"], level)
    else:
        tables = [points(table, level), steps(tests, level)]
        published, caption = published_points(results.published), _curve_caption(said["arm"], level)
    picture = drawn_png(Path(files[f"{name}.png"]), f"experiment-{name}", caption, caption)
    return {
        "title": TITLES[name], "verdict": said["verdict"], "picture": picture, "tables": tables, "published": published,
    }  # fmt: skip


def ranking(table: pd.DataFrame, level: str) -> Table:
    """The arms, the best first."""
    rows = [
        [
            str(row["arm"]),
            str(row["network"]),
            _whole(row["width"]),
            str(row["channels"]),
            str(row["harmonization"]),
            _whole(row["parameters"]),
            _whole(row["rank"]),
            *_summary(row),
            number(row["mean_shared"]),
        ]
        for row in table.to_dict("records")
    ]
    common = _whole(table["shared_cases"].iloc[0]) if len(table) else "0"
    head = ["arm", "network", "width", "channels", "harmonization", "parameters", "rank", *_summary_head(level)]
    note = (
        f"Ranked by the mean over the {common} cases that all arms have. By the mean, since a median does not see how"
        f" often an arm misses the cancer. {_SUMMARY_NOTE}"
    )
    caption = "Arms of the selection, Dice on held-out development cases"
    return Table("selection", caption, [*head, "mean, shared cases"], rows, note, (0, 1, 3, 4))


def ranking_tests(tests: pd.DataFrame, reference: str, level: str) -> Table:
    """Every other arm against the reference arm."""
    rows = [[str(row["arm"]), *_paired(row)] for row in tests.to_dict("records")]
    caption = f"Paired differences from {reference}"
    note = f"The arm minus {reference}, which was chosen beforehand. Holm over all rows. {_PAIRED_NOTE}"
    return Table("selection-tests", caption, ["arm", *_paired_head(level)], rows, note)


def points(table: pd.DataFrame, level: str) -> Table:
    """The points of every learning curve."""
    rows = [
        [
            str(row["curve"]),
            _whole(row["point"]),
            f"{row['malignant']:g} ({100 * row['malignant_share']:g} %)",
            f"{row['benign']:g} ({100 * row['benign_share']:g} %)",
            *_summary(row),
        ]
        for row in table.to_dict("records")
    ]
    head = ["curve", "point", "malignant breasts (share)", "benign breasts (share)", *_summary_head(level)]
    note = (
        "Breasts: training breasts of a fold, mean over folds and repeats. All points are trained for the same number"
        " of steps; in a repeat a smaller part lies in the larger ones, cut by patient. The breasts that choose the"
        f" best weights of a training are the same at every point. {_SUMMARY_NOTE}"
    )
    return Table("learning-curve", "Learning curve, Dice on held-out development cases", head, rows, note)


def steps(tests: pd.DataFrame, level: str) -> Table:
    """Each point of a learning curve against the one before it."""
    rows = [
        [str(row["curve"]), f"{_whole(row['before'])} to {_whole(row['point'])}", *_paired(row)]
        for row in tests.to_dict("records")
    ]
    note = f"The larger part minus the smaller one. Holm over the steps of a curve. {_PAIRED_NOTE}"
    caption = "Paired differences from point to point"
    return Table("learning-curve-tests", caption, ["curve", "step", *_paired_head(level)], rows, note, (0, 1))


def published_points(published: Mapping[str, Any]) -> Table:
    """The paper's learning curve, which is of other cases and never drawn into ours."""
    rows = [[f"{p['malignant']:,}", f"{p['benign']:,}", f"{p['dice']:.2f}", ""] for p in published["learning_curve"]]
    caption = f"The paper's, {published['validation_cases']} validation cases; not ours: Dice by training breasts"
    note = f"A blank cell is {BLANK}. {published['citation']} doi:{published['doi']} ({published['licence']})."
    return Table("published-curve", caption, ["malignant", "benign", "Dice", "spread"], rows, note, ())


def _unpublished() -> Table:
    rows = [[what, ""] for what in ("architectures", "input modalities", "harmonizations")]
    note = f"A blank cell is {BLANK}: the numbers are in its figure E4."
    return Table("published-selection", "The paper's, 100 validation cases; not ours", ["compared", "Dice"], rows, note)


_SUMMARY_NOTE = (
    "A case's Dice is its mean over the repeats. The interval is over patients and does not hold the chance of training"
    " again; the standard deviation between the repeats' means does. Missed: cases with Dice 0, mean over the repeats."
)
_PAIRED_NOTE = (
    "Dice, on the cases that both have. From repeats: standard error of the mean difference that comes from training"
    " again alone. p: Wilcoxon signed rank, cases independent / patients as clusters."
)


def _summary_head(level: str) -> list[str]:
    return ["repeats", "cases", "median (quartiles)", f"mean ({level} interval)", "SD of repeats", "missed"]


def _summary(row: Mapping[Any, Any]) -> list[str]:
    quartiles, bounds = interval(row["q25"], row["q75"]), interval(row["low"], row["high"])
    left_out = f" ({_whole(row['left_out'])} left out)" if row["left_out"] else ""
    return [
        _whole(row["repeats"]),
        _whole(row["cases"]) + left_out,
        number(row["median"]) + (f" ({quartiles})" if quartiles else ""),
        number(row["mean"]) + (f" ({bounds})" if bounds else ""),
        number(row["spread_of_repeats"]),
        number(row["misses"], 1),
    ]


def _paired_head(level: str) -> list[str]:
    return [
        "cases", "of one alone", f"mean difference ({level} interval)", "median of differences", "from repeats",
        "Wilcoxon p, cases / patients", "Holm p, cases / patients",
    ]  # fmt: skip


def _paired(row: Mapping[Any, Any]) -> list[str]:
    bounds = interval(row["low"], row["high"], sign=True)
    return [
        _whole(row["cases"]),
        f"{_whole(row['only_first'])} + {_whole(row['only_second'])}",
        number(row["mean_difference"], sign=True) + (f" ({bounds})" if bounds else ""),
        number(row["median_of_differences"], sign=True),
        number(row["error_of_repeats"]),
        both(row["wilcoxon_p"], row["wilcoxon_p_by_patient"]),
        both(row["holm_p"], row["holm_p_by_patient"]),
    ]


def _whole(value: Any) -> str:
    return "" if missing(value) else f"{int(value):,}"


def _ranking_caption(reference: str, level: str) -> str:
    return (
        "Arms on the held-out development cases, the highest mean on top. Bar: quartiles of the cases, with the median."
        f" Diamond: mean with its {level} interval. Points: the mean of every repeat. Blue: {reference}."
    )


def _curve_caption(arm: str, level: str) -> str:
    return (
        f"Learning curve of {arm}: mean Dice on the held-out development cases. Lines join the means over the repeats,"
        f" which are the black points; upright: {level} interval over patients. Numbers: malignant + benign"
        " training breasts. Curves that share a point stand a little beside one another."
    )
