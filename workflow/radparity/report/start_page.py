"""Start page: the verdict with its numbers and limits, the flow chart, the main table, the figure of Dice."""

from __future__ import annotations

from typing import Any

from radparity.report import against, flow, plan, tables
from radparity.report.counted import Counted
from radparity.report.frame import CASES, QUALITY
from radparity.report.no_benign import limited
from radparity.report.outlines import shift_warnings
from radparity.report.paper import paper_figures
from radparity.report.results import Results
from radparity.report.stamp import stamped
from radparity.report.verdict import Verdict, verdict
from radparity.report.words import study_words

DICE = "paper-5a"
CONTENTS = {
    "data.html": "scanners, resolutions, phases, faults; every exclusion with its reason, twins, decisions",
    "preprocessing.html": "registration, harmonization, outlines that may lie elsewhere",
    QUALITY: "every case's images and checks, worst first, to keep, exclude or hold it",
    "training.html": "arms, folds, curves, the threshold, experiments on the development cases",
    "comparison.html": "every test, table and figure of network and readers, the paper's beside ours, the worst cases",
    CASES: "every case in a list to sort and search, and a page a case with its images",
    "provenance.html": "settings, the locked plan and deviations, methods for a paper, versions, digests, the ledger",
}
"""Page to what is there."""
FEW_CONTENTS = {"comparison.html": "every table and figure of network and reference, the worst cases"}
"""The same of a study with one or two raters, where it is another."""


def start_page(results: Results, counted: Counted) -> dict[str, Any]:
    """The variables of the template `index.html.j2`."""
    kept = CONTENTS | (FEW_CONTENTS if results.few else {})
    contents = {name: said for name, said in kept.items() if not (results.interim and name == CASES)}
    return {
        "verdict": said(results),
        "shifted": shift_warnings(results),
        **standing(results),
        "exams": flow.exam_group(counted.exam_rows),
        "patients": len({end.breast.patient for end in counted.ends}),
        "breasts": len(counted.ends),
        "groups": flow.groups(counted.rows, study_words(results.config).others),
        "arm": tables.title(results.primary, results.config),
        "main": main_table(results) if results.compare else None,
        "dice": against.drawn(results)
        if results.few
        else next((figure for figure in paper_figures(results) if figure.name == DICE), None),
        "contents": contents,
    }


def main_table(results: Results) -> tables.Table:
    """The primary arm's main table."""
    made = against.main_table if results.few else tables.main_table
    return made(results.primary, results.table("main"), results.config)


def said(results: Results) -> Verdict:
    """The verdict as the pages say it: with the limits that outlines and an unfinished study set it."""
    if results.few:
        found = against.estimate(results.table("main"), results.config)
    else:
        tests, random_readers = results.table("equivalence"), results.table("random_readers")
        found = verdict(results.table("main"), tests, results.config, random_readers)
    return limited(stamped(found, results), results)


def standing(results: Results) -> dict[str, Any]:
    """The primary arm's standing under the plan: a sentence, and whether it confirms."""
    own = plan.standings(results).get(results.primary)
    return {
        "standing": plan.sentence(own) if own else "",
        "confirmatory": own is not None and own["role"] in plan.CONFIRMATORY and not results.few,
    }
