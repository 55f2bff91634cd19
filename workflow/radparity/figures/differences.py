"""Figure 5B: difference in Dice, network minus reader, averaged and by reference, with the tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from radparity.figures import style
from radparity.figures.drawing import Drawing, Study, blank, captioned, sign
from radparity.figures.spreads import MARKS, spread
from radparity.figures.style import BAND, GRID, INK, SOFT, canvas, styled

NAME, TITLE = "figure_5b", "Difference in Dice by reference"
SOURCES = ("cases.tsv", "scores.tsv", "main.tsv", "equivalence.tsv")


@styled
def draw(
    cases: pd.DataFrame, scores: pd.DataFrame, main: pd.DataFrame, equivalence: pd.DataFrame, study: Study
) -> Drawing:
    """Differences case by case; p values come from `main`, the interval of the mean from `equivalence`."""
    used = cases["difference"].notna().sum() if len(cases) else 0
    if not used:
        return blank(NAME, TITLE, "no test case could be compared", study, SOURCES)
    figure, axes = canvas(3.2)
    axis = axes[0, 0]
    axis.axhspan(-study.margin, study.margin, color=BAND, zorder=0)
    axis.axhline(0, color=SOFT, linewidth=0.8, zorder=0.5)
    spread(axis, 0, cases["difference"], style.READERS, "averaged-difference")
    numbers = {"averaged": int(used)}
    decided = _interval(axis, equivalence)
    rows = {str(row["reference"]): row for row in main.to_dict("records")} if len(main) else {}
    axis.text(0, 1.02, decided, ha="center", va="bottom", fontsize=7, transform=axis.get_xaxis_transform())
    for position, reader in enumerate(study.readers):
        own = scores[scores["reference"] == reader]
        apart = own["dice_network"] - own["dice_reader"]
        spread(axis, position + 1, apart, style.reader(position), f"{reader}-difference")
        numbers[str(reader)] = int(apart.notna().sum())
        text = _tests(rows.get(str(reader), {}))
        axis.text(position + 1, 1.02, text, ha="center", va="bottom", fontsize=7, transform=axis.get_xaxis_transform())
    axis.axvline(0.55, color=GRID, linewidth=0.8)
    ticks = [f"averaged\nn = {used}"] + [f"{study.masks_of} − {r}\nn = {numbers[str(r)]}" for r in study.readers]
    axis.set_xticks(range(len(ticks)), ticks)
    axis.set(ylabel=f"Dice, {study.masks_of} minus reader", xlim=(-0.6, len(ticks) - 0.4))
    low, high = axis.get_ylim()
    axis.set_ylim(min(low, -1.5 * study.margin), max(high, 1.5 * study.margin))
    for y, text, place in ((0.985, f"{study.masks_of} higher", "top"), (0.015, "reader higher", "bottom")):
        axis.text(0.995, y, text, ha="right", va=place, fontsize=7, color=SOFT, transform=axis.transAxes)
    sign(figure, study)
    level = f"{100 * (1 - 2 * study.alpha):g} %"
    caption = captioned(
        f"Difference in Dice, {study.masks_of} minus reader, both on the {study.rule} of the other readers. Grey"
        f" band: equivalence margin ±{study.margin:g}. Averaged column: diamond and text give the mean with the"
        f" {level} interval of the margin test (over patients) and its verdict; no signed-rank p is printed there,"
        " since on averaged Dice that test does not hold its level. By reference: Wilcoxon signed-rank p, two-sided,"
        " adjusted by Holm, cases independent / patients as clusters, and A, the chance that the reader's Dice is"
        " the higher (0.5 is parity). These are exploratory.",
        study,
    )
    marks = MARKS | {
        "grey band": f"equivalence margin, ±{study.margin:g} Dice",
        "diamond with bars": f"mean difference with its {level} interval",
        "p": "Wilcoxon signed rank, Holm over references, cases independent / patients as clusters",
        "A": "Vargha-Delaney A, reader above network; 0.5 is parity",
    }
    said = f"Differences in Dice between {study.masks_of} and readers, averaged and for each reference"
    return Drawing(NAME, TITLE, caption, said, numbers, marks, SOURCES, figure)


def _interval(axis: Any, equivalence: pd.DataFrame) -> str:
    """Draw the primary test's interval; returns it in words."""
    rows = equivalence[equivalence["test"] == "margin"] if len(equivalence) else equivalence
    if not len(rows):
        return ""
    row = rows.iloc[0]
    estimate, low, high = (float(row[name]) for name in ("estimate", "low", "high"))
    if not np.isfinite([estimate, low, high]).all():
        return str(row["verdict"])
    drawn = axis.errorbar(
        [-0.42], [estimate], [[estimate - low], [high - estimate]], fmt="D", color=INK, markersize=4, capsize=3,
        linewidth=1.3, zorder=5,
    )  # fmt: skip
    drawn.lines[0].set_gid("margin-estimate")
    return _minus(f"mean {estimate:+.3f}\n{low:+.3f} to {high:+.3f}\n{row['verdict']}")


def _tests(row: Mapping[Any, Any]) -> str:
    """The tests of one reference in words; what could not be tested is left out."""
    found = []
    p = [row.get("holm_p", np.nan), row.get("holm_p_by_patient", np.nan)]
    if np.isfinite(p).any():
        found.append("p " + " / ".join(_probability(value) for value in p))
    if np.isfinite(row.get("a_reader_above_network", np.nan)):
        found.append(f"A {row['a_reader_above_network']:.2f}")
    return "\n".join(found) or "not tested"


def _probability(value: float) -> str:
    return "–" if not np.isfinite(value) else "<0.001" if value < 0.001 else f"{min(value, 1.0):.3f}"


def _minus(text: str) -> str:
    return text.replace("-", "−")
