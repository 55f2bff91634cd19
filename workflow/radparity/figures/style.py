"""Style: how network, readers and consensus look in print, in colour, to the colour-blind and in grey.

The network is the only dark one, so that lightness alone tells it from the readers. Readers differ from one another by
marker, line and hatch as well as by colour, and stand where a label names them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from radparity.report import figures as page

P = ParamSpec("P")
T = TypeVar("T")
WIDTH = 7.2
"""Inches: two columns of a journal."""
DOTS_PER_INCH = 300
INK, SOFT, BAND, GRID = page.INK, page.SOFT, "#e7ebf0", "#d7dbe0"
PRINT: dict[Any, Any] = {
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.linewidth": 0.7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "hatch.linewidth": 0.6,
    "svg.hashsalt": "radparity",
    "pdf.fonttype": 42,
}
COLOURS = [colour for colour, _ in page.LINES]
LINES: list[Any] = ["-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1, 1, 1, 1, 1))]
MARKERS = "sD^vPXd"
HATCHES = ["////", "....", "\\\\\\\\", "xxxx", "----", "++++", "||||"]


@dataclass(frozen=True)
class Look:
    """Colour, line, marker and hatch of one rater."""

    colour: str
    line: Any = "-"
    marker: str = "o"
    hatch: str = ""


NETWORK = Look("#00446E")
READERS = Look("#B9BFC6", marker="s", hatch="////")
"""All readers, averaged."""
CONSENSUS = Look("#FFFFFF", line="-")
ON_IMAGE = Look(page.NETWORK_LINE[0])
"""The network on a dark image, always with a black border."""


def reader(position: int) -> Look:
    """The look of the reader at a position of the list; the first twenty differ in colour or line."""
    return Look(
        COLOURS[position % len(COLOURS)],
        LINES[position % len(LINES)],
        MARKERS[position % len(MARKERS)],
        HATCHES[position % len(HATCHES)],
    )


def styled(draw: Callable[P, T]) -> Callable[P, T]:
    """Draw or write in the style of print: the page's style, smaller, with bytes that depend on nothing else."""

    @page.styled
    @wraps(draw)
    def wrapped(*given: P.args, **named: P.kwargs) -> T:
        import matplotlib

        with matplotlib.rc_context(PRINT):
            return draw(*given, **named)

    return wrapped


def canvas(height: float, rows: int = 1, columns: int = 1, width: float = WIDTH, **grid: Any) -> tuple[Any, Any]:
    """A figure and its axes, (row, column); sizes in inches. `grid` as matplotlib's `subplots` takes it."""
    import matplotlib.pyplot as plt

    return plt.subplots(rows, columns, figsize=(width, height), layout="constrained", squeeze=False, **grid)
