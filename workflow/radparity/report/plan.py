"""Plan: whether the primary comparison was fixed beforehand, what departs from it, and how often it was looked at."""

from __future__ import annotations

from typing import Any

from radparity.plan import DEVIATES, LOCKED_LATE, NOT_LOCKED, PILOT, PRIMARY, TAKEN_OUT
from radparity.record import read
from radparity.report.results import Results
from radparity.report.tables import Table

CONFIRMATORY = (PRIMARY, DEVIATES)


def standings(results: Results) -> dict[str, dict[str, Any]]:
    """Arm to what its comparison is under the plan; none where the results hold no such record."""
    return {record["arm"]: record for record in map(read, results.files.get("plans", []))}


def sentence(record: dict[str, Any]) -> str:
    """What a reader of the verdict must know of the plan."""
    looks = f"The test cases' scores were seen in {_times(record['looks'])}"
    deviations = len(record["deviations"])
    # Who left when the scores were known is for every reader of the verdict to see.
    left = [f" T{said[1:]}." for said in record["deviations"] if said.startswith(TAKEN_OUT)]
    said = {
        PRIMARY: f"The plan was locked on {_day(record)}, before any look at the test cases. {looks}.",
        DEVIATES: f"The plan was locked on {_day(record)}; {deviations} of its points differ since. {looks}.",
        PILOT: "Exploratory: the test cases are not in a pilot, and this was no look at them.",
        NOT_LOCKED: f"Exploratory: no plan was locked before the test cases were scored. {looks}.",
        LOCKED_LATE: f"Exploratory: when the plan was locked on {_day(record)}, the test cases had been scored"
        f" ({_times(record['looks_before'] or 0)}). {looks}.",
    }.get(record["role"], "")
    return said + "".join(left) if said else ""


def plan_table(results: Results) -> Table | None:
    """Each arm's role, and the versions of its test scores that were seen."""
    found = standings(results)
    if not found:
        return None
    rows = [[arm, record["role"], str(record["looks"])] for arm, record in found.items()]
    locked = next((record for record in found.values() if record["locked"]), None)
    note = "A look is a version of the test cases' scores that somebody could see; repetitions that change nothing are"
    note += f" not counted. {results.config['plan']}/looks.tsv holds every scoring with its date and commit."
    if locked:
        note += f" The plan was locked on {_day(locked)}; its digest begins with {locked['digest'][:12]}."
    return Table("plan", "The plan and the looks at the test cases", ["arm", "role", "looks"], rows, note, (0, 1))


def deviations(results: Results) -> list[str]:
    """What differs from the locked plan, each point once."""
    return next((list(record["deviations"]) for record in standings(results).values()), [])


def _day(record: dict[str, Any]) -> str:
    return str(record["locked"])[:10]


def _times(count: int) -> str:
    return "one version" if count == 1 else f"{count} versions"
