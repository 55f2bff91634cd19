"""Figure E6B: the comparison on other references: union and majority of the other readers beside the primary one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from radparity.compare.scores import Case, EmptyPolicy, averaged, score
from radparity.consensus import Rule
from radparity.figures import style
from radparity.figures.drawing import Drawing, Study, blank, captioned, sign
from radparity.figures.spreads import MARKS, spread
from radparity.figures.style import BAND, SOFT, canvas, styled

NAME, TITLE = "figure_e6b", "Difference in Dice on other references"
SOURCES = ("reference_scores.tsv",)
OTHERS: tuple[Rule, ...] = ("union", "majority")
COLUMNS: dict[str, str] = {
    "rule": "how a reference is made of all readers but one: intersection, union, majority, staple",
    "case": "case id",
    "patient": "patient id, the cluster of the case",
    "reference": "reader whose reference this is: made from all other readers",
    "dice_network": "Dice of the network on the reference, 0 to 1; empty when the pair is unusable",
    "dice_reader": "Dice of the left-out reader on the reference, 0 to 1; empty when the pair is unusable",
    "usable": "whether the pair (case, reference) enters the statistics",
}


def rules(primary: Rule) -> list[Rule]:
    """The study's own rule first, then those that the paper looks at besides."""
    return list(dict.fromkeys([primary, *OTHERS]))


def scores_by_rule(cases: Sequence[Case], wanted: Iterable[Rule], empty: EmptyPolicy = "drop") -> pd.DataFrame:
    """The table that figure E6B is drawn from: `score` under each rule, one below the other; `COLUMNS` explains it.

    Without a case the table has its header only. Raises ValueError as `score` does.
    """
    tables = [score(cases, rule, empty).assign(rule=rule) for rule in wanted] if cases else []
    return pd.concat(tables, ignore_index=True)[list(COLUMNS)] if tables else pd.DataFrame(columns=list(COLUMNS))


@styled
def draw(by_rule: pd.DataFrame, study: Study) -> Drawing:
    """Differences case by case, a panel for each rule: averaged, then by reader."""
    if not len(by_rule) or not by_rule["dice_network"].notna().any():
        return blank(NAME, TITLE, "no test case could be compared", study, SOURCES)
    shown = list(dict.fromkeys(by_rule["rule"]))
    figure, axes = canvas(2.9, 1, len(shown), sharey=True)
    numbers = {}
    for axis, rule in zip(axes[0], shown, strict=True):
        own = by_rule[by_rule["rule"] == rule]
        whole = averaged(own)["difference"]
        axis.axhspan(-study.margin, study.margin, color=BAND, zorder=0)
        axis.axhline(0, color=SOFT, linewidth=0.8, zorder=0.5)
        spread(axis, 0, whole, style.READERS, f"{rule}-averaged")
        medians = [_median(whole)]
        for position, reader in enumerate(study.readers):
            rows = own[own["reference"] == reader]
            apart = rows["dice_network"] - rows["dice_reader"]
            spread(axis, position + 1, apart, style.reader(position), f"{rule}-{reader}")
            medians.append(_median(apart))
        numbers[rule] = int(whole.notna().sum())
        for place, text in enumerate(medians):
            where = {"ha": "center", "va": "bottom", "transform": axis.get_xaxis_transform()}
            axis.text(place, 1.01, text, fontsize=6, color=SOFT, **where)
        axis.set_xticks(range(len(study.readers) + 1), ["all", *study.readers], fontsize=7)
        axis.set_title(f"{rule}, n = {numbers[rule]}" + (" (primary)" if rule == study.rule else ""), pad=12)
        axis.set_xlim(-0.6, len(study.readers) + 0.6)
    axes[0, 0].set_ylabel(f"Dice, {study.masks_of} minus reader")
    low, high = axes[0, 0].get_ylim()
    axes[0, 0].set_ylim(min(low, -1.5 * study.margin), max(high, 1.5 * study.margin))
    sign(figure, study)
    cut = (
        f" The threshold stays the one tuned for the {study.rule}, which costs the {study.masks_of} Dice on the others."
    )
    same = " With three readers the majority of two others is their intersection." if len(study.readers) == 3 else ""
    caption = captioned(
        f"Difference in Dice, {study.masks_of} minus reader, on references made in other ways from the readers other"
        f" than the one named; all: averaged over references. Grey band: ±{study.margin:g}. Numbers: median of"
        f" differences.{cut if study.tuned else ''}{same} Exploratory.",
        study,
    )
    marks = MARKS | {"grey band": f"equivalence margin, ±{study.margin:g} Dice", "number": "median of the differences"}
    said = f"Differences in Dice by reader on references made by {', '.join(shown)}"
    return Drawing(NAME, TITLE, caption, said, numbers, marks, SOURCES, figure)


def _median(values: pd.Series[float]) -> str:
    middle = values.median()
    return f"{middle:+.2f}".replace("-", "−") if np.isfinite(middle) else ""
