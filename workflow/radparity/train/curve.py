"""The course of a training, as a table and as a picture. Equal curves give equal bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from radparity.report.figures import BARS, INK, canvas, styled


def table(curve: Sequence[dict[str, Any]]) -> str:
    """A row per validation, tab-separated; what is not known is empty."""
    columns = list(curve[0]) if curve else ["step"]
    rows = [columns, *[["" if row[c] is None else row[c] for c in columns] for row in curve]]
    return "\n".join("\t".join(map(str, row)) for row in rows) + "\n"


@styled
def picture(curve: Sequence[dict[str, Any]], selected_step: int, title: str) -> bytes:
    """Loss and validation Dice over the steps as PNG; a line marks the step whose weights were selected."""
    import matplotlib.pyplot as plt

    figure, axes = canvas(7, 2.6, columns=2)
    steps = [row["step"] for row in curve]
    names = {"loss": "training loss", "validation_dice": "tumour", "validation_background_dice": "background"}
    for axis, columns in zip(axes[0], (["loss"], ["validation_dice", "validation_background_dice"]), strict=True):
        for colour, column in zip(BARS, columns, strict=False):
            points = [(s, row[column]) for s, row in zip(steps, curve, strict=True) if row[column] is not None]
            if points:
                axis.plot(*zip(*points, strict=True), color=colour, marker="o", markersize=3, label=names[column])
        axis.axvline(selected_step, color=INK, linewidth=0.8, linestyle=":")
        axis.set_xlabel("step")
    axes[0, 0].set(ylabel="loss", title=title)
    axes[0, 1].set(ylabel="Dice", ylim=(-0.02, 1.02), title="inner validation")
    if axes[0, 1].lines[1:]:
        axes[0, 1].legend(fontsize=7)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110, metadata={"Software": None})
    plt.close(figure)
    return stream.getvalue()
