"""Figure E7: mean difference in Dice by subgroup (tumour type, background enhancement, size), with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from radparity.figures import style
from radparity.figures.drawing import Drawing, Study, blank, captioned, sign
from radparity.figures.style import BAND, INK, SOFT, canvas, styled

NAME, TITLE = "figure_e7", "Difference in Dice by subgroup"
SOURCES = ("subgroups.tsv",)
CLUSTERS = ("cases", "by_patient")
FEWEST = 10
"""Cases, under which a subgroup's interval is drawn pale."""


@styled
def draw(subgroups: pd.DataFrame, study: Study) -> Drawing:
    """A row for each value of each subgroup: mean difference with its interval, and the number of cases.

    `subgroups` is the comparison's table: subgroup, value, n, mean_difference, low, high are drawn; both medians and
    the interaction's p are printed where it has them.
    """
    rows = subgroups.to_dict("records") if len(subgroups) else []
    if not rows:
        return blank(NAME, TITLE, "the study names no subgroup, or no test case could be compared", study, SOURCES)
    names = list(dict.fromkeys(str(row["subgroup"]) for row in rows))
    height = 1.0 + 0.24 * (len(rows) + len(names))
    figure, axes = canvas(height, width=6.0)
    axis = axes[0, 0]
    axis.axvspan(-study.margin, study.margin, color=BAND, zorder=0)
    axis.axvline(0, color=SOFT, linewidth=0.8, zorder=0.5)
    right = {"ha": "left", "va": "center", "fontsize": 7, "transform": axis.get_yaxis_transform()}
    aside = partial(axis.text, 1.02, **right)
    aside(-1, f"median Dice,\n{study.masks_of} / readers")
    ticks, labels, place, reach = [], [], 0.0, _reach(rows, study.margin)
    for group, name in enumerate(names):
        ticks.append(place)
        labels.append(_spoken(name))
        own = [row for row in rows if str(row["subgroup"]) == name]
        aside(place, _interaction(own))
        place += 1
        for row in own:
            aside(place, _medians(row))
            _row(axis, place, row, style.MARKERS[group % len(style.MARKERS)], reach)
            ticks.append(place)
            labels.append(f"{_spoken(row['value'])}   n = {int(row['n'])}")
            place += 1
    axis.set_yticks(ticks, labels)
    heads = {_spoken(name) for name in names}
    for tick in axis.get_yticklabels():
        if tick.get_text() in heads:
            tick.set_fontweight("bold")
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    axis.set(
        xlim=(-reach, reach), ylim=(place - 0.4, -1.4), xlabel=f"mean difference in Dice, {study.masks_of} − readers"
    )
    sign(figure, study)
    caption = captioned(
        "Mean difference in Dice, averaged over references, by subgroup of the test cases, with its interval over"
        " patients (the level is in the table; an arrow: it goes on)."
        f" Grey band: ±{study.margin:g}. Open marks: fewer than {FEWEST} cases."
        " Exploratory: no equivalence is claimed of a subgroup, and whether subgroups differ is asked by the"
        " interaction, not by eye.",
        study,
    )
    marks = {
        "mark": "mean difference; a shape a subgroup, open where it has fewer than 10 cases",
        "line": "its interval",
        "numbers at the right": f"median Dice, {study.masks_of} / readers; interaction p, cases / patients as clusters",
        "grey band": f"equivalence margin, ±{study.margin:g} Dice",
    }
    numbers = {f"{row['subgroup']}: {_spoken(row['value'])}": int(row["n"]) for row in rows}
    said = (
        f"Mean differences in Dice with intervals for {len(rows)} groups of cases by {', '.join(map(_spoken, names))}"
    )
    return Drawing(NAME, TITLE, caption, said, numbers, marks, SOURCES, figure)


def _reach(rows: Sequence[Mapping[Any, Any]], margin: float) -> float:
    """Half the width of the axis, Dice: intervals of a handful of cases may be wider than Dice itself and are cut."""
    means = np.array([row["mean_difference"] for row in rows], dtype=float)
    bounds = np.array([[row["low"], row["high"]] for row in rows], dtype=float)
    firm = bounds[[int(row["n"]) >= FEWEST for row in rows]]
    needed = np.abs(np.concatenate([1.3 * means, firm.ravel()]))
    enough = max([1.5 * margin, *1.05 * needed[np.isfinite(needed)]])
    whole = max([enough, *1.05 * np.abs(bounds[np.isfinite(bounds)])])
    return float(min(whole, 2 * enough, 1.0))


def _row(axis: Any, place: float, row: Mapping[Any, Any], marker: str, reach: float) -> None:
    mean, low, high = (float(row[name]) for name in ("mean_difference", "low", "high"))
    if not np.isfinite(mean):
        axis.text(0.005, place, "not computed", ha="left", va="center", fontsize=7, color=SOFT)
        return
    few = int(row["n"]) < FEWEST
    if not np.isnan([low, high]).any():
        colour, end = SOFT if few else INK, 0.97 * reach
        axis.hlines(place, max(low, -end), min(high, end), color=colour, linewidth=1.0 if few else 1.6, zorder=3)
        for beyond, tip, arrow in ((low < -end, -end, "<"), (high > end, end, ">")):
            if beyond:
                axis.plot([tip], [place], marker=arrow, color=colour, markersize=5, zorder=3)
    (point,) = axis.plot(
        [mean], [place], marker=marker, color=style.NETWORK.colour, markersize=5.5,
        markerfacecolor="white" if few else style.NETWORK.colour, zorder=4,
    )  # fmt: skip
    point.set_gid(f"{row['subgroup']}-{row['value']}")


def _medians(row: Mapping[Any, Any]) -> str:
    values = [row.get(name, np.nan) for name in ("network_median", "reader_median")]
    return " / ".join(f"{value:.2f}" if np.isfinite(value) else "–" for value in values)


def _interaction(rows: Sequence[Mapping[Any, Any]]) -> str:
    """The test of whether the difference depends on the subgroup, p with cases independent / patients as clusters."""
    p = [max((row.get(f"interaction_p_{who}", np.nan) for row in rows), key=np.isfinite) for who in CLUSTERS]
    return (
        "interaction p " + " / ".join(f"{v:.3f}" if np.isfinite(v) else "–" for v in p) if any(np.isfinite(p)) else ""
    )


def _spoken(name: Any) -> str:
    return "not stated" if name is None or name != name or name == "" else str(name).replace("_", " ")
