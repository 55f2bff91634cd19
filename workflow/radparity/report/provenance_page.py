"""Provenance page: settings, plan, methods, versions, digests, and how to follow a number."""

from __future__ import annotations

from typing import Any

from radparity.report import made, plan, study
from radparity.report.counted import Counted
from radparity.report.methods import methods
from radparity.report.results import Results
from radparity.report.software import software_table, used


def provenance_page(results: Results, counted: Counted) -> dict[str, Any]:
    """The variables of the template `provenance.html.j2`; an interim report has no methods yet."""
    software = used(path for paths in results.files.values() for path in paths)
    exams = {name: end.status for name, end in counted.exams.items()}
    return {
        "settings": study.study_table(results),
        "departures": study.departures(results),
        "plan": plan.plan_table(results),
        "deviations": plan.deviations(results),
        "methods": None if results.interim else methods(results, counted.ends, exams, software),
        "configuration": made.configuration_digest(results),
        "software": software_table(software),
        "ledger": made.ledger_table(results),
    }
