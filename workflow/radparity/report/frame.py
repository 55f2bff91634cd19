"""Frame: what stands around the content of every page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from radparity.report.words import MANY, Words

CASES = "cases.html"
QUALITY = "quality.html"
PAGES = {
    "index.html": "Verdict",
    "data.html": "Data",
    "preprocessing.html": "Preprocessing",
    QUALITY: "Quality",
    "training.html": "Training",
    "comparison.html": "Comparison",
    CASES: "Cases",
    "provenance.html": "Provenance",
}
"""Page to its title, in the order of the navigation."""


def frame(
    study: str,
    page: str,
    pages: Mapping[str, str] = PAGES,
    root: str = "",
    stamps: Sequence[str] = (),
    stamped: str = "",
    banner: str = "",
    ledger_root: str = "",
    words: Words = MANY,
) -> dict[str, Any]:
    """The variables of the template `base.html.j2`.

    page: the entry of the navigation that is marked. root: the way from the page to the report's folder. stamps:
    sentences above all else, for a pilot or an interim report; stamped: the same in short, for the title. ledger_root:
    digest over all that the report was made from, where the page prints it. words: how it calls the readers.
    """
    return {
        "study": study,
        "page": page,
        "pages": pages,
        "root": root,
        "stamps": stamps,
        "stamped": stamped,
        "banner": banner,
        "ledger_root": ledger_root,
        "words": words,
    }
