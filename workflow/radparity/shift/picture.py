"""Picture: intensities of the two cohorts before and after harmonization. The same tables give the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radparity.report.figures import BARS, DOTS_PER_INCH, canvas, styled
from radparity.shift.columns import TESTED, TRAINED

SHOWN = ("t1c_p50", "dce_in_p99", "noise")
TITLES = {"t1c_p50": "first phase after contrast", "dce_in_p99": "peak of the uptake", "noise": "noise"}
SIDES = {TRAINED: ("cohorts trained on", BARS[0], "-"), TESTED: ("external test", BARS[1], (0, (5, 1.5)))}
WIDTH = 7.2


@styled
def shift_picture(cases: pd.DataFrame, png: Path) -> None:
    """Write the distribution curves of three intensities: above as acquired, below as the network sees them.

    cases: as `radparity.shift.domains.case_table` makes them. The horizontal axes are logarithmic where all values are
    positive, so that a gain of the scanner is a shift.
    """
    import matplotlib.pyplot as plt

    figure, axes = canvas(WIDTH, 4.2, 2, len(SHOWN))
    for row, before in enumerate(("raw", "scaled")):
        for column, name in enumerate(SHOWN):
            axis = axes[row, column]
            _curves(axis, cases, f"{before}_{name}")
            if not row:
                axis.set_title(TITLES[name])
            axis.set_xlabel("raw intensity" if not row else "after harmonization", fontsize=8)
            axis.tick_params(labelsize=7)
        axes[row, 0].set_ylabel("share of cases below")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8)
    figure.savefig(png, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    plt.close(figure)


def _curves(axis: Any, cases: pd.DataFrame, name: str) -> None:
    own = {side: np.sort(cases.loc[cases["cohort"] == side, name].dropna().to_numpy(float)) for side in SIDES}
    for side, (label, colour, line) in SIDES.items():
        if len(own[side]):
            share = np.arange(len(own[side]) + 1) / len(own[side])
            values = np.concatenate([own[side][:1], own[side]])
            axis.step(values, share, where="post", label=label, color=colour, linestyle=line)
    together = np.concatenate(list(own.values()))
    if len(together) and together.min() > 0 and together.max() > 1.5 * together.min():
        axis.set_xscale("log")
        from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter(ScalarFormatter())
        axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_ylim(0, 1.02)
