"""Training page: arms, folds, learning curves, the threshold, experiments on the development cases."""

from __future__ import annotations

from typing import Any

import pandas as pd

from radparity.report.counted import Counted
from radparity.report.data import fold_divisors
from radparity.report.experiments import experiments
from radparity.report.no_benign import negatives_table
from radparity.report.plots import learning_plot
from radparity.report.results import Results
from radparity.report.tables import Table, missing, number
from radparity.report.threshold import maxima_table, thresholds_table


def training_page(results: Results, counted: Counted) -> dict[str, Any]:
    """The variables of the template `training.html.j2`."""
    divisors = fold_divisors(results) if results.training else None
    return {
        "arms": arms_table(results),
        "folds": [t for t in (divisors, negatives_table(results), kept_table(results)) if t],
        "learning": learning_plot(results) if results.curves else None,
        "thresholds": [t for t in (thresholds_table(results), maxima_table(results)) if t],
        "experiments": experiments(results),
    }


def arms_table(results: Results) -> Table:
    """What each arm of the configuration is, and what cuts its probability."""
    rows = []
    for name, arm in results.config["arms"].items():
        found = results.fractions.get(name)
        cut = f"{number(found['fraction'], 2)} of the section's maximum" if found else ""
        role = "primary" if name == results.primary else ("compared" if name in results.compare else "not compared")
        if results.interim and name != results.primary:
            role = ""
        where = "given: the readers' box" if arm["region"] == "readers_box" else "not given"
        channels = ", ".join(map(str, arm["channels"]))
        rows.append([name, role, str(arm["network"]), channels, str(arm["harmonization"]), where, cut])
    head = ["arm", "role", "network", "channels", "harmonization", "location", "threshold"]
    return Table("arms", "Arms", head, rows, words=range(7))


def kept_table(results: Results) -> Table | None:
    """Of each trained network: the step whose weights were kept, and how well they did on the inner validation."""
    rows = []
    for (arm, fold), facts in sorted(results.training.items(), key=lambda item: (item[0][0], int(item[0][1]))):
        curve, step = results.curves.get((arm, fold), pd.DataFrame()), facts.get("selected_step")
        at = curve.loc[curve["step"] == step, "validation_dice"].dropna() if len(curve) else pd.Series(dtype=float)
        last = "" if curve.empty else f"{curve['step'].max():,}"
        rows.append([arm, fold, last, "" if missing(step) else f"{step:,}", number(at.iloc[-1]) if len(at) else ""])
    if not rows:
        return None
    head = ["arm", "fold", "steps trained", "step kept", "its Dice, inner validation"]
    return Table("kept", "Weights that were kept", head, rows, words=(0, 1))
