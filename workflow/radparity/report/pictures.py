"""Pictures: sections of cases. Sagittal, superior at the top, anterior to the right, as letters at the edges say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.image import load, spacing
from radparity.report.figures import NETWORK_LINE, Figure, canvas, finish, line_of, styled
from radparity.report.results import Results
from radparity.report.words import study_words
from radparity.segment import judged_section

Plane = NDArray[Any]
"""One section, (anterior, superior)"""
CLOSE_MM = 15.0
CONVENTION = "Sagittal, superior at the top, anterior to the right."


def example_cases(results: Results) -> dict[str, str]:
    """The best, median and worst test case by the network's Dice, averaged over references (ties by name)."""
    table = results.table("cases")
    if table.empty:
        return {}
    drawn = [row for row in table.dropna(subset=["dice_network"]).to_dict("records") if _complete(results, row["case"])]
    ranked = [row["case"] for row in sorted(drawn, key=lambda row: (row["dice_network"], row["case"]))]
    if not ranked:
        return {}
    return {"best": ranked[-1], "median": ranked[(len(ranked) - 1) // 2], "worst": ranked[0]}


def _complete(results: Results, case: str) -> bool:
    return all(case in results.images[name] for name in ("channels", "probabilities", "masks", "outlines"))


def show(axes: Any, plane: Plane, mm: NDArray[Any], low: float, high: float, colours: str = "gray") -> Any:
    """A section in mm, superior at the top, anterior to the right, with a letter at each edge."""
    extent = (0, plane.shape[0] * mm[0], 0, plane.shape[1] * mm[1])
    image = axes.imshow(
        plane.T, origin="lower", extent=extent, cmap=colours, vmin=low, vmax=high, interpolation="nearest"
    )
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)
    for x, y, letter in ((0.02, 0.5, "P"), (0.98, 0.5, "A"), (0.5, 0.98, "S"), (0.5, 0.02, "I")):
        at = {
            "ha": "left" if x < 0.1 else "right" if x > 0.9 else "center",
            "va": "bottom" if y < 0.1 else "top" if y > 0.9 else "center",
        }
        text = axes.text(x, y, letter, transform=axes.transAxes, color="white", fontsize=7.5, **at)
        _halo(text, 1.6)
    return image


def _halo(artist: Any, width: float) -> None:
    from matplotlib import patheffects

    artist.set_path_effects([patheffects.withStroke(linewidth=width, foreground="black")])


def outline(axes: Any, mask: Plane, mm: NDArray[Any], colour: str, line: Any, width: float, halo: bool = False) -> None:
    """The border of a mask, on its own voxels' grid; with a dark halo where it must stand out."""
    if not mask.any():
        return
    padded = np.pad(mask.astype(float), 1)
    x, y = ((np.arange(n) - 0.5) * step for n, step in zip(padded.shape, mm, strict=True))
    drawn = axes.contour(x, y, padded.T, levels=[0.5], colors=[colour], linewidths=width, linestyles=[line])
    if halo:
        _halo(drawn, width + 1.0)


def windows(channels: NDArray[Any]) -> list[tuple[float, float]]:
    """Display limits of T1c, DCE-in and DCE-out of one section (channel, anterior, superior), by percentiles."""
    limits = [(0.0, float(np.percentile(channels[0], 99.7)))]
    limits.append((0.0, float(np.percentile(channels[1], 99.7))))
    washout = float(np.percentile(np.abs(channels[2]), 99.5))
    limits.append((-washout, washout))
    return [(low, high if high > low else low + 1.0) for low, high in limits]


@styled
def channel_panel(results: Results, case: str, name: str, caption: str) -> Figure:
    """One section: T1c, DCE-in, DCE-out, the network's probability and its folds' disagreement, outlines, its mask."""
    section = results.records["segment"][case]["section"]
    image, affine = load(results.images["channels"][case])
    planes, mm = np.moveaxis(image[section], -1, 0), spacing(affine)[1:]
    prediction = results.records["predict"][case] | {"section": section}
    chance = judged_section(load(results.images["probabilities"][case])[0], prediction)
    mask = load(results.images["masks"][case], np.uint8)[0][0] > 0
    ratio = planes.shape[2] * mm[1] / (planes.shape[1] * mm[0])
    disagreement = results.images["disagreements"].get(case)
    columns = 5 if disagreement else 4
    figure, axes = canvas(2.35 * columns + 0.4, 2.2 * ratio + 0.4, 1, columns)
    limits = windows(planes)
    for axis, title, plane, (low, high) in zip(axes[0], ("T1c", "DCE-in", "DCE-out"), planes, limits, strict=False):
        show(axis, plane, mm, low, high)
        axis.set_title(title)
    top = float(chance.max()) or 1.0
    drawn = show(axes[0, 3], chance, mm, 0, top, "cividis")
    axes[0, 3].set_title("probability, network")
    figure.colorbar(drawn, ax=axes[0, 3], shrink=0.75, pad=0.02).outline.set_visible(False)
    if disagreement:
        apart = judged_section(load(disagreement)[0], prediction)
        drawn = show(axes[0, 4], apart, mm, 0, float(apart.max()) or 1.0, "magma")
        axes[0, 4].set_title("fold disagreement")
        bar = figure.colorbar(drawn, ax=axes[0, 4], shrink=0.75, pad=0.02, label="standard deviation")
        bar.outline.set_visible(False)
    if case in results.images["outlines"]:
        raters = results.records["outline"][case]["raters"]
        readers = load(results.images["outlines"][case], np.uint8)[0][0] > 0
        for axis in axes[0, :3]:
            for reader in results.config["readers"]["test"]:
                outline(axis, readers[..., raters.index(reader)], mm, line_of(0)[0], "-", 0.7)
        caption += f" Orange: {study_words(results.config).drawn}."
    for axis in axes[0, 3:] if case in results.images["outlines"] else axes[0]:
        outline(axis, mask, mm, *NETWORK_LINE, 0.9, halo=True)
    caption += (
        " Yellow: the network's mask. DCE-out: middle grey is no change, darker is washout. The probability's "
        f"scale ends at the section's maximum, {top:.2f}."
    )
    if disagreement:
        inside = results.records["segment"][case].get("disagreement")
        mean = f"; inside the mask its mean is {inside:.3f}" if inside is not None else ""
        caption += f" Fold disagreement: standard deviation over the folds' networks{mean}."
    caption += f" {CONVENTION}"
    return finish(
        figure, name, caption, f"Four images of one section of case {case}: T1c, DCE-in, DCE-out, network probability"
    )


@styled
def readers_panel(results: Results, cases: Mapping[str, str]) -> Figure:
    """Readers' outlines and the network's mask on T1c for the best, median and worst test case, whole and from near."""
    readers = results.config["readers"]["test"]
    scores = results.table("cases").set_index("case")
    ranks = {case: ", ".join(rank for rank, other in cases.items() if other == case) for case in cases.values()}
    figure, axes = canvas(max(3.4 * len(ranks), 6.8), 7.2, 2, len(ranks))
    for column, (case, rank) in enumerate(ranks.items()):
        section = results.records["segment"][case]["section"]
        image, affine = load(results.images["channels"][case])
        plane, mm = image[section, ..., 0], spacing(affine)[1:]
        high = windows(np.moveaxis(image[section], -1, 0))[0][1]
        drawn = load(results.images["outlines"][case], np.uint8)[0][0] > 0
        raters = results.records["outline"][case]["raters"]
        mask = load(results.images["masks"][case], np.uint8)[0][0] > 0
        box = around(mask | drawn.any(axis=-1), mm)
        for axis, lines in ((axes[0, column], 0.7), (axes[1, column], 1.4)):
            show(axis, plane, mm, 0, high)
            outline(axis, mask, mm, *NETWORK_LINE, 2.2 * lines, halo=True)
            for position, reader in enumerate(readers):
                outline(axis, drawn[..., raters.index(reader)], mm, *line_of(position), lines)
        axes[1, column].set_xlim(box[0], box[0] + box[2])
        axes[1, column].set_ylim(box[1], box[1] + box[2])
        axes[0, column].add_patch(_frame(box))
        own = scores.loc[case]
        axes[0, column].set_title(
            f"{rank}: {case}\nnetwork {own['dice_network']:.3f}"
            + (f", readers {own['dice_reader']:.3f}" if "dice_reader" in own else "")
        )
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=line_of(k)[0], linestyle=line_of(k)[1], linewidth=1.8) for k in range(len(readers))]
    handles.append(Line2D([], [], color=NETWORK_LINE[0], linewidth=3.2))
    _halo(handles[-1], 4.4)
    figure.legend(handles, [*readers, "network"], loc="outside lower center", ncols=len(handles), handlelength=4)
    words = study_words(results.config)
    by = "the network's Dice" if words.few else "the network's Dice, averaged over references"
    caption = (
        f"{words.others.capitalize()} and network on T1c: best, median and worst test case by {by}. Below: the framed"
        f" part. {CONVENTION}"
    )
    said = f"Outlines of the {words.others} and the mask of the network on " + ", ".join(ranks)
    return finish(figure, "readers", caption, said)


def around(mask: Plane, mm: NDArray[Any]) -> tuple[float, float, float]:
    """A square in mm around a mask, inside the image: left, lower, side."""
    size = [n * step for n, step in zip(mask.shape, mm, strict=True)]
    where = [np.flatnonzero(mask.any(axis=other)) for other in (1, 0)]
    if not where[0].size:
        return 0.0, 0.0, float(min(size))
    low = [float(w[0] * step) for w, step in zip(where, mm, strict=True)]
    high = [float((w[-1] + 1) * step) for w, step in zip(where, mm, strict=True)]
    side = max(last - first for first, last in zip(low, high, strict=True)) + 2 * CLOSE_MM
    side = min(side, *size)
    corner = [float(np.clip((a + b - side) / 2, 0, n - side)) for a, b, n in zip(low, high, size, strict=True)]
    return corner[0], corner[1], side


def _frame(box: tuple[float, float, float]) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(box[:2], box[2], box[2], fill=False, edgecolor="white", linewidth=0.8)


@styled
def kinetics_panel(results: Results, exam: str) -> Figure:
    """Own enhancement maps beside the site's, on the section with most of the functional tumour volume."""
    record = results.records["kinetics"][exam]
    image, affine = load(results.images["kinetic_maps"][exam])
    names = ["percent enhancement, ours", "signal enhancement ratio, ours"]
    names += [
        f"{title}, the site's"
        for key, title in (("enhancement_map", "percent enhancement"), ("washout_map", "signal enhancement ratio"))
        if key in record
    ]
    tumour = image[..., -1] > 0
    section = int(np.argmax(tumour.sum(axis=(1, 2)))) if tumour.any() else image.shape[0] // 2
    mm = spacing(affine)[1:]
    order = sorted(
        range(len(names)), key=lambda k: (k % 2 if len(names) == 4 else "ratio" in names[k], "site" in names[k])
    )
    ratio = image.shape[2] * mm[1] / (image.shape[1] * mm[0])
    figure, axes = canvas(2.55 * len(names), 2.2 * ratio + 0.75, 1, len(names))
    for axis, layer in zip(axes[0], order, strict=True):
        high = 200.0 if "percent" in names[layer] else 2.0
        drawn = show(axis, image[section, ..., layer], mm, 0, high, "cividis")
        outline(axis, tumour[section], mm, "white", "-", 0.7, halo=True)
        axis.set_title(names[layer].replace(", ", ",\n"))
        figure.colorbar(drawn, ax=axis, orientation="horizontal", shrink=0.8, pad=0.03).outline.set_visible(False)
    where = "White: our functional tumour volume. " if tumour.any() else ""
    shown = "The site's maps are 0 where it masked them. " if len(names) > 2 else ""
    caption = f"Exam {exam}, one section. {where}{shown}{CONVENTION}"
    return finish(figure, f"kinetics-{exam}", caption, f"Enhancement maps of exam {exam}: ours beside the site's")
