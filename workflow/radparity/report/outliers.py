"""Outliers on the page: the worst test cases as a table and as pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from radparity.image import load, spacing
from radparity.report.figures import NETWORK_LINE, Figure, canvas, finish, line_of, styled
from radparity.report.pictures import CONVENTION, around, outline, show, windows
from radparity.report.results import Results
from radparity.report.tables import Table, missing, number
from radparity.report.words import study_words

COLUMNS = 3
IMAGES = ("channels", "masks", "outlines")


def outliers_table(results: Results) -> Table | None:
    """The worst test cases of the primary arm with what is known of each; none where the comparison lists none."""
    rows = results.table("outliers")
    if rows.empty:
        return None
    maps = rows[["section_maximum", "disagreement"]].notna().any(axis=None)  # of finished masks nothing is known
    body = [
        [
            str(row["case"]),
            number(row["dice_network"]),
            number(row["dice_reader"]),
            number(row["difference"], sign=True),
            f"{row['rank_by_difference']:d} / {row['rank_by_dice']:d}",
            str(row["network_mask"]),
            number(row["network_size"], 0),
            number(row["readers_size"], 0),
            number(row["centroid_distance_mm"], 1),
            *([number(row["section_maximum"], 2), number(row["disagreement"])] if maps else []),
        ]
        for row in rows.to_dict("records")
    ]
    head = ["case", "network's Dice", "readers' Dice", "difference", "rank by difference / by Dice", "network's mask"]
    head += ["its area, mm²", "readers' area, mm²", "centroids apart, mm"]
    head += ["section maximum", "fold disagreement"] if maps else []
    note = (
        "Dice averaged over references. Rank 1 is the worst; a case is listed by the better of its two ranks. Readers' "
        "area: the median outline (of volumes: mm³). Centroids: of the mask and of the union of the readers' outlines. "
        "Disjoint: without a voxel of any reader's outline."
    )
    if maps:
        note += " Fold disagreement: standard deviation over the folds' networks, its mean inside the mask."
    return Table("outliers", f"The {len(body)} worst test cases", head, body, note, (0, 5))


@styled
def outlier_figure(results: Results) -> Figure | None:
    """T1c and DCE-in around the lesion of each of the worst test cases, with readers' outlines and network's mask."""
    table = results.table("outliers")
    rows = [r for r in table.to_dict("records") if all(r["case"] in results.images[name] for name in IMAGES)]
    if not rows:
        return None
    columns, blocks = min(COLUMNS, len(rows)), -(-len(rows) // COLUMNS)
    figure, axes = canvas(max(3.1 * columns, 6.2), 6.3 * blocks + 0.5, 2 * blocks, columns)
    for axis in axes.ravel():
        axis.set_visible(False)
    for number_of, row in enumerate(rows):
        block, column = divmod(number_of, COLUMNS)
        _case(axes[2 * block : 2 * block + 2, column], results, row)
    readers = results.config["readers"]["test"]
    _legend(figure, readers)
    names = ", ".join(str(row["case"]) for row in rows)
    caption = f"The {len(rows)} worst test cases, the worst first: T1c, and below it DCE-in, from near. {CONVENTION}"
    who = study_words(results.config).others
    return finish(figure, "outliers", caption, f"Outlines of {who} and network on the worst test cases: {names}")


def _case(axes: Any, results: Results, row: Mapping[Any, Any]) -> None:
    """T1c over DCE-in of one case, in mm, cut to the outlines."""
    case = str(row["case"])
    record = results.records["segment"][case]
    image, affine = load(results.images["channels"][case])
    planes, mm = np.moveaxis(image[record["section"]], -1, 0), spacing(affine)[1:]
    drawn = load(results.images["outlines"][case], np.uint8)[0][0] > 0
    mask = load(results.images["masks"][case], np.uint8)[0][0] > 0
    raters = results.records["outline"][case]["raters"]
    left, low_end, side = around(mask | drawn.any(axis=-1), mm)
    for axis, plane, (low, high), channel in zip(axes, planes, windows(planes), ("T1c", "DCE-in"), strict=False):
        axis.set_visible(True)
        show(axis, plane, mm, low, high)
        outline(axis, mask, mm, *NETWORK_LINE, 2.6, halo=True)
        for position, reader in enumerate(results.config["readers"]["test"]):
            outline(axis, drawn[..., raters.index(reader)], mm, *line_of(position), 1.2)
        axis.set(xlim=(left, left + side), ylim=(low_end, low_end + side))
        axis.set_title(channel)
    said = f"{case}: {scored(row)}"
    if not missing(row["network_mask"]) and row["network_mask"] != "overlapping":
        said += f"\nnetwork's mask is {row['network_mask']}"
    axes[0].set_title(f"{said}\nT1c")


def scored(row: Mapping[Any, Any]) -> str:
    """The Dice of a case in words: the network's, and the readers' where three or more judge one another."""
    own = f"network {number(row['dice_network'])}"
    return f"{own}, readers {number(row['dice_reader'])}" if "dice_reader" in row else own


def _legend(figure: Any, readers: list[str]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=line_of(k)[0], linestyle=line_of(k)[1], linewidth=1.8) for k in range(len(readers))]
    handles.append(Line2D([], [], color=NETWORK_LINE[0], linewidth=3.2))
    figure.legend(handles, [*readers, "network"], loc="outside lower center", ncols=len(handles), handlelength=4)
