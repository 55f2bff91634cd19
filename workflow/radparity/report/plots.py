"""Plots: distributions of Dice, differences, learning curves, and the phantoms' truth."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radparity.report.figures import INK, MARKERS, SOFT, Figure, canvas, finish, line_of, styled
from radparity.report.results import Results
from radparity.report.tables import location_given

FEWEST_FOR_VIOLIN = 20
NETWORK_COLOUR = "#0072B2"
GOLDEN = 0.6180339887498949


def _strip(axes: Any, at: float, values: NDArray[Any], colour: str, marker: str) -> None:
    """Every value as a point, spread sideways by its rank (no chance in it), quartiles and, where many, a violin."""
    values = np.sort(values[np.isfinite(values)])
    if not values.size:
        axes.text(at, 0.02, "none", ha="center", color=SOFT, transform=axes.get_xaxis_transform())
        return
    if values.size >= FEWEST_FOR_VIOLIN and np.ptp(values) > 0:
        body = axes.violinplot([values], [at], widths=0.8, showextrema=False)["bodies"][0]
        body.set(facecolor=colour, alpha=0.22, edgecolor="none")
    aside = ((np.arange(values.size) * GOLDEN) % 1 - 0.5) * 0.36
    axes.scatter(
        at + aside, values, s=17, marker=marker, facecolor=colour, edgecolor="white", linewidth=0.4, alpha=0.9, zorder=3
    )
    low, middle, high = np.percentile(values, [25, 50, 75])
    axes.plot([at + 0.3, at + 0.3], [low, high], color=INK, linewidth=2.2, zorder=4, solid_capstyle="butt")
    axes.plot([at + 0.23, at + 0.37], [middle, middle], color=INK, linewidth=2.2, zorder=4)


@styled
def dice_plot(results: Results) -> Figure:
    """Dice of network and readers over the test cases: averaged, and each reader on the own reference."""
    cases, scores = results.table("cases"), results.table("scores")
    readers = results.config["readers"]["test"]
    figure, axes = canvas(9.6, 3.5)
    axis = axes[0, 0]
    axis.axvspan(-0.5, 1.5, color="#f1f3f6", zorder=0)
    _strip(axis, 0, cases["dice_network"].to_numpy(float), NETWORK_COLOUR, "o")
    _strip(axis, 1, cases["dice_reader"].to_numpy(float), SOFT, "s")
    labels = ["network,\naveraged", "readers,\naveraged"]
    for position, reader in enumerate(readers):
        own = scores[scores["reference"] == reader]
        _strip(axis, 2 + 2 * position, own["dice_network"].to_numpy(float), NETWORK_COLOUR, "o")
        _strip(
            axis, 3 + 2 * position, own["dice_reader"].to_numpy(float), line_of(position)[0], MARKERS[1 + position % 5]
        )
        labels += [f"network,\nwithout {reader}", f"{reader},\nsame ref."]
        axis.axvline(1.5 + 2 * position, color="#d7dbe0", linewidth=0.8)
    axis.set_xticks(range(len(labels)), labels, fontsize=7.5)
    axis.set(ylabel="Dice", ylim=(-0.03, 1.03), xlim=(-0.5, len(labels) - 0.5))
    caption = (
        "Dice over the test cases, one point a case; bars: median and quartiles. Averaged over references on "
        "grey; then the network and each reader on the reference made without that reader."
    )
    return finish(figure, "dice", caption, "Distribution of Dice of the network and of each reader")


@styled
def difference_plot(results: Results) -> Figure:
    """Network minus reader, case by case, for each reference and averaged, with the margin and its interval."""
    cases, scores = results.table("cases"), results.table("scores")
    readers, margin = results.config["readers"]["test"], results.config["compare"]["margin"]
    figure, axes = canvas(9.6, 3.3)
    axis = axes[0, 0]
    axis.axhspan(-margin, margin, color="#e7ebf0", zorder=0)
    axis.axhline(0, color=SOFT, linewidth=0.8)
    _strip(axis, 0, cases["difference"].to_numpy(float), NETWORK_COLOUR, "o")
    rows = results.table("equivalence")
    rows = rows[rows["test"] == "margin"]
    if len(rows) and np.isfinite(rows.iloc[0][["low", "high"]].to_numpy(float)).all():
        row = rows.iloc[0]
        bars = [[row["estimate"] - row["low"]], [row["high"] - row["estimate"]]]
        axis.errorbar(
            [-0.33], [row["estimate"]], bars, fmt="D", color=INK, markersize=5, capsize=4, linewidth=1.6, zorder=5
        )
    for position, reader in enumerate(readers):
        own = scores[scores["reference"] == reader]
        _strip(
            axis,
            1 + position,
            (own["dice_network"] - own["dice_reader"]).to_numpy(float),
            line_of(position)[0],
            MARKERS[1 + position % 5],
        )
    axis.set_xticks(range(1 + len(readers)), ["averaged", *(f"without {reader}" for reader in readers)])
    axis.set(ylabel="Dice, network minus reader", xlim=(-0.6, len(readers) + 0.6))
    level = 100 * (1 - 2 * results.config["compare"]["alpha"])
    caption = (
        f"Difference in Dice, one point a case; bars: median and quartiles. Grey band: margin ±{margin:g}. "
        f"Diamond: mean with the {level:g} % interval of the primary test. Above 0 the network is higher."
    )
    return finish(figure, "differences", caption, "Differences in Dice between network and reader by reference")


@styled
def learning_plot(results: Results) -> Figure:
    """Loss and validation Dice over the steps of training, a line for each fold, a row for each trained arm."""
    arms = sorted({arm for arm, _ in results.curves}, key=lambda arm: (arm != results.primary, arm))
    figure, axes = canvas(9.6, 2.7 * len(arms), len(arms), 2)
    for row, arm in enumerate(arms):
        for position, fold in enumerate(sorted((f for a, f in results.curves if a == arm), key=int)):
            curve = results.curves[arm, fold]
            if curve.empty:
                continue
            colour, line = line_of(position)
            style: dict[str, Any] = {
                "color": colour,
                "linestyle": line,
                "marker": MARKERS[position % 6],
                "markersize": 4,
            }
            for axis, column in zip(axes[row], ("loss", "validation_dice"), strict=True):
                own = curve.dropna(subset=[column])
                axis.plot(own["step"], own[column], label=f"fold {fold}", **style)
            chosen = results.training.get((arm, fold), {})
            best = curve[curve["step"] == chosen.get("selected_step")].dropna(subset=["validation_dice"])
            axes[row, 1].scatter(
                best["step"], best["validation_dice"], s=110, facecolor="none", edgecolor=INK, linewidth=1, zorder=5
            )
        axes[row, 0].set(ylabel="training loss", xlabel="step", title=f"{arm}: loss")
        axes[row, 1].set(ylabel="Dice, inner validation", xlabel="step", title=f"{arm}: validation", ylim=(-0.02, 1.0))
        axes[row, 0].legend()
    caption = (
        "Training, a line for each fold. Ring: the step whose weights were kept. Validation cases come from the "
        "training folds, never from the held-out one."
    )
    return finish(figure, "learning", caption, "Learning curves of training for each fold")


@styled
def truth_plot(results: Results) -> Figure | None:
    """Dice against the phantoms' true cancer: every arm and every reader, on the outlined section."""
    table = results.verify.get("cases", pd.DataFrame())
    if table.empty:
        return None
    groups = [(arm, table.loc[table["arm"] == arm, "dice_truth"], NETWORK_COLOUR, "o") for arm in results.arms]
    first = table.drop_duplicates("case")
    for position, reader in enumerate(results.config["readers"]["test"]):
        if f"dice_{reader}" in first:
            groups.append((reader, first[f"dice_{reader}"], line_of(position)[0], MARKERS[1 + position % 5]))
    figure, axes = canvas(min(9.6, 1.1 * len(groups) + 1.0), 3.2)
    axis = axes[0, 0]
    for position, (_, values, colour, marker) in enumerate(groups):
        _strip(axis, position, values.to_numpy(float), colour, marker)
    labels = ["\n".join(wrap(name.replace("_", "_ "), 14)).replace("_ ", "_") for name, *_ in groups]
    for position, arm in enumerate(results.arms):
        labels[position] += "\nlocation given" if location_given(arm, results.config) else ""
    axis.set_xticks(range(len(groups)), labels, fontsize=8)
    axis.set(ylabel="Dice with the true cancer", ylim=(-0.03, 1.03), xlim=(-0.6, len(groups) - 0.4))
    caption = (
        "Masks of the arms and outlines of the simulated readers against the phantoms' true cancer on the "
        "outlined section, one point a test case; bars: median and quartiles."
    )
    return finish(figure, "truth", caption, "Dice against the true cancer for each arm and reader")
