"""The kinetic curve at the lesion: signal over the phases, relative to before contrast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.report.tables import Table, number

WIDTH, HEIGHT = 460, 250
LEFT, RIGHT, TOP, BOTTOM = 52, 96, 14, 40


@dataclass(frozen=True)
class Curve:
    """One line: whose mask the mean is taken in, the values in per cent of the signal before contrast, its look."""

    name: str
    values: tuple[float, ...]
    colour: str
    dashes: str


@dataclass(frozen=True)
class Drawing:
    """Curves ready for the page: an SVG as text, and the same numbers as a table."""

    svg: str
    table: Table


def relative(phases: NDArray[Any], mask: NDArray[np.bool_]) -> tuple[float, ...]:
    """Mean signal inside a mask (anterior, superior) in each phase (anterior, superior, phase), per cent of the first.

    Nothing where the mask is empty or the first phase has no signal there.
    """
    if not mask.any():
        return ()
    means = phases[mask].mean(axis=0, dtype=np.float64)
    return tuple(float(v) for v in 100 * means / means[0]) if means[0] > 0 else ()


def drawing(curves: Sequence[Curve], times: Sequence[float | None]) -> Drawing | None:
    """The curves over the phases' times in s, or over their numbers where a time is not known; None without a curve."""
    curves = [curve for curve in curves if curve.values]
    if not curves:
        return None
    known = [time for time in times if time is not None]
    timed = len(known) == len(times) and sorted(set(known)) == known
    x = [float(time) for time in known] if timed else [float(k) for k in range(len(curves[0].values))]
    unit = "s" if timed else "phase"
    words = "time, s" if timed else "phase (times unknown)"
    rows = [[number(x[k], 0), *(number(curve.values[k], 1) for curve in curves)] for k in range(len(curves[0].values))]
    table = Table(
        "curve", "The curve's numbers: mean signal, per cent of the phase before contrast",
        [words, *(curve.name for curve in curves)], rows, words=(),
    )  # fmt: skip
    return Drawing(_svg(curves, x, words, unit), table)


def _svg(curves: Sequence[Curve], x: Sequence[float], words: str, unit: str) -> str:
    values = [value for curve in curves for value in curve.values]
    ticks = _ticks(min(*values, 100.0), max(*values, 100.0))
    low, high = min(ticks[0], *values), max(ticks[-1], *values)
    across = WIDTH - LEFT - RIGHT

    def place(at: float, value: float) -> tuple[float, float]:
        share = (at - x[0]) / ((x[-1] - x[0]) or 1.0)
        return LEFT + share * across, TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = [f'<line x1="{LEFT}" x2="{LEFT + across}" y1="{_at(y)}" y2="{_at(y)}" stroke="#d7dbe0"/>'
             f'<text x="{LEFT - 6}" y="{_at(y + 4)}" text-anchor="end">{tick:g}</text>'
             for tick in ticks for y in (place(x[0], tick)[1],)]  # fmt: skip
    parts += [f'<text x="{_at(place(at, low)[0])}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{at:.0f}</text>'
              for at in x]  # fmt: skip
    parts.append(f'<text x="{LEFT + across / 2:g}" y="{HEIGHT - 4}" text-anchor="middle">{words}</text>')
    parts.append(f'<text x="{LEFT - 6}" y="{HEIGHT - 4}" text-anchor="end">%</text>')
    ends = _apart([place(x[-1], curve.values[-1])[1] for curve in curves])
    for curve, end in zip(curves, ends, strict=True):
        points = [place(at, value) for at, value in zip(x, curve.values, strict=True)]
        line = " ".join(f"{_at(a)},{_at(b)}" for a, b in points)
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{curve.colour}" stroke-width="2.2"'
            f' stroke-dasharray="{curve.dashes}"/>'
        )
        parts += [
            f'<circle cx="{_at(a)}" cy="{_at(b)}" r="3.2" fill="{curve.colour}"><title>{curve.name}: {value:.0f} %'
            f" at {f'{at:.0f} s' if unit == 's' else f'phase {at:.0f}'}</title></circle>"
            for (a, b), at, value in zip(points, x, curve.values, strict=True)
        ]
        parts.append(f'<text x="{_at(points[-1][0] + 8)}" y="{_at(end + 4)}">{curve.name}</text>')
    return "".join(parts)


def _at(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _ticks(low: float, high: float) -> list[float]:
    """Round values that cover an interval, some four of them."""
    span = max(high - low, 5.0)
    step = next(s for s in (5, 10, 20, 25, 50, 100, 200, 500, 1000, 2000, 5000, 10**4, 10**5) if span / s <= 5)
    return [float(step * k) for k in range(int(np.floor(low / step)), int(np.ceil(high / step)) + 1)]


def _apart(ends: Sequence[float], least: float = 14.0) -> list[float]:
    """Heights of labels, moved so that they do not lie over one another."""
    placed: Mapping[int, float] = {}
    found, last = dict(placed), -least
    for k in sorted(range(len(ends)), key=lambda k: ends[k]):
        last = max(ends[k], last + least)
        found[k] = last
    return [found[k] for k in range(len(ends))]
