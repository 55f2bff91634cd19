"""Site: the report as pages that open from disk, each from its template and what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from radparity.report import stamp
from radparity.report.case_list import CASES_SCRIPT, cases_page, cases_script
from radparity.report.comparison_page import comparison_page
from radparity.report.counted import Counted, count
from radparity.report.data_page import data_page
from radparity.report.flow import EXAM_COLUMNS, flow_tsv
from radparity.report.frame import CASES, PAGES, QUALITY, frame
from radparity.report.preprocessing_page import preprocessing_page
from radparity.report.provenance_page import provenance_page
from radparity.report.quality import quality_page
from radparity.report.results import Results
from radparity.report.start_page import start_page
from radparity.report.templates import templates
from radparity.report.training_page import training_page
from radparity.report.verdict import PHANTOM_BANNER
from radparity.report.words import study_words

SHOWN = {
    "index.html": start_page,
    "data.html": data_page,
    "preprocessing.html": preprocessing_page,
    QUALITY: quality_page,
    "training.html": training_page,
    "comparison.html": comparison_page,
    CASES: cases_page,
    "provenance.html": provenance_page,
}
"""Page to what gives it its variables, from the results and their counts."""


def build(results: Results, folder: Path) -> dict[str, str]:
    """Name below the report's folder to text: the pages, the flows of breasts and exams, what scripts read.

    folder: of the templates. The same results give the same bytes. An interim report has no list of cases.
    """
    counted, source = count(results), templates(folder)
    words = study_words(results.config)
    titles = PAGES | {"index.html": words.start}
    pages = {name: title for name, title in titles.items() if not (results.interim and name == CASES)}
    common = _common(results, counted, pages)
    made = {
        name: source.get_template(f"{name}.j2").render(
            frame(page=name, **common, words=words) | SHOWN[name](results, counted)
        )
        for name in pages
    }
    made["flow.tsv"] = flow_tsv(counted.rows)
    made["flow_exams.tsv"] = flow_tsv(counted.exam_rows, EXAM_COLUMNS)
    if CASES in pages:
        made[CASES_SCRIPT] = cases_script(results, counted)
    return made


def _common(results: Results, counted: Counted, pages: Mapping[str, str]) -> dict[str, Any]:
    return {
        "study": results.config["study"],
        "stamps": stamp.stamps(results, counted.ends, counted.exams),
        "stamped": stamp.title(results, counted.exams),
        "banner": PHANTOM_BANNER if results.config.get("phantom") else "",
        "pages": pages,
        "ledger_root": results.root,
    }
