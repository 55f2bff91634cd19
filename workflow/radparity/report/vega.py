"""Vega: specifications of the interactive figures, written with Altair; the page holds their data, one row a case.

Colours and shapes are those of the printed figures. A point names its case, and leads to its page.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from radparity.figures import style
from radparity.figures.style import BAND, GRID, INK, SOFT

CASES = "cases"
"""Name of the data in the specifications: the script fills it in."""
PAGE = "'cases/' + datum.case + '.html'"
SHAPES = dict(zip("sD^vPX", "square diamond triangle-up triangle-down cross triangle-right".split(), strict=True))
"""Markers of the printed figures to Vega's."""
WIDTH, HEIGHT = 430, 360
DASHES = [5, 3]
SIZE = 70


def dice(margin: float, low: float, linked: bool) -> str:
    """Network's Dice over the readers', from `low` to 1, with the line of equals and the band of the margin."""
    import altair as alt

    scale = alt.Scale(domain=[low, 1], nice=False)
    edges = [{"x": x, "low": x - margin, "high": x + margin} for x in (low, 1)]
    across = alt.X("x:Q", scale=scale, title="readers' Dice, averaged")
    base = alt.Chart(alt.InlineData(values=edges))
    up = "network's Dice, averaged"
    band = base.mark_area(color=BAND, clip=True).encode(across, alt.Y("low:Q", scale=scale, title=up), alt.Y2("high:Q"))
    equal = base.mark_line(color=SOFT, strokeDash=DASHES).encode(across, alt.Y("x:Q", scale=scale, title=up))
    numbers = [_number("network", "network's Dice"), _number("readers", "readers' Dice")]
    points = _points(alt.X("readers:Q", scale=scale), alt.Y("network:Q", scale=scale), numbers, linked)
    return _text(band + equal + points, "Network's Dice over the readers', a point a case")


def references(readers: Sequence[str], linked: bool) -> str:
    """Dice of network and left-out reader by reference; the data's columns n0, r0, n1, ... are theirs in turn."""
    import altair as alt

    looks = [style.NETWORK, *(style.reader(position) for position in range(len(readers)))]
    names = ["network", *readers]
    own, name = f"{json.dumps(list(readers))}[toNumber(slice(datum.column, 1))]", "datum.column[0] === 'n'"
    shapes = ["circle", *(SHAPES.get(look.marker, "square") for look in looks[1:])]
    across = alt.X("reference:N", sort=list(readers), title="reference made without", axis=alt.Axis(labelAngle=0))
    beside = alt.XOffset("side:N", sort=["network", "reader"])
    up = alt.Y("dice:Q", title="Dice", scale=alt.Scale(zero=False))
    base = (
        alt.Chart(alt.NamedData(CASES))
        .transform_fold([f"{each}{k}" for k in range(len(readers)) for each in "nr"], as_=["column", "dice"])
        .transform_filter("isValid(datum.dice)")
        .transform_calculate(reference=own, side=f"{name} ? 'network' : 'reader'", page=PAGE)
        .transform_calculate(rater="datum.side === 'network' ? 'network' : datum.reference")
    )
    points = base.mark_point(filled=True, size=SIZE, opacity=0.75, stroke="white", strokeWidth=0.5).encode(
        across,
        up,
        beside,
        color=alt.Color(
            "rater:N",
            title=None,
            legend=alt.Legend(orient="top"),
            scale=alt.Scale(domain=names, range=[look.colour for look in looks]),
        ),
        shape=alt.Shape("rater:N", title=None, scale=alt.Scale(domain=names, range=shapes)),
        **_link(linked),
        tooltip=[
            "case:N",
            "patient:N",
            "rater:N",
            alt.Tooltip("reference:N", title="reference without"),
            _number("dice"),
        ],
    )
    medians = base.mark_tick(color=INK, thickness=2, size=26).encode(
        across, alt.Y("median(dice):Q", title="Dice"), beside
    )
    return _text(points + medians, "Dice of network and reader by reference, two points a case and reference")


def difference(margin: float, unit: str, linked: bool) -> str:
    """Difference in Dice over the size of the readers' outlines (logarithmic), with the margin around 0."""
    import altair as alt

    said = "Dice, network minus readers"
    band = alt.Chart(alt.InlineData(values=[{"low": -margin, "high": margin}])).mark_rect(color=BAND)
    zero = alt.Chart(alt.InlineData(values=[{"zero": 0}])).mark_rule(color=SOFT, strokeDash=DASHES)
    across = alt.X("size_readers:Q", scale=alt.Scale(type="log"), title=f"size of the readers' outlines, {unit}")
    numbers = [_number("difference"), _number("network", "network's Dice"), _number("readers", "readers' Dice")]
    numbers.append(_number("size_readers", f"readers, {unit}", 0))
    points = _points(across, alt.Y("difference:Q", title=said), numbers, linked)
    return _text(
        band.encode(alt.Y("low:Q", title=said), alt.Y2("high:Q"))
        + zero.encode(alt.Y("zero:Q"))
        + points.transform_filter("datum.size_readers > 0"),
        "Difference in Dice over the size of the readers' outlines, a point a case",
    )


def agreement(bias: float, low: float, high: float, unit: str, linked: bool) -> str:
    """Difference of the sizes by network and readers over their mean: Bland and Altman."""
    import altair as alt

    said = f"network minus readers, {unit}"
    across = alt.X("mean:Q", title=f"mean of network and readers, {unit}")
    numbers = [_number("size_network", f"network, {unit}", 0), _number("size_readers", f"readers, {unit}", 0)]
    points = _points(across, alt.Y("apart:Q", title=said), numbers, linked).transform_calculate(
        mean="(datum.size_network + datum.size_readers) / 2", apart="datum.size_network - datum.size_readers"
    )
    lines = alt.Chart(alt.InlineData(values=[{"at": bias}])).mark_rule(color=INK).encode(alt.Y("at:Q", title=said))
    limits = [{"at": at} for at in (low, high)]
    dashed = alt.Chart(alt.InlineData(values=limits)).mark_rule(color=SOFT, strokeDash=DASHES).encode(alt.Y("at:Q"))
    return _text(lines + dashed + points, "Difference of the sizes over their mean, a point a case")


def _points(across: Any, up: Any, numbers: Sequence[Any], linked: bool) -> Any:
    import altair as alt

    chart = alt.Chart(alt.NamedData(CASES)).transform_calculate(page=PAGE)
    mark = chart.mark_point(
        filled=True, size=SIZE, opacity=0.85, color=style.NETWORK.colour, stroke="white", strokeWidth=0.8
    )
    return mark.encode(across, up, tooltip=["case:N", "patient:N", *numbers], **_link(linked))


def _link(linked: bool) -> dict[str, str]:
    return {"href": "page:N"} if linked else {}


def _number(column: str, title: str | None = None, digits: int = 3) -> Any:
    import altair as alt

    return alt.Tooltip(f"{column}:Q", title=title or column, format=f".{digits}f")


def _text(chart: Any, said: str) -> str:
    """The specification without an address in it, in the page's letters; the same chart gives the same text."""
    drawn = chart.properties(width=WIDTH, height=HEIGHT, description=said).configure(
        font="system-ui, sans-serif", background="white"
    )
    drawn = drawn.configure_axis(
        gridColor=GRID, labelColor=INK, titleColor=INK, titleFontWeight="normal", domainColor=SOFT
    )
    drawn = drawn.configure_view(stroke=None)
    found = drawn.to_dict()
    del found["$schema"]
    return json.dumps(found, sort_keys=True, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
