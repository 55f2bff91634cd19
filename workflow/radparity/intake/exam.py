"""The intake of one exam: from a folder to phases with times, or the fault that excludes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from radparity.intake.headers import read_headers
from radparity.intake.phases import along, phases
from radparity.intake.series import by_series, dynamic_series
from radparity.record import DataFault


def intake_exam(folder: Path) -> dict[str, Any]:
    """Inventory of one exam's folder (headers only).

    Returns the facts of its record: phases (time in s from the first, files relative to the folder, in order of
    position), the tags that split and timed them, geometry (mm), scanner, plane, and every series with role and reason.
    Raises DataFault with the code and the mend where the exam cannot be used.
    """
    headers, others = read_headers(folder)
    patients = {header.patient for header in headers}
    if len(patients) > 1:
        raise DataFault(
            "several_patients", f"the folder holds images of {len(patients)} patients. Give each exam a folder"
        )
    dynamic, series = dynamic_series(by_series(headers))
    if not dynamic:
        roles = ", ".join(f"{s['role']} ({s['reason']})" for s in series)
        raise DataFault("no_dynamic_series", f"no series can be the contrast-enhanced one: {roles}")
    found, split_by, timed_by = phases(dynamic)
    first = found[0].images[0]
    positions = [along(image) for image in found[0].images]
    normal = np.cross(first.orientation[:3], first.orientation[3:])
    return {
        "phases": [{"time_s": phase.time, "files": [image.file for image in phase.images]} for phase in found],
        "split_by": split_by,
        "timed_by": timed_by,
        "plane": ("sagittal", "coronal", "axial")[int(np.argmax(np.abs(normal)))],
        "sections": len(positions),
        "matrix": [first.rows, first.columns],
        "in_plane_mm": list(first.spacing),
        "section_mm": round(float(np.median(np.diff(positions))), 4),
        "laterality": first.laterality,
        "scanner": dict(zip(("manufacturer", "model", "tesla"), first.scanner, strict=True)),
        "series": series,
        "other_files": len(others),
    }
