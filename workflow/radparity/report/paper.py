"""Paper: the paper's figures as the stage `figures` drew them, for the page."""

from __future__ import annotations

import base64
from pathlib import Path

from radparity.record import read
from radparity.report.figures import Figure
from radparity.report.results import Results

PIXELS_PER_INCH = 120
ORDER = ("5a", "5b", "e6a", "e6b", "e7", "e8")
"""Figures 4 and 6 are files only: the page has cases with readers' outlines, and the worst ones, of its own."""


def paper_figures(results: Results) -> list[Figure]:
    """The primary arm's figures, in the paper's order, from the files of the report's input `figures` (JSON and PNG).

    Captions begin with the paper's number of the figure. Without that input there are none.
    """
    own = [Path(path) for path in results.files.get("figures", []) if Path(path).parent.name == results.primary]
    files = {path.name: path for path in own}
    found = []
    for number in ORDER:
        words, picture = files.get(f"figure_{number}.json"), files.get(f"figure_{number}.png")
        if words and picture:
            said = read(words)
            caption = f"{said['title']} (the paper's figure {number.upper()}). {said['caption']}"
            data = base64.b64encode(picture.read_bytes()).decode("ascii")
            width = round(said["width_inches"] * PIXELS_PER_INCH)
            found.append(Figure(f"paper-{number}", caption, said["said"], data, width))
    return found
