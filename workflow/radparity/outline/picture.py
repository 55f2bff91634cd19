"""The picture of suspect and doubtful outlines: where each was drawn, and where it would follow the uptake better."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.outline.uptake import TOGETHER, Finding, Mask, together

DRAWN, BETTER = "#ffd000", "#40e0ff"


def draw_suspects(
    findings: Sequence[Finding],
    uptake: NDArray[Any],
    outlines: NDArray[Any],
    raters: Sequence[str],
    section: int,
    spacing: Sequence[float] | NDArray[np.float64],
    path: Path,
) -> None:
    """Write a PNG with one row for each suspect or doubtful finding; an empty file where there is none.

    Left the section that was outlined, right the better place's, anterior to the right and superior up; the outline is
    yellow as drawn, blue where its border would have more contrast. uptake: DCE-in (section, anterior, superior);
    outlines: (anterior, superior, rater), `raters` in that order; spacing: mm along the three axes.
    The same arrays give the same bytes.
    """
    suspects = [finding for finding in findings if (finding.suspect or finding.doubtful) and finding.best is not None]
    if not suspects:
        path.write_bytes(b"")
        return
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.8 * len(suspects)), dpi=90, facecolor="black")
    FigureCanvasAgg(figure)
    for line, finding in enumerate(suspects):
        masks = outlines > 0
        mask = together(masks) if finding.whose == TOGETHER else masks[..., list(raters).index(finding.whose)]
        place = finding.best
        assert place is not None
        panels = (
            (section, mask, DRAWN, f"{finding.whose}, section {section}, as drawn: {finding.score:.2f}"),
            (place.section, place.of(mask), BETTER, f"{place.name}: {finding.best_score:.2f}"),
        )
        for column, (shown, lies, colour, title) in enumerate(panels):
            axis = figure.add_subplot(len(suspects), 2, 2 * line + column + 1)
            _panel(axis, uptake[shown], lies, colour, title, float(spacing[2]) / float(spacing[1]))
    figure.subplots_adjust(0.01, 0.01, 0.99, 1 - 0.08 / len(suspects), 0.02, 0.12)
    figure.savefig(path, format="png", facecolor="black", metadata={"Software": None})


def _panel(axis: Any, image: NDArray[Any], mask: Mask, colour: str, title: str, aspect: float) -> None:
    low, high = np.percentile(image, [1, 99.5])
    axis.imshow(image.T, cmap="gray", origin="lower", aspect=aspect, vmin=low, vmax=max(high, low + 1e-6))
    axis.contour(mask.T.astype(float), [0.5], colors=colour, linewidths=1.0)
    axis.set_title(title, color="white", fontsize=7, pad=3)
    axis.axis("off")
