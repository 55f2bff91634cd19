"""Picture: the share of each verdict over the number of cases, as PNG and SVG. The same tables give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radparity.power.closed_form import paired_t_power
from radparity.power.study import VERDICTS
from radparity.report.figures import BARS, DOTS_PER_INCH, INK, MARKERS, SOFT, canvas, styled

LINES = ["-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5))]


@styled
def power_picture(table: pd.DataFrame, verdict: Mapping[str, Any], png: Path, svg: Path) -> None:
    """Write the picture of `power_table`'s table and `power_verdict`'s verdict.

    A line a verdict with 95 % Monte-Carlo bars, the wanted power, the number of cases that reaches it, and the paper's
    power to find a difference. Where no number can be claimed the picture says so, and shows the paper's line alone.
    """
    import matplotlib
    import matplotlib.pyplot as plt

    figure, axes = canvas(7.2, 3.9)
    axis = axes[0, 0]
    _paper(axis, table["cases"].to_numpy(dtype=float), verdict["paper"]["effect"])
    for position, name in enumerate(VERDICTS):
        _line(axis, table, name, position)
    axis.axhline(verdict["power"], color=SOFT, linewidth=0.8, linestyle=(0, (4, 3)))
    if verdict["cases_needed"] is not None:
        axis.plot([verdict["cases_needed"]] * 2, [0, verdict["power"]], color=INK, linewidth=0.8)
        text = f"{verdict['cases_needed']} cases"
        axis.annotate(text, (verdict["cases_needed"], 0.02), (4, 0), textcoords="offset points", fontsize=8)
    elif table["equivalent"].isna().all():
        box = {"facecolor": "white", "edgecolor": SOFT, "boxstyle": "round,pad=0.6"}
        text = verdict["sentences"][0].replace(": ", ":\n", 2)
        axis.text(0.5, 0.45, text, transform=axis.transAxes, ha="center", va="center", fontsize=9, bbox=box)
    axis.set(xlabel="cases of the study", ylabel="share of simulated studies", ylim=(-0.02, 1.02))
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
    with matplotlib.rc_context({"svg.hashsalt": "radparity", "svg.fonttype": "none"}):
        figure.savefig(png, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)


def _line(axis: Any, table: pd.DataFrame, name: str, position: int) -> None:
    shown = table.dropna(subset=[name]).sort_values("cases")
    if not len(shown):
        return
    # A share of 0 or 1 has no standard error of its own: the bar is that of one study more and one fewer.
    studies = shown["studies"].to_numpy(dtype=float)
    share = shown[name].to_numpy(dtype=float)
    bars = 1.96 * np.maximum(shown[f"{name}_error"].to_numpy(dtype=float), 1 / studies)
    axis.errorbar(
        shown["cases"],
        share,
        yerr=[np.minimum(bars, share), np.minimum(bars, 1 - share)],
        color=BARS[position],
        linestyle=LINES[position],
        marker=MARKERS[position],
        markersize=5,
        linewidth=1.5,
        capsize=2,
        label=name,
    )


def _paper(axis: Any, cases: Any, effect: float) -> None:
    along = np.linspace(max(3, min(cases)), max(max(cases), min(cases) + 1), 60)
    power = [paired_t_power(effect, n) for n in along]
    axis.plot(along, power, color=SOFT, linewidth=1.0, label="the paper's: a difference\nis found (paired t, logit)")
