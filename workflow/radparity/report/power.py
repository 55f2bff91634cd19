"""Power: how many cases such a study needs, as the stage `power` found it, for the page."""

from __future__ import annotations

from pathlib import Path

from radparity.record import read
from radparity.report.figures import Figure, drawn_png
from radparity.report.results import Results

SAID = "Share of simulated studies with each verdict, over the number of cases"


def power_sentences(results: Results) -> list[str]:
    """What the simulated studies say; nothing where the configuration does not ask for it (`report: power`)."""
    files = _files(results)
    return list(read(files["power.json"])["sentences"]) if files else []


def power_figure(results: Results) -> Figure | None:
    """The shares of the verdicts over the number of cases; none where the configuration does not ask for it."""
    files = _files(results)
    if not files:
        return None
    caption = f"{SAID}, each drawn from the pilot and judged by the primary rule. Bars: 95 % intervals."
    return drawn_png(files["power.png"], "power", caption, SAID)


def _files(results: Results) -> dict[str, Path]:
    return {Path(path).name: Path(path) for path in results.files.get("power", [])}
