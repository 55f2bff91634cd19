"""Stamp: what keeps the report of a pilot, or of a study that is not finished, from being taken for the result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from radparity.report.flow import WAITING, End
from radparity.report.results import Results
from radparity.report.tables import Table
from radparity.report.verdict import Verdict

PILOT = "This is a pilot: it shows that the chain runs on this data, and nothing about the network."
INTERIM = "This study is not finished."


def stamps(results: Results, breasts: Sequence[End], exams: Mapping[str, End]) -> list[str]:
    """The sentences at the top of every page; none in the report of a whole, finished study."""
    found = []
    if results.awaited is not None:
        compared = (
            "The comparison is complete and stands here."
            if results.compare
            else "There is no complete comparison of what stands now, so there is no verdict."
        )
        found.append(
            f"Interim: {_through(exams.values())} exams and {_through(breasts)} breasts are through; the others wait."
            f" {compared} The report of the finished study will be results/report/index.html."
        )
    if results.pilot:
        stand_in = sum(breast.partition == "test" for breast in results.breasts)
        found.append(
            f"Pilot: {results.pilot['exams']:,} of {results.pilot['of']:,} exams. The test cases are not among them:"
            f" {stand_in} tuning cases stand in their place. {PILOT}"
        )
    return found


def title(results: Results, exams: Mapping[str, End]) -> str:
    """What every page's title begins with; nothing in the report of a whole, finished study."""
    interim = f"Interim, {_through(exams.values())} exams. " if results.awaited is not None else ""
    pilot = f"Pilot, {results.pilot['exams']:,} of {results.pilot['of']:,} exams. " if results.pilot else ""
    return interim + pilot


def stamped(said: Verdict, results: Results) -> Verdict:
    """The verdict: none of a pilot, and none before the comparison is complete."""
    if results.pilot:
        return replace(said, headline="A pilot: no verdict.", sentence=PILOT)
    if results.awaited is not None and not results.compare:
        return Verdict("No verdict yet.", INTERIM, [])
    return said


def strata_table(results: Results) -> Table | None:
    """How a pilot was drawn: how often each kind of exam is in it and in the study."""
    if not results.pilot:
        return None
    whole = {"exams": results.pilot["of"], "taken": results.pilot["exams"]}
    rows = [
        [
            fact,
            value,
            f"{taken:,}",
            f"{_share(taken, whole['taken'])}",
            f"{count:,}",
            f"{_share(count, whole['exams'])}",
        ]
        for fact, value, taken, count in results.pilot["strata"]
    ]
    head = ["what", "value", "exams of the pilot", "per cent", "exams of the study", "per cent"]
    note = (
        "Whole patients were drawn, by seed and name. Acquisitions: different ones among some headers of the exam, in"
        " place of the number of phases. The study's shares include its test cases, the pilot's do not."
    )
    return Table("strata", "The pilot beside the whole study", head, rows, note, (0, 1))


def _share(count: int, whole: int) -> str:
    return f"{100 * count / max(1, whole):.1f}"


def _through(ends: Iterable[End]) -> str:
    given = list(ends)
    return f"{sum(end.status != WAITING for end in given):,} of {len(given):,}"
