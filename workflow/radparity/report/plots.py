"""Plots: learning curves, and the phantoms' truth."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

import pandas as pd

from radparity.figures import style
from radparity.figures.spreads import spread
from radparity.report.figures import INK, MARKERS, Figure, canvas, finish, line_of, styled
from radparity.report.results import Results
from radparity.report.tables import location_given


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
    groups = [(arm, table.loc[table["arm"] == arm, "dice_truth"], style.NETWORK) for arm in results.arms]
    first = table.drop_duplicates("case")
    for position, reader in enumerate(results.config["readers"]["test"]):
        if f"dice_{reader}" in first:
            groups.append((reader, first[f"dice_{reader}"], style.reader(position)))
    figure, axes = canvas(min(9.6, 1.1 * len(groups) + 1.0), 3.2)
    axis = axes[0, 0]
    for position, (name, values, look) in enumerate(groups):
        spread(axis, position, values, look, f"truth-{name}")
    labels = ["\n".join(wrap(name.replace("_", "_ "), 14)).replace("_ ", "_") for name, *_ in groups]
    for position, arm in enumerate(results.arms):
        labels[position] += "\nlocation given" if location_given(arm, results.config) else ""
    axis.set_xticks(range(len(groups)), labels, fontsize=8)
    axis.set(ylabel="Dice with the true cancer", ylim=(-0.03, 1.03), xlim=(-0.6, len(groups) - 0.4))
    caption = (
        f"Masks of the arms and {'outlines' if results.few else 'outlines of the simulated readers'} against the"
        " phantoms' true cancer on the outlined section, one point a test case; bars: median and quartiles."
    )
    each = "reference" if results.few else "reader"
    return finish(figure, "truth", caption, f"Dice against the true cancer for each arm and {each}")
