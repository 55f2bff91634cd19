"""Quality: the page on which a person decides which cases stay, worst first; it shows nothing of the network's results.

A kind of check (`quality_facts.KINDS`) ranks a case by its largest distance from the others; flagged cases come first,
and before all what is on hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from radparity.decisions import KEEP, writing
from radparity.eligible import OUT
from radparity.faults import FAULTS
from radparity.report.counted import Counted
from radparity.report.flow import EXAM_STAGES, RELEASE, WAITING, Outcome
from radparity.report.plan import standings
from radparity.report.quality_facts import KINDS, LEAST_OF_SCANNER, MEASURES, STAGES, Facts, facts_of, outlying
from radparity.report.results import Results
from radparity.report.tables import Table, number

ROWS = 1000
"""The page shows so many cases, the worst; nobody looks at more, and no browser likes to."""
OUTLYING = 3.5
"""A fact so far from the others is marked (Iglewicz and Hoaglin 1993)."""


@dataclass(frozen=True)
class Judged:
    """A case with what was measured of it: kind of check to its facts, their distances, and its flags' sentences."""

    end: Outcome
    scanner: str
    facts: dict[str, Facts] = field(default_factory=dict)
    distances: dict[str, dict[str, float]] = field(default_factory=dict)
    flags: dict[str, list[str]] = field(default_factory=dict)

    def rank(self, kind: str = "") -> tuple[bool, bool, float, str]:
        """The place in the order, worst first, of one kind of check or of all."""
        far = [d for k, own in self.distances.items() if kind in ("", k) for d in own.values()]
        flagged = any(self.flags.get(k) for k in ([kind] if kind else KINDS))
        return self.end.code != OUT["hold"], not flagged, -max(far, default=0.0), self.end.breast.breast


def judged(results: Results, counted: Counted) -> list[Judged]:
    """Every case that a person can still decide on: in the study, or out by a person's decision; in no order."""
    ends = [end for end in counted.ends if _open(end)]
    exams = {end.breast.exam for end in ends}
    breasts = {end.breast.breast: end.breast.exam for end in ends}
    scanners = {exam: _scanner(results.records["intake"].get(exam, {})) for exam in exams}
    scanners |= {breast: scanners[exam] for breast, exam in breasts.items()}
    found = {end.breast.breast: Judged(end, scanners[end.breast.exam]) for end in ends}
    for stage, kind in STAGES.items():
        units = exams if stage in EXAM_STAGES else set(breasts)
        records = {unit: record for unit, record in results.records[stage].items() if unit in units}
        facts = {unit: facts_of(stage, record) for unit, record in sorted(records.items())}
        far = outlying(facts, scanners)
        for breast, exam in breasts.items():
            unit = exam if stage in EXAM_STAGES else breast
            if facts.get(unit):
                found[breast].facts[kind], found[breast].distances[kind] = facts[unit], far[unit]
            flags = records.get(unit, {}).get("flags", [])
            found[breast].flags.setdefault(kind, []).extend(_words(stage, flag) for flag in flags)
    return list(found.values())


def _words(stage: str, flag: Mapping[str, Any]) -> str:
    # The sentence of a flag on outlines may say whose outline lies apart from the others'.
    return FAULTS[flag["code"]].meaning if stage == "outline" else str(flag["sentence"])


def _open(end: Outcome) -> bool:
    # What happens at the network's stages says how the network did, so it may not show here.
    gone = end.status not in ("ok", WAITING) and (end.stage in STAGES or end.stage == "eligible")
    return end.stage != RELEASE and (not gone or end.code in OUT.values())


def _scanner(record: Mapping[str, Any]) -> str:
    made = record.get("scanner", {})
    tesla = f"{made['tesla']:g} T" if made.get("tesla") else ""
    return " ".join(filter(None, (made.get("manufacturer"), made.get("model"), tesla)))


def quality_page(results: Results, counted: Counted) -> dict[str, Any]:
    """The variables of the template `quality.html.j2`."""
    cases = sorted(judged(results, counted), key=Judged.rank)
    left = sum(end.status == "excluded" for end in counted.ends if not _open(end))
    shown = cases[:ROWS]
    orders = {kind: sorted(shown, key=lambda case, k=kind: case.rank(k)) for kind in KINDS}  # type: ignore[misc]
    places = {kind: {case.end.breast.breast: at for at, case in enumerate(own)} for kind, own in orders.items()}
    plans = standings(results).values()
    return {
        "kinds": KINDS,
        "rows": [_row(results, case, places) for case in shown],
        "all": len(cases),
        "left": left,
        "outlying": OUTLYING,
        "of_scanner": LEAST_OF_SCANNER,
        "looked": looked_table(results),
        "looks": max((record["looks"] for record in plans), default=0),
        "sheet": results.decided["sheet"],
        "data": _data(results, shown),
    }


def _row(results: Results, case: Judged, places: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    breast, out = case.end.breast, case.end.code in OUT.values()
    names = [(d, kind, name) for kind, own in case.distances.items() for name, d in own.items()]
    worst = max(names, default=(0.0, "", ""))
    checks = []
    for kind, title in KINDS.items():
        own, far = case.facts.get(kind, {}), case.distances.get(kind, {})
        facts = [
            {
                "label": MEASURES[name].label,
                "value": number(own[name], MEASURES[name].digits) + MEASURES[name].unit,
                "distance": number(far.get(name, 0.0), 1),
                "outlying": far.get(name, 0.0) >= OUTLYING,
                "worst": (kind, name) == worst[1:] and worst[0] > 0,
            }
            for name in MEASURES
            if name in own
        ]
        flags = case.flags.get(kind, [])
        if facts or flags:
            checks.append({"kind": kind, "title": title, "facts": facts, "flags": flags})
    return {
        "breast": breast.breast,
        "exam": breast.exam,
        "about": ", ".join(filter(None, (breast.side, breast.label, breast.partition, case.scanner))),
        "partition": breast.partition,
        "state": f"{'On hold' if case.end.code == OUT['hold'] else 'Excluded'}: {case.end.sentence}" if out else "",
        "worst": number(worst[0], 1),
        "checks": checks,
        "places": {kind: own[breast.breast] for kind, own in places.items()},
        "page": _has_page(results, breast.partition),
    }


def _has_page(results: Results, partition: str) -> bool:
    """Whether the report has a page and a picture of such a case."""
    which = results.config["report"]["cases"]
    return not results.interim and (which == "all" or (which == "judged" and partition != "development"))


def _data(results: Results, shown: list[Judged]) -> dict[str, Any]:
    """What the page's script needs: the sheet as it is, its columns, who belongs to which exam, what may be written."""
    exams: dict[str, list[str]] = {}
    named = {case.end.breast.exam for case in shown}
    for breast in results.breasts:
        if breast.exam in named:
            exams.setdefault(breast.exam, []).append(breast.breast)
    own = {"study": results.config["study"], "rows": results.decided["rows"], "exams": exams}
    return writing() | own


def looked_table(results: Results) -> Table | None:
    """How many decisions each person has made on cases, from the decisions sheet; None where nobody has."""
    verdicts = (KEEP, *OUT)
    counts = Counter((row["who"], row["verdict"]) for row in results.decided["rows"])
    people = sorted({who for who, verdict in counts if verdict in verdicts})
    if not people:
        return None
    rows = [[who, *(f"{counts[who, verdict]:,}" for verdict in verdicts)] for who in people]
    note = "Rows of the decisions sheet. A case that is kept is as it would be without the row: somebody has looked."
    return Table("looked", "Who has looked at cases", ["who", *verdicts], rows, note)
