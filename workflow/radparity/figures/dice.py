"""Figure 5A: Dice of network and readers, averaged over references, and beside it each reference by itself."""

from __future__ import annotations

import pandas as pd

from radparity.figures import style
from radparity.figures.drawing import Drawing, Study, blank, captioned, sign
from radparity.figures.spreads import MARKS, quartiles, spread
from radparity.figures.style import GRID, SOFT, canvas, styled

NAME, TITLE = "figure_5a", "Dice of network and readers"
SOURCES = ("cases.tsv", "scores.tsv")
FLOOR = -0.2


@styled
def draw(cases: pd.DataFrame, scores: pd.DataFrame, study: Study) -> Drawing:
    """Violins of Dice: averaged over references on the left, then network and reader on each reference.

    `cases` and `scores` are the comparison's tables (a row a case; a row a case and reference).
    """
    if not len(cases) or not cases["dice_network"].notna().any():
        return blank(NAME, TITLE, "no test case could be compared", study, SOURCES)
    who, count = study.masks_of, len(study.readers)
    figure, axes = canvas(3.3, 1, 2, width_ratios=[2, 2 * max(count, 1)], sharey=True)
    left, right = axes[0]
    groups = [("dice_network", who, style.NETWORK), ("dice_reader", "readers", style.READERS)]
    for place, (column, _, look) in enumerate(groups):
        spread(left, place, cases[column], look, f"averaged-{column}")
        left.text(place, FLOOR + 0.02, quartiles(cases[column]), ha="center", va="bottom", fontsize=7)
    left.set_xticks([0, 1], [name for _, name, _ in groups])
    left.set_title("averaged", pad=14)
    left.set(ylabel="Dice", xlim=(-0.55, 1.55), ylim=(FLOOR, 1.03))
    labels = []
    for position, reader in enumerate(study.readers):
        own, at = scores[scores["reference"] == reader], 2 * position
        spread(right, at, own["dice_network"], style.NETWORK, f"{reader}-dice_network")
        spread(right, at + 1, own["dice_reader"], style.reader(position), f"{reader}-dice_reader")
        for place, column in ((at, "dice_network"), (at + 1, "dice_reader")):
            right.text(place, FLOOR + 0.02, quartiles(own[column]), ha="center", va="bottom", fontsize=7)
            labels.append(who if column == "dice_network" else reader)
        right.text(at + 0.5, 1.02, f"reference without {reader}", ha="center", va="bottom", fontsize=7, color=SOFT)
        if position:
            right.axvline(at - 0.5, color=GRID, linewidth=0.8)
    right.set_xticks(range(len(labels)), labels)
    right.set(xlim=(-0.55, max(len(labels), 1) - 0.45))
    right.set_title("each reference by itself", pad=14)
    for axis in (left, right):
        axis.axhline(0, color=GRID, linewidth=0.8, zorder=0)
        axis.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    sign(figure, study)
    used = int(cases["dice_network"].notna().sum())
    numbers = {"averaged": used} | {
        str(r): int(scores.loc[scores["reference"] == r, "dice_network"].notna().sum()) for r in study.readers
    }
    caption = captioned(
        f"Dice of {who} and readers, {used} cases. Left: each case averaged over its references; the readers' column"
        f" then mixes {count} persons' Dice in every point, which narrows its spread, while the {who}'s averages one"
        " mask's Dice, which hardly does. So compare spreads on the right, where both sides have the same reference:"
        f" the {study.rule} of all readers but the one named, who is scored on it too. Numbers: median ± width of the"
        " interquartile range.",
        study,
    )
    marks = MARKS | {
        "dark points and plain violin": f"the {who}",
        "light points and hatched violin": "readers: squares averaged, then a marker, hatch and colour a reader",
        "numbers under a column": "median ± width of the interquartile range",
    }
    said = f"Distributions of Dice of {who} and readers, averaged and for each of {count} references"
    return Drawing(NAME, TITLE, caption, said, numbers, marks, SOURCES, figure)
