"""Comparison page: everything of network and readers beyond the main table."""

from __future__ import annotations

from typing import Any

from radparity.report import against, pictures, plots, tables
from radparity.report.baselines import side_by_side
from radparity.report.beside import beside_table
from radparity.report.counted import Counted
from radparity.report.figures import Figure
from radparity.report.interactive import interactive_part
from radparity.report.more import more_tables
from radparity.report.outliers import outlier_figure, outliers_table
from radparity.report.paper import paper_figures
from radparity.report.power import power_figure, power_sentences
from radparity.report.results import Results
from radparity.report.shift import shift_part
from radparity.report.shown import shown
from radparity.report.start_page import DICE, said, standing
from radparity.report.tables import Table


def comparison_page(results: Results, counted: Counted) -> dict[str, Any]:
    """The variables of the template `comparison.html.j2`."""
    pointed = interactive_part(results)
    stills = {figure.still.name for figure in pointed["interactive"]}
    return {
        "verdict": said(results),
        "confirmatory": standing(results)["confirmatory"],
        "arms": [_arm_tables(results, arm) for arm in results.arms],
        "claims": None if results.few else tables.claims_table(results.table("equivalence")),
        "beside": None if results.few else beside_table(results),
        "baselines": None if results.few else side_by_side(results),
        **pointed,
        "more": against.more_tables(results) if results.few else more_tables(results),
        "figures": [figure for figure in _figures(results) if figure.name not in stills],
        "outliers": against.outliers_table(results) if results.few else outliers_table(results),
        "outlier_figure": outlier_figure(results),
        "shift": shift_part(results),
        "power": power_sentences(results),
        "power_figure": power_figure(results),
        "readers": len(results.config["readers"]["test"]),
        "shown": shown(results),
        "truth": truth_table(results),
        "truth_figure": plots.truth_plot(results) if results.verify else None,
    }


def _arm_tables(results: Results, arm: str) -> dict[str, Any]:
    primary = arm == results.primary
    if results.few:
        main = against.main_table(arm, results.table("main", arm), results.config)
        return {"title": tables.title(arm, results.config), "primary": primary, "main": main}
    return {
        "title": tables.title(arm, results.config),
        "primary": primary,
        "main": tables.main_table(arm, results.table("main", arm), results.config),
        "equivalence": tables.equivalence_table(arm, results.table("equivalence", arm), results.config, primary),
        "tails": tables.tails_table(arm, results.table("tails", arm), results.config),
    }


def _figures(results: Results) -> list[Figure]:
    """Example cases and the paper's figures, but for the one of the start page."""
    found = []
    examples = pictures.example_cases(results)
    if examples:
        caption = (
            f"What the network sees and says: case {examples['median']}, the median test case by the network's Dice."
        )
        found.append(pictures.channel_panel(results, examples["median"], "channels", caption))
        found.append(pictures.readers_panel(results, examples))
    return found + [figure for figure in paper_figures(results) if figure.name != DICE]


def truth_table(results: Results) -> Table | None:
    """Each stage against what is known of a virtual exam; none in a study of real ones."""
    summary = results.verify.get("summary")
    if summary is None or summary.empty:
        return None
    rows = [
        [str(row["meaning"]), f"{row['n']:d}", tables.number(row["median"]), tables.interval(row["q25"], row["q75"])]
        for row in summary.to_dict("records")
    ]
    note = "A measurement of this chain on simulated images, and of nothing else."
    head = ["quantity", "values", "median", "quartiles"]
    return Table("truth-table", "The chain against the phantoms' truth", head, rows, note)
