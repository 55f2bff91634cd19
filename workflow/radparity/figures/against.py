"""Figure of a study with one or two raters: the network's Dice on the reference, its mean with interval, and size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from radparity.compare.scores import NETWORK
from radparity.figures import style
from radparity.figures.drawing import Drawing, Study, blank, captioned, sign
from radparity.figures.spreads import MARKS, quartiles, spread
from radparity.figures.style import GRID, INK, SOFT, canvas, styled
from radparity.raters import REFERENCE, whose

NAME, TITLE = "figure_against", "Dice of the network on the reference"
SOURCES = ("main.tsv", "scores.tsv", "sizes.tsv")
FLOOR = -0.2
BESIDE = 0.42


@styled
def draw(
    main: pd.DataFrame, scores: pd.DataFrame, sizes: pd.DataFrame, readers: Mapping[str, Any], study: Study
) -> Drawing:
    """Left, Dice of every pair of rater and reference with the mean and its interval; right, Dice over size.

    The tables are those of `radparity.compare.against`; readers is the configuration's block.
    """
    if not len(main) or not main["n"].iloc[0]:
        return blank(NAME, TITLE, "no test case could be compared", study, SOURCES)
    figure, axes = canvas(3.3, 1, 2, width_ratios=[len(main), 2])
    left, right = axes[0]
    labels, numbers = [], {}
    for place, row in enumerate(main.to_dict("records")):
        rater, reference = str(row["rater"]), str(row["reference"])
        own = scores[(scores["rater"] == rater) & (scores["reference"] == reference)]["dice"]
        look = style.NETWORK if rater == NETWORK else style.reader(list(study.readers).index(rater))
        spread(left, place, own, look, f"{rater}-{reference}")
        if not np.isnan(row["mean_low"]):
            bars = [[row["mean"] - row["mean_low"]], [row["mean_high"] - row["mean"]]]
            left.errorbar(place + BESIDE, row["mean"], yerr=bars, fmt="D", color=INK, markersize=3.5, capsize=2.5)
        left.text(place, FLOOR + 0.02, quartiles(own), ha="center", va="bottom", fontsize=7)
        labels.append(f"{study.masks_of if rater == NETWORK else rater}\non {reference}")
        numbers[f"{rater} on {reference}"] = int(own.notna().sum())
    left.axhline(0, color=GRID, linewidth=0.8, zorder=0)
    left.set_xticks(range(len(labels)), labels)
    left.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    left.set(ylabel="Dice", xlim=(-0.55, len(labels) - 0.35), ylim=(FLOOR, 1.03))
    unit = _over_size(right, scores, sizes)
    sign(figure, study)
    level = 100 * float(main["level"].iloc[0])
    caption = captioned(
        f"Dice of the {study.masks_of} on {whose(readers, study.rule)}, {numbers[f'{NETWORK} on {REFERENCE}']} cases."
        f" Diamonds: means with their {level:g} % intervals, patients as clusters; numbers: median ± width of the"
        f" interquartile range. Right: the same cases over the median size of their outlines{unit}. How close readers"
        " would be to this reference is not known.",
        study,
    )
    marks = MARKS | {"diamond with whiskers": "mean and its interval", "numbers under a column": "median ± its width"}
    said = f"Distribution of Dice of the {study.masks_of} on the reference, and over the size of the outlines"
    return Drawing(NAME, TITLE, caption, said, numbers, marks, SOURCES, figure)


def _over_size(axis: Any, scores: pd.DataFrame, sizes: pd.DataFrame) -> str:
    """Draw Dice on the reference over the outlines' median size; returns the unit for the caption."""
    own = scores[(scores["rater"] == NETWORK) & (scores["reference"] == REFERENCE)].set_index("case")["dice"]
    drawn = sizes[sizes["rater"] != NETWORK].groupby("case")["size"].median()
    table = pd.DataFrame({"dice": own, "size": drawn}).dropna()
    table = table[table["size"] > 0]
    units = [str(unit) for unit in sizes["unit"].unique()]
    unit = {"mm2": "mm²", "mm3": "mm³"}.get(units[0], units[0]) if len(units) == 1 else ""
    axis.scatter(table["size"], table["dice"], s=13, color=style.NETWORK.colour, edgecolor=INK, linewidth=0.35)
    axis.set(xscale="log", xlabel=f"size of the outlines{f', {unit}' if unit else ''}", ylim=(FLOOR, 1.03))
    axis.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    axis.axhline(0, color=GRID, linewidth=0.8, zorder=0)
    for ticks in (axis.xaxis.set_major_formatter, axis.xaxis.set_minor_formatter):
        ticks("{x:g}")
    axis.tick_params(axis="x", which="both", labelsize=7, color=SOFT)
    return f", {unit}" if unit else ""
