"""Figures: one style for all, and their way into the page.

Raters differ by colour (Okabe and Ito, safe for the colour-blind) and by line and marker, for print in grey.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
DOTS_PER_INCH = 190
PNG_WIDTH = slice(16, 20)
"""Where a PNG states its width, pixels, big-endian."""
LINES = [
    ("#E69F00", "-"),
    ("#56B4E9", (0, (5, 1.5))),
    ("#009E73", (0, (1.2, 1.2))),
    ("#CC79A7", (0, (6, 1.5, 1.2, 1.5))),
]
NETWORK_LINE = ("#F0E442", "-")
BARS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7"]
INK, SOFT = "#1b1f24", "#6b7480"
MARKERS = "osD^vP"
STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "legend.frameon": False,
    "figure.facecolor": "white",
}


@dataclass(frozen=True)
class Figure:
    """A picture of the page: `name` is its anchor, `said` its text for those who cannot see it."""

    name: str
    caption: str
    said: str
    data: str
    width: int


def styled(draw: Callable[P, T]) -> Callable[P, T]:
    """Draw in the page's style, without a window and whatever the user's own settings of matplotlib are."""

    @wraps(draw)
    def wrapped(*given: P.args, **named: P.kwargs) -> T:
        import matplotlib

        matplotlib.use("Agg")
        chosen: dict[Any, Any] = {**matplotlib.rcParamsDefault, **STYLE, "backend": "Agg"}
        with matplotlib.rc_context(chosen):
            return draw(*given, **named)

    return wrapped


def canvas(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Any, Any]:
    """A figure and its axes, (row, column). Sizes in inches."""
    import matplotlib.pyplot as plt

    return plt.subplots(rows, columns, figsize=(width, height), layout="constrained", squeeze=False)


def finish(figure: Any, name: str, caption: str, said: str) -> Figure:
    """The drawing as PNG at twice the size it is shown; the same drawing gives the same bytes."""
    import matplotlib.pyplot as plt

    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    width = round(figure.get_figwidth() * DOTS_PER_INCH / 2)
    plt.close(figure)
    return Figure(name, caption, said, base64.b64encode(stream.getvalue()).decode("ascii"), width)


def drawn_png(path: Path, name: str, caption: str, said: str) -> Figure:
    """A PNG that another stage drew as `finish` does, for the page."""
    drawn = path.read_bytes()
    width = round(int.from_bytes(drawn[PNG_WIDTH], "big") / 2)
    return Figure(name, caption, said, base64.b64encode(drawn).decode("ascii"), width)


def line_of(position: int) -> tuple[str, Any]:
    """Colour and line of the reader at a position of the list."""
    return LINES[position % len(LINES)]
