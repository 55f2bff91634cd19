"""Figure E8: do network and readers find the same cases hard? Dice of one against the other, with Spearman's rho."""

from __future__ import annotations

import numpy as np
import pandas as pd

from radparity.compare.correlation import correlate
from radparity.figures import style
from radparity.figures.drawing import Drawing, Study, blank, captioned, sign
from radparity.figures.style import GRID, INK, SOFT, canvas, styled

NAME, TITLE = "figure_e8", "Dice of network against readers"
SOURCES = ("cases.tsv",)


@styled
def draw(cases: pd.DataFrame, study: Study) -> Drawing:
    """One point a case, each side averaged over the case's references."""
    used = cases.dropna(subset=["dice_network", "dice_reader"]) if len(cases) else cases
    if not len(used):
        return blank(NAME, TITLE, "no test case could be compared", study, SOURCES)
    figure, axes = canvas(3.5, width=3.5)
    axis = axes[0, 0]
    axis.plot([0, 1], [0, 1], color=SOFT, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
    size = 20 if len(used) < 60 else 9
    points = axis.scatter(
        used["dice_reader"], used["dice_network"], s=size, marker="o", facecolor=style.NETWORK.colour,
        edgecolor="white", linewidth=0.4, alpha=0.85, zorder=3,
    )  # fmt: skip
    points.set_gid("cases")
    said_rho = _rho(used, study)
    where = {"ha": "left", "va": "top", "transform": axis.transAxes, "color": INK}
    box = {"facecolor": "white", "edgecolor": "none", "pad": 2}
    axis.text(0.03, 0.97, f"n = {len(used)}\n" + said_rho.replace(" (", "\n("), fontsize=7, bbox=box, zorder=2, **where)
    axis.set(xlabel="readers' Dice, averaged", ylabel=f"{study.masks_of}'s Dice, averaged")
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axis.grid(color=GRID, linewidth=0.5)
    axis.set_axisbelow(True)
    sign(figure, study)
    numbers = {"cases": len(used)}
    caption = captioned(
        f"Dice of {study.masks_of} and readers, each averaged over a case's references ({study.rule} of the other"
        f" readers), {len(used)} cases. Dashed: equal. {said_rho}; interval by bootstrap over patients. Both"
        " sides are scored on the same references, so a reference that is poor in a case lowers both: part of the"
        " correlation is theirs.",
        study,
    )
    marks = {"point": "one case", "dashed line": "network and readers equal; above it the network is higher"}
    said = f"Scatter of the {study.masks_of}'s Dice against the readers' over {len(used)} cases"
    return Drawing(NAME, TITLE, caption, said, numbers, marks, SOURCES, figure)


def _rho(used: pd.DataFrame, study: Study) -> str:
    """Spearman's rank correlation over the cases, in words."""
    columns = (used[name].to_numpy() for name in ("dice_network", "dice_reader", "patient"))
    found = correlate(*columns, method="spearman", alpha=study.alpha, draws=study.draws, seed=study.seed)
    rho, low, high = (float(str(found[name])) for name in ("r", "low", "high"))
    if not np.isfinite(rho):
        return f"no correlation: {found['note']}"
    level = f" ({100 * (1 - study.alpha):g} %: {low:.2f} to {high:.2f})" if np.isfinite([low, high]).all() else ""
    return f"Spearman ρ = {rho:.2f}{level}".replace("-", "−")
