"""Figure E6A: mean Dice of the tuning cases by threshold fraction, and the fraction that was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from radparity.figures import style
from radparity.figures.drawing import Drawing, Study, blank, captioned, sign
from radparity.figures.style import GRID, INK, SOFT, canvas, styled

NAME, TITLE = "figure_e6a", "Dice by threshold"
SOURCES = ("curve.tsv", "fraction.json")
HALF = 0.5
SPREAD = " Below: share of bootstrap samples of the patients that would choose each fraction."


@styled
def draw(curve: pd.DataFrame, fraction: Mapping[str, Any], study: Study) -> Drawing:
    """The curve, one line a reference rule, that of the study's own rule dark.

    `curve` has a row a rule and fraction: rule, fraction, mean_dice, cases, share (`threshold.CURVE` explains them);
    without rule and share it is of the study's own rule. `fraction` is the arm's record, with the chosen fraction.
    """
    if not len(curve) or not curve["mean_dice"].notna().any():
        why = f"the fraction is fixed at {fraction['fraction']:g}, so nothing was tuned"
        return blank(NAME, TITLE, why, study, SOURCES)
    own = curve if "rule" in curve else curve.assign(rule=study.rule)
    rules = sorted(own["rule"].unique(), key=lambda rule: (rule != study.rule, rule))
    shares = own[own["rule"] == rules[0]].dropna(subset=["share"]) if "share" in own else own[:0]
    parts = 2 if len(shares) else 1
    figure, axes = canvas(2.4 + 0.8 * parts, parts, width=3.5, sharex=True, height_ratios=[3, 1][:parts])
    axis = axes[0, 0]
    for position, rule in enumerate(rules):
        line = own[own["rule"] == rule].sort_values("fraction")
        look = style.NETWORK if rule == study.rule else style.reader(position - 1)
        (drawn,) = axis.plot(
            line["fraction"], line["mean_dice"], color=look.colour, linestyle=look.line if position else "-",
            marker=look.marker, markersize=3, linewidth=1.2, label=rule, zorder=4 if not position else 3,
        )  # fmt: skip
        drawn.set_gid(f"curve-{rule}")
    chosen, cases = float(fraction["fraction"]), int(own["cases"].max())
    axis.axvline(chosen, color=INK, linewidth=0.9, linestyle=(0, (4, 2)), zorder=2)
    where = {"x": chosen, "y": 0.02, "transform": axis.get_xaxis_transform(), "va": "bottom", "fontsize": 7}
    left = chosen > HALF
    axis.text(s=f" chosen: {chosen:g} ", ha="right" if left else "left", **where)
    primary = own[own["rule"] == rules[0]]
    best, half = (_at(primary, value) for value in (chosen, HALF))
    axis.set(ylabel="mean Dice, tuning cases", xlim=(0, 1.02))
    axes[-1, 0].set_xlabel("threshold, fraction of the section's maximum")
    axis.grid(color=GRID, linewidth=0.5)
    axis.set_axisbelow(True)
    if len(rules) > 1:
        axis.legend(title="reference", fontsize=7, title_fontsize=7)
    axis.set_title(f"n = {cases} tuning cases", color=SOFT)
    if len(shares):
        bars = axes[1, 0].bar(shares["fraction"], shares["share"], width=0.035, color=SOFT)
        bars.patches[0].set_gid("share")
        axes[1, 0].set(ylabel="share", ylim=(0, 1))
    sign(figure, study)
    caption = captioned(
        f"Mean over {cases} tuning cases of Dice, averaged over each case's references, by threshold. Dashed: the"
        f" fraction chosen, {chosen:g}.{_against(best, half)} No test case is in it.{SPREAD if len(shares) else ''}",
        study,
    )
    marks = {f"line of {rule}": f"mean Dice on the {rule} of the other readers" for rule in rules}
    marks["dashed line"] = "the fraction that was chosen, the best on the study's own reference"
    if len(shares):
        marks["bar"] = "share of bootstrap samples of the tuning patients that choose this fraction"
    said = f"Mean Dice of the tuning cases by threshold fraction; {chosen:g} was chosen"
    return Drawing(NAME, TITLE, caption, said, {"tuning": cases}, marks, SOURCES, figure)


def _against(best: float, half: float) -> str:
    known = np.isfinite([best, half]).all()
    return f" It has mean Dice {best:.3f}; {HALF:g} would have {half:.3f}." if known else ""


def _at(curve: pd.DataFrame, fraction: float) -> float:
    found = curve.loc[np.isclose(curve["fraction"], fraction), "mean_dice"]
    return float(found.iloc[0]) if len(found) else float("nan")
