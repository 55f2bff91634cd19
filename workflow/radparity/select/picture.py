"""Picture: the ranking of arms and the learning curves, as PNG. The same tables give the same bytes."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from radparity.report.figures import BARS, INK, MARKERS, SOFT, canvas, finish, line_of, styled
from radparity.select.trial import Trial

CHOSEN, OTHER = BARS[0], SOFT


@styled
def selection_picture(table: pd.DataFrame, trials: Sequence[Trial], reference: str) -> bytes:
    """A row for each arm, the best on top: quartiles of the cases, the mean with its interval, every repeat's mean."""
    known = {trial.name: trial for trial in trials}
    figure, axes = canvas(9.6, 1.1 + 0.42 * len(table))
    axis = axes[0, 0]
    for place, row in enumerate(table.to_dict("records")):
        colour = CHOSEN if row["arm"] == reference else OTHER
        axis.barh(place, row["q75"] - row["q25"], left=row["q25"], height=0.5, color=colour, alpha=0.22)
        axis.plot([row["median"]] * 2, [place - 0.25, place + 0.25], color=colour, linewidth=1.4)
        means = known[str(row["arm"])].repeat_means
        axis.scatter(means, np.full(len(means), place + 0.33), s=14, color=colour, edgecolor="white", linewidth=0.4)
        _mean(axis, row, place)
    axis.set_yticks(range(len(table)), table["arm"])
    axis.set(xlabel="Dice", xlim=(-0.01, 1.01), ylim=(len(table) - 0.4, -0.6))
    return _bytes(figure)


def _mean(axis: Any, row: Mapping[Any, Any], place: float) -> None:
    bars = None
    if np.isfinite([row["low"], row["high"]]).all():
        bars = [[max(row["mean"] - row["low"], 0)], [max(row["high"] - row["mean"], 0)]]
    axis.errorbar(
        [row["mean"]], [place], xerr=bars, fmt="D", color=INK, markersize=4.5, capsize=3, linewidth=1.3, zorder=4
    )


@styled
def curve_picture(table: pd.DataFrame, trials: Mapping[tuple[str, int], Trial]) -> bytes:
    """Mean Dice over the number of training breasts, a line for each curve, every repeat's mean as a point.

    trials: by curve and number of the point.
    """
    figure, axes = canvas(9.6, 3.6)
    axis = axes[0, 0]
    sizes = (table["malignant"] + table["benign"]).to_numpy(float)
    aside = (max(sizes) / min(sizes)) ** 0.008  # curves and repeats stand this factor beside one another
    labelled = set()
    for position, (curve, points) in enumerate(table.groupby("curve", sort=False)):
        (colour, line), marker = line_of(position), MARKERS[position % len(MARKERS)]
        at = (points["malignant"] + points["benign"]).to_numpy(float) * aside ** (3 * position)
        low, means, high = (points[name].to_numpy(float) for name in ("low", "mean", "high"))
        axis.plot(at, means, color=colour, linestyle=line, marker=marker, markersize=7, label=str(curve), zorder=4)
        bounded = np.isfinite(low) & np.isfinite(high)
        axis.vlines(at[bounded], low[bounded], high[bounded], color=colour, linewidth=1.4)
        for x, row in zip(at, points.to_dict("records"), strict=True):
            repeats = trials[str(curve), int(row["point"])].repeat_means
            axis.scatter(np.full(len(repeats), x / aside), repeats, s=13, color=INK, linewidth=0, zorder=5)
            text = f"{row['malignant']:g} + {row['benign']:g}"
            if text not in labelled:
                bounds = (row["low"], "top", -3) if position % 2 == 0 else (row["high"], "bottom", 3)
                end = bounds[0] if np.isfinite(bounds[0]) else row["mean"]
                where = {"xytext": (0, bounds[2]), "textcoords": "offset points", "ha": "center", "va": bounds[1]}
                axis.annotate(text, (x, end), fontsize=7.5, color=SOFT, **where)
            labelled.add(text)
    axis.set(xscale="log", xlabel="training breasts of a fold (malignant + benign)", ylabel="mean Dice", ylim=(0, 1.01))
    axis.set_xticks(sorted(set(sizes)), [f"{size:g}" for size in sorted(set(sizes))])
    axis.set_xticks([], minor=True)
    axis.margins(x=0.06)
    axis.legend(title="curve", loc="lower right")
    return _bytes(figure)


def _bytes(figure: Any) -> bytes:
    return base64.b64decode(finish(figure, "", "", "").data)
