"""Overlays: what is drawn over a case's images, each with its look, to be shown or hidden one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.consensus import Rule, common_reference, leave_one_out
from radparity.figures import style
from radparity.page.contour import Mask, svg_path
from radparity.raters import few

WIDTH, WIDE = 1.4, 2.0
"""Lines, pixels"""


@dataclass(frozen=True)
class Overlay:
    """A mask's border. key: its id on the page; kind: reader, reference, network or breast; colour on an image, and on
    paper; dashes in pixels, empty for a whole line; path in half voxels; shown: from the beginning."""

    key: str
    kind: str
    label: str
    colour: str
    on_paper: str
    dashes: str
    width: float
    path: str
    shown: bool


def overlays(
    readers: Mapping[str, Mask], references: Mapping[str, Mask], network: Mask | None, breast: Mask, arm: str
) -> list[Overlay]:
    """All overlays of a section, in the order of the legend: readers, network, references, breast.

    A reader has the colour and dashes of the figures; a reference those of the reader that it leaves out, thinner.
    """
    found = []
    looks = {name: style.reader(position) for position, name in enumerate(readers)}
    for name, mask in readers.items():
        look = looks[name]
        found.append(("reader", name, look.colour, look.colour, dashes(look.line, WIDTH), WIDTH, mask, True))
    if network is not None:
        yellow, dark = style.ON_IMAGE.colour, style.NETWORK.colour
        found.append(("network", f"network ({arm})", yellow, dark, "", WIDE, network, True))
    for name, mask in references.items():
        label = f"reference without {name}" if name in looks else name
        line = dashes(looks[name].line, WIDTH) if name in looks else ""
        found.append(("reference", label, "#FFFFFF", style.SOFT, line, WIDTH, mask, False))
    found.append(("breast", "breast mask", "#56D6FF", style.SOFT, "2 5", WIDTH, breast, False))
    return [
        Overlay(f"outline-{number}", kind, label, colour, paper, line, width, svg_path(mask), shown)
        for number, (kind, label, colour, paper, line, width, mask, shown) in enumerate(found, start=1)
    ]


def dashes(line: Any, width: float) -> str:
    """A line style of matplotlib as an SVG dash array, in pixels."""
    return "" if isinstance(line, str) else " ".join(f"{part * width:.3g}" for part in line[1])


def references_of(readers: Mapping[str, Mask], judged: Sequence[str], rule: Rule) -> dict[str, Mask]:
    """Each judged reader's reference, made of the others; none where one of them did not outline the case.

    Of one or two raters the one that is common to all, as `reference`.
    """
    if any(reader not in readers for reader in judged):
        return {}
    own = {reader: readers[reader] for reader in judged}
    return {"reference": common_reference(own, rule)} if few(judged) else leave_one_out(own, rule)


def majority(readers: Mapping[str, Mask]) -> NDArray[np.bool_] | None:
    """Where more than half of the readers see the lesion; None without readers."""
    if not readers:
        return None
    votes = np.sum(list(readers.values()), axis=0, dtype=np.int32)
    return np.asarray(2 * votes > len(readers))
