"""Preprocessing page: registration, intensities, outlines that may lie elsewhere."""

from __future__ import annotations

from typing import Any

from radparity.report import data
from radparity.report.counted import Counted
from radparity.report.outlines import checked_figures, checked_table, shifts_table
from radparity.report.results import Results


def preprocessing_page(results: Results, counted: Counted) -> dict[str, Any]:
    """The variables of the template `preprocessing.html.j2`."""
    return {
        "registration": data.registration_table(results),
        "intensities": data.exam_divisors(results),
        "checked": checked_table(results),
        "checked_figures": checked_figures(results),
        "shifts": shifts_table(results),
    }
