"""Counted: where every breast and every exam of a study ended, once for all pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from radparity.report import against, flow, tables
from radparity.report.results import Breast, Results
from radparity.tested_on import STAGE


@dataclass(frozen=True)
class Counted:
    """Ends of breasts and of exams, and the rows of the two flow tables."""

    ends: list[flow.Outcome]
    exams: dict[str, flow.End]
    rows: list[dict[str, Any]]
    exam_rows: list[dict[str, Any]]


def count(results: Results) -> Counted:
    """Count a study's breasts and exams.

    Raises ValueError where the flow chart and the main table would not count the same test cases.
    """
    rules = [rule["name"] for rule in results.config["eligible"]]
    ends = flow.outcomes(results.breasts, results.records, _without_reference(results), results.awaited)
    if results.few:
        ends = [flow.of_few(end) for end in ends]
    waiting = results.release or {"exams": [], "breasts": []}
    ends += flow.arrivals(Breast(*row) for row in waiting["breasts"])
    left = results.left_out or {"exams": {}, "breasts": []}
    ends += flow.departed(left["breasts"])
    came = results.exams if results.interim else results.records["intake"]
    exams = flow.exam_ends(came, ends, results.records, rules, results.interim)
    exams |= dict.fromkeys(waiting["exams"], flow.End(flow.WAITING, flow.RELEASE, flow.WAITING))
    exams |= {exam: flow.End("excluded", STAGE, code, "", said) for exam, (code, said) in left["exams"].items()}
    _check_counts(results, ends)
    return Counted(ends, exams, flow.flow_rows(ends, rules), flow.exam_rows(exams, rules))


def _without_reference(results: Results) -> set[str]:
    cases = results.table("cases")
    return set(cases[cases["references_used"] == 0]["case"]) if len(cases) else set()


def _check_counts(results: Results, ends: list[flow.Outcome]) -> None:
    """The flow chart and the main table count the same test cases, or nobody may see the pages."""
    main = results.table("main")
    if main.empty:
        return
    row = against.whole(main) if results.few else main[main["reference"] == tables.AVERAGED]
    compared = int(row["n"].iloc[0])
    stayed = sum(end.breast.partition == "test" and end.status == "ok" for end in ends)
    if compared != stayed:
        raise ValueError(
            f"the flow chart has {stayed} test cases and the main table {compared}: results of two different runs"
        )
