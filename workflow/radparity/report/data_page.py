"""Data page: scanners, resolutions, phases and faults; what left the study and why."""

from __future__ import annotations

from typing import Any

from radparity.citations import of_sources
from radparity.record import read
from radparity.report import data, flow
from radparity.report.counted import Counted
from radparity.report.labels import labels_table
from radparity.report.results import Results
from radparity.report.stamp import strata_table
from radparity.report.tables import Link, Table


def data_page(results: Results, counted: Counted) -> dict[str, Any]:
    """The variables of the template `data.html.j2`."""
    return {
        "data": data.data_tables(results),
        "sources": sources_table(results),
        "resolution": data.resolution_plot(results),
        "strata": strata_table(results),
        "labels": labels_table(results),
        "exclusions": exclusions_table(counted),
        "decisions": flow.decisions_table(results.records["eligible"]),
        "twins": twins_table(results),
    }


def sources_table(results: Results) -> Table | None:
    """Whose data the study stands on: licence, whether commercial use is allowed, and how it asks to be cited."""
    rows = [
        [
            row["cohort"],
            Link(row["licence"], row["licence_address"]),
            row["commercial_use"],
            work.text,
            Link(work.doi, work.url),
        ]
        for row, work in zip(results.sources, of_sources(results.sources), strict=True)
    ]
    head = ["collection", "licence", "commercial use", "to be cited", "doi"]
    return Table("sources", "Whose data this is", head, rows, words=range(5)) if rows else None


def exclusions_table(counted: Counted) -> Table:
    """Every breast that left, and where and why."""
    left = [end for end in counted.ends if end.status not in (flow.OK, flow.WAITING)]
    rows = [[e.breast.breast, e.breast.partition, e.stage, e.rule or e.code, e.sentence] for e in left]
    head = ["breast", "partition", "stage", "rule or code", "why"]
    return Table("exclusions", "Every exclusion", head, rows, words=range(5))


def twins_table(results: Results) -> Table | None:
    """Exams of one patient with the same pixels; two patients with the same ones never come this far."""
    found = [group for path in results.files.get("twins", []) for group in read(path)["identical_pixels"]]
    if not found:
        return None
    rows = [[", ".join(group["exams"]), ", ".join(group["patients"]), str(group["phases"])] for group in found]
    note = "One of them is probably a copy. Both are in the study unless a decision excludes one."
    caption = "Exams of one patient with the same pixels"
    return Table("twins", caption, ["exams", "patient", "phases shared"], rows, note, (0, 1))
