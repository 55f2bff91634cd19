"""Figure 4: one case, with each reader's outline, their consensus and the network's mask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from radparity.consensus import Rule
from radparity.figures import style
from radparity.figures.drawing import Drawing, Study, blank, captioned, sign
from radparity.figures.sections import Plane, Section, frame, scale_bar, show
from radparity.figures.style import Look, canvas, styled
from radparity.report.pictures import CONVENTION, outline

NAME, TITLE = "figure_4", "Example: readers, consensus and network"
SOURCES = ("cases.tsv", "scores.tsv", "outlines.nii.gz", "mask.nii.gz", "channels.nii.gz")
COLUMNS = 4
RULES: Mapping[str, Rule] = {"intersection": "intersection", "union": "union", "majority": "majority"}


def example(cases: pd.DataFrame) -> str:
    """The median test case by the network's Dice (ties by name, the lower of two middle ones); empty without cases."""
    used = cases.dropna(subset=["dice_network"]) if len(cases) else cases
    ranked = sorted(zip(used["dice_network"], used["case"], strict=True)) if len(used) else []
    return str(ranked[(len(ranked) - 1) // 2][1]) if ranked else ""


@styled
def draw(section: Section | None, cases: pd.DataFrame, scores: pd.DataFrame, study: Study) -> Drawing:
    """The whole section, then from near each reader, the consensus, the network, and all together."""
    if section is None:
        return blank(NAME, TITLE, "no test case could be compared", study, SOURCES)
    panels = 4 + len(study.readers)
    rows = -(-panels // COLUMNS)
    figure, axes = canvas(1.98 * rows + 0.25, rows, COLUMNS)
    flat = list(axes.ravel())
    for axis in flat[panels:]:
        axis.axis("off")
    show(flat[0], section, near=False, letters=True)
    frame(flat[0], section)
    scale_bar(flat[0], section, near=False)
    flat[0].set_title(f"case {section.case}")
    own = scores[scores["case"] == section.case].set_index("reference")["dice_reader"]
    mean = cases.set_index("case").loc[section.case, "dice_network"]
    for position, reader in enumerate(study.readers):
        _panel(flat[1 + position], section, section.readers[reader], style.reader(position), 1.5)
        flat[1 + position].set_title(f"{reader}: {_dice(own.get(reader, np.nan))}")
    consensus = section.consensus(RULES.get(study.rule, "majority"))
    _panel(flat[panels - 3], section, consensus, style.CONSENSUS, 1.5)
    flat[panels - 3].set_title("consensus")
    _panel(flat[panels - 2], section, section.network, style.ON_IMAGE, 1.8)
    flat[panels - 2].set_title(f"{study.masks_of}: {_dice(mean)}")
    together = flat[panels - 1]
    _panel(together, section, section.network, style.ON_IMAGE, 2.4)
    for position, reader in enumerate(study.readers):
        look = style.reader(position)
        outline(together, section.readers[reader], section.spacing_mm, look.colour, look.line, 0.9)
    together.set_title("all together")
    sign(figure, study)
    what = study.rule if study.rule in RULES else "majority"
    caption = captioned(
        f"Case {section.case}, the median test case by the {study.masks_of}'s Dice, on T1 post-contrast. Framed part"
        f" from near: each reader with Dice on the {study.rule} of the others, the consensus ({what} of all readers,"
        f" for the eye: no score uses it), the {study.masks_of} with Dice averaged over the references, and all"
        f" together. Bar: 10 mm. {CONVENTION}",
        study,
    )
    marks: dict[str, Any] = {
        "yellow line with black border": f"the {study.masks_of}'s mask",
        "white line": f"consensus: {what} of all readers",
        "other lines": "a reader, in the colour and dashes of the reader's own panel",
        "white square": "the part shown from near",
        "bar": "10 mm",
    }
    said = (
        f"Section of case {section.case} with outlines of {len(study.readers)} readers, consensus and {study.masks_of}"
    )
    return Drawing(NAME, TITLE, caption, said, {"cases": 1}, marks, SOURCES, figure)


def _panel(axis: Any, section: Section, mask: Plane, look: Look, width: float) -> None:
    show(axis, section, near=True)
    outline(axis, mask, section.spacing_mm, look.colour, look.line, width, halo=True)
    if not mask.any():
        axis.text(0.5, 0.04, "empty", ha="center", color="white", transform=axis.transAxes)


def _dice(value: float) -> str:
    return f"Dice {value:.2f}" if np.isfinite(value) else "no reference"
