"""Where outlines come from: raters' files or a rule, volumes or one section, and the rule's thresholds."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from radparity.report.results import Results
from radparity.report.tables import Table


def labels_table(results: Results) -> Table | None:
    """How many outlines a rule made, with which thresholds; None in a study where every outline comes from a file."""
    records = results.used("outline").values()
    made = [own for record in records for own in record.get("by_rule", {}).values()]
    if not made:
        return None
    drawn = sum(len(record["raters"]) - len(record.get("by_rule", {})) for record in records)
    filled = sum(record.get("fills_volume", False) for record in records)
    percents = Counter(own["percent"] for own in made)
    rows = [
        ["outlines that a rule made from the phases (a program's, no reader's)", str(len(made)), "", ""],
        ["outlines from the raters' files", str(drawn), "", ""],
        ["breasts whose outlines fill a volume (judged: its largest section)", f"{filled} of {len(records)}", "", ""],
        *([f"early enhancement of at least {each:g} %", str(percents[each]), "", ""] for each in sorted(percents)),
        ["intensity before contrast at least", str(len(made)), *_spread([own["threshold"] for own in made])],
        ["volume, ml", str(len(made)), *_spread([own["millilitres"] for own in made])],
        ["outlines with as many voxels as the site counted", _share(made), "", ""],
    ]
    note = (
        "The rule is the functional tumour volume: box, thresholds and phases are those in the site's segmentation"
        " object. Agreement with such outlines is agreement with a program, not with radiologists. They follow the"
        " uptake by construction, so the check of where outlines lie says nothing of them."
    )
    return Table("labels", "Where the outlines come from", ["outlines", "number", "median", "range"], rows, note)


def _spread(values: list[float]) -> list[str]:
    return [f"{float(np.median(values)):.4g}", f"{min(values):.4g} to {max(values):.4g}"]


def _share(made: list[dict[str, Any]]) -> str:
    return f"{sum(own['voxels'] == own['site_voxels'] for own in made)} of {len(made)}"
