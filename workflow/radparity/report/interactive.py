"""Interactive: figures to point at; each has a still picture for print and for browsers without scripts.

All of them draw from one table with a row a case, so that a case costs the page a few hundred bytes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from radparity.figures import style
from radparity.figures.style import BAND
from radparity.report import vega
from radparity.report.case_list import UNITS, case_sizes, paged
from radparity.report.figures import INK, SOFT, Figure, canvas, finish, styled
from radparity.report.paper import paper_figures
from radparity.report.results import Results

PAPER = {"dice": "paper-e8", "references": "paper-5a"}
"""Interactive figure to the paper's figure with the same numbers, which is its still picture."""
DASHED = (0, (4, 2))


@dataclass(frozen=True)
class Interactive:
    """A figure to point at: `specification` is JSON text for Vega-Lite, without its data."""

    name: str
    caption: str
    specification: str
    still: Figure


def interactive_part(results: Results) -> dict[str, Any]:
    """The variables of the template `interactive.html.j2`: figures, their data, and whether cases have pages."""
    return {
        "interactive": interactive_figures(results),
        "interactive_data": interactive_data(results),
        "interactive_linked": bool(paged(results)),
    }


def interactive_figures(results: Results) -> list[Interactive]:
    """The interactive figures of the primary arm's comparison; none before it is complete."""
    table = case_table(results)
    if table.empty:
        return []
    margin, readers = results.config["compare"]["margin"], results.config["readers"]["test"]
    linked = bool(paged(results))
    paper = {figure.name: figure for figure in paper_figures(results)}
    lowest = table[["network", "readers"]].min(axis=None)
    specifications = {
        "dice": vega.dice(margin, min(0.9, math.floor(10 * lowest) / 10), linked),
        "references": vega.references(readers, linked),
    }
    captions = {
        "dice": "Dice of network and readers, each averaged over a case's references. Dashed: equal. Band: within the"
        f" margin of {margin:g}.",
        "references": "Dice of the network and of each reader, on the reference made without that reader. Bars:"
        " medians.",
    }
    found = [
        Interactive(name, captions[name], text, paper[PAPER[name]])
        for name, text in specifications.items()
        if PAPER[name] in paper
    ]
    _, unit = case_sizes(results)
    unit = UNITS.get(unit, unit)
    if "size_readers" not in table or not unit:
        return found
    caption = f"Difference in Dice, network minus readers, by the mean size of the readers' outlines. Band: {margin:g}."
    still = _difference(table, margin, unit, caption)
    found.append(Interactive("difference", caption, vega.difference(margin, unit, linked), still))
    limits = _limits(results)
    if limits is not None:
        caption = (
            f"Size of the network's mask and mean size of the readers' outlines, {unit}. Line: mean difference,"
            f" {limits['bias']:.3g}; dashed: limits of agreement, {limits['limit_low']:.3g} and"
            f" {limits['limit_high']:.3g}."
        ).replace("-", "−")
        text = vega.agreement(limits["bias"], limits["limit_low"], limits["limit_high"], unit, linked)
        found.append(Interactive("agreement", caption, text, _agreement(table, limits, unit, caption)))
    return found


def case_table(results: Results) -> pd.DataFrame:
    """A row a compared case: case, patient, Dice of network and readers (averaged), their difference, sizes of both,
    and network's (n0, n1, ...) and reader's (r0, r1, ...) Dice on the reference of each reader in turn.
    """
    cases = results.table("cases")
    if cases.empty or results.few:  # its figures set readers beside the network
        return pd.DataFrame()
    names = {"dice_network": "network", "dice_reader": "readers"}
    table = cases.rename(columns=names).dropna(subset=["network", "readers"]).sort_values("readers", kind="stable")
    table = table[["case", "patient", "network", "readers", "difference"]].set_index("case")
    scores = results.table("scores")
    for position, reader in enumerate(results.config["readers"]["test"]):
        own = scores[(scores["reference"] == reader) & scores["usable"]].set_index("case")
        table[f"n{position}"], table[f"r{position}"] = own["dice_network"], own["dice_reader"]
    table = table.round(4)
    sizes, _ = case_sizes(results)
    if sizes:
        table["size_network"] = pd.Series({case: network for case, (network, _) in sizes.items()}).round(1)
        table["size_readers"] = pd.Series({case: readers for case, (_, readers) in sizes.items()}).round(1)
    return table.reset_index()


def interactive_data(results: Results) -> str:
    """The rows of `case_table` as JSON text, without what has no value."""
    rows = [
        {name: value for name, value in row.items() if not pd.isna(value)}
        for row in case_table(results).to_dict("records")
    ]
    return json.dumps(rows, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _limits(results: Results) -> Mapping[Any, Any] | None:
    """Bias and limits of agreement of the network's sizes with the mean of the readers'."""
    table = results.table("size_summary")
    if table.empty:
        return None
    own = table[(table["rater"] == "network") & (table["against"] == "readers")].dropna(subset=["limit_low"])
    return own.to_dict("records")[0] if len(own) == 1 else None


@styled
def _difference(table: pd.DataFrame, margin: float, unit: str, caption: str) -> Figure:
    figure, axes = canvas(4.9, 4.1)
    axis, used = axes[0, 0], table[table["size_readers"] > 0]
    axis.axhspan(-margin, margin, color=BAND, zorder=0)
    axis.axhline(0, color=SOFT, linestyle=DASHED, linewidth=0.9)
    axis.scatter(
        used["size_readers"], used["difference"], s=22, color=style.NETWORK.colour, edgecolor="white", zorder=3
    )
    axis.set(xscale="log", xlabel=f"size of the readers' outlines, {unit}", ylabel="Dice, network minus readers")
    for ticks in (axis.xaxis.set_major_formatter, axis.xaxis.set_minor_formatter):
        ticks("{x:g}")
    return finish(figure, "difference", caption, f"Difference in Dice over lesion size, {len(used)} cases")


@styled
def _agreement(table: pd.DataFrame, limits: Mapping[Any, Any], unit: str, caption: str) -> Figure:
    figure, axes = canvas(4.9, 4.1)
    axis = axes[0, 0]
    axis.axhline(limits["bias"], color=INK, linewidth=1)
    for name in ("limit_low", "limit_high"):
        axis.axhline(limits[name], color=SOFT, linestyle=DASHED, linewidth=0.9)
    network, readers = table["size_network"], table["size_readers"]
    axis.scatter(
        (network + readers) / 2, network - readers, s=22, color=style.NETWORK.colour, edgecolor="white", zorder=3
    )
    axis.set(xlabel=f"mean of network and readers, {unit}", ylabel=f"network minus readers, {unit}")
    return finish(figure, "agreement", caption, f"Sizes by network and readers, {len(table)} cases")
