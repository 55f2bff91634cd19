"""Figure 6: failures: the test cases where the network's Dice is lowest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from radparity.figures import style
from radparity.figures.drawing import Drawing, Study, blank, captioned, sign
from radparity.figures.sections import Section, frame, scale_bar, show
from radparity.figures.style import canvas, styled
from radparity.report.pictures import CONVENTION, outline

NAME, TITLE = "figure_6", "The network's worst cases"
SOURCES = ("cases.tsv", "outlines.nii.gz", "mask.nii.gz", "channels.nii.gz")
COLUMNS = 3
HALF = 0.5
LOWEST = "the lowest Dice, averaged over references"
LISTED = "the lowest Dice or the largest deficit against the readers, averaged over references"


def worst(cases: pd.DataFrame, count: int) -> list[str]:
    """The `count` cases with the network's lowest Dice, averaged over references, worst first (ties by name)."""
    used = cases.dropna(subset=["dice_network"]) if len(cases) else cases
    ranked = sorted(zip(used["dice_network"], used["case"], strict=True)) if len(used) else []
    return [str(case) for _, case in ranked[:count]]


@styled
def draw(sections: Sequence[Section], cases: pd.DataFrame, study: Study, chosen: str = LOWEST) -> Drawing:
    """Each case whole and from near, with all outlines; `sections` worst first, `chosen` says what worst means."""
    if not sections:
        return blank(NAME, TITLE, "no test case could be compared", study, SOURCES)
    columns = min(COLUMNS, len(sections))
    blocks = -(-len(sections) // COLUMNS)
    width = style.WIDTH * columns / COLUMNS if columns > 1 else 3.6
    figure, axes = canvas(4.55 * blocks + 0.35, 2 * blocks, columns, width=width)
    for axis in axes.ravel():
        axis.axis("off")
    own = cases.set_index("case")
    for number, section in enumerate(sections):
        row, column = 2 * (number // COLUMNS), number % COLUMNS
        dice = own.loc[section.case, ["dice_network", "dice_reader"]].astype(float)
        for axis, near in ((axes[row, column], False), (axes[row + 1, column], True)):
            axis.axis("on")
            _outlined(axis, section, study, near)
        title = f"{section.case}: {study.masks_of} {dice['dice_network']:.2f}, readers {dice['dice_reader']:.2f}"
        axes[row, column].set_title(title + (", empty mask" if not section.network.any() else ""), fontsize=8)
    _legend(figure, study, columns)
    sign(figure, study)
    lowest = own.loc[[section.case for section in sections], "dice_network"].astype(float)
    used = int(cases["dice_network"].notna().sum())
    under = int((cases["dice_network"] < HALF).sum())
    caption = captioned(
        f"The {len(sections)} of {used} test cases with {chosen}: the {study.masks_of}'s Dice goes from"
        f" {lowest.min():.2f} to {lowest.max():.2f}; {under} of all {used} are under {HALF:g}. T1 post-contrast, the"
        f" whole section and below it the framed part. Bar: 10 mm. {CONVENTION}",
        study,
    )
    marks: dict[str, Any] = {
        "yellow line with black border": f"the {study.masks_of}'s mask",
        "other lines": "a reader each, by colour and dashes",
        "white square": "the part shown below",
        "bar": "10 mm",
    }
    said = f"Sections of the {len(sections)} worst test cases of the {study.masks_of}, with all outlines"
    return Drawing(NAME, TITLE, caption, said, {"shown": len(sections), "compared": used}, marks, SOURCES, figure)


def _outlined(axis: Any, section: Section, study: Study, near: bool) -> None:
    show(axis, section, near, letters=not near)
    outline(axis, section.network, section.spacing_mm, style.ON_IMAGE.colour, "-", 2.2 if near else 1.3, halo=True)
    for position, reader in enumerate(study.readers):
        look = style.reader(position)
        outline(axis, section.readers[reader], section.spacing_mm, look.colour, look.line, 1.0 if near else 0.6)
    if not near:
        frame(axis, section)
    scale_bar(axis, section, near)


def _legend(figure: Any, study: Study, columns: int) -> None:
    from matplotlib import patheffects
    from matplotlib.lines import Line2D

    border = [patheffects.withStroke(linewidth=3.6, foreground="black")]
    handles = [Line2D([], [], color=style.ON_IMAGE.colour, linewidth=2.2, path_effects=border)]
    looks = [style.reader(position) for position in range(len(study.readers))]
    handles += [Line2D([], [], color=look.colour, linestyle=look.line, linewidth=1.6) for look in looks]
    labels = [study.masks_of, *study.readers]
    wide = len(labels) if columns > 1 else int(np.ceil(len(labels) / 2))
    figure.legend(handles, labels, loc="outside upper center", ncols=wide, handlelength=4)
