"""Section maxima: a threshold relative to the maximum always returns a lesion, so the maxima are looked at themselves.

The maxima on cancers are beside those on breasts without one, and beside each the area that the threshold returned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radparity.segment import segment_section

ONE_NETWORK = "one network: the other folds' were trained on this patient; a mean over networks tends to be lower"

MAXIMA = {
    "case": "the breast",
    "patient": "its patient",
    "label": "malignant or benign",
    "partition": "test or development",
    "section": "the section looked at, counted from 0 at the patient's left",
    "section_chosen_by": "readers: the outlined one; centre: the central one, as nobody outlines a benign breast",
    "networks": "networks whose mean the probability is; 0 for a method that learns nothing",
    "section_maximum": "largest probability on the section, 0 to 1",
    "breast_maximum": "of a benign breast: the largest probability on the section inside the breast mask, 0 to 1",
    "fraction": "threshold as a fraction of that maximum",
    "voxels": "voxels of the mask that the threshold returned",
    "area_mm2": "area of the mask, mm2",
    "diameter_mm": "diameter of the circle with this area, mm",
    "note": "why a cell is empty, or what to mind",
}


def case_row(
    segment: Mapping[str, Any], prediction: Mapping[str, Any], patient: str, pixel_mm: Sequence[float] | None
) -> dict[str, Any]:
    """The row of a test case from its records of `segment` and `predict`; pixel_mm: (anterior, superior).

    A case that left the study keeps a row, with the code of its exclusion; it has no pixel_mm.
    """
    row = _row(segment["case"], patient, "malignant", "test")
    if segment["status"] != "ok" or pixel_mm is None:
        return row | {"note": f"left the study: {segment.get('code', 'no mask')}"}
    return (
        row
        | _size(int(segment["voxels"]), pixel_mm)
        | {
            "section": segment["section"],
            "section_chosen_by": segment["section_chosen_by"],
            "networks": prediction["networks"],
            "section_maximum": segment["section_maximum"],
            "fraction": segment["fraction"],
        }
    )


def benign_rows(
    record: Mapping[str, Any],
    maps: Mapping[str, NDArray[Any]],
    patients: Mapping[str, str],
    fraction: float,
    component: float,
) -> list[dict[str, Any]]:
    """A row for each benign breast that `predict_benign` looked at or left out, by name.

    record: `cases` (breast to section, pixel_mm and breast_maximum) and `left_out` (breast to code); maps: breast to
    the probability of its section (anterior, superior); fraction, component: as the test cases are segmented.
    """
    rows = []
    for breast, facts in record["cases"].items():
        mask = segment_section(maps[breast], fraction, component)
        rows.append(
            _row(breast, patients[breast], "benign", "development")
            | _size(int(mask.sum()), facts["pixel_mm"])
            | {
                "section": facts["section"],
                "section_chosen_by": "centre",
                "networks": 1,
                "section_maximum": float(maps[breast].max()),
                "breast_maximum": facts["breast_maximum"],
                "fraction": fraction,
                "note": ONE_NETWORK,
            }
        )
    for breast, code in record["left_out"].items():
        row = _row(breast, patients[breast], "benign", "development")
        rows.append(row | {"note": f"left the study: {code}"})
    return sorted(rows, key=lambda row: str(row["case"]))


def table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows as a table with the columns of `MAXIMA`; without rows its header only."""
    found = pd.DataFrame(list(rows), columns=list(MAXIMA))
    return found.astype({name: "Int64" for name in ("section", "networks", "voxels")})


def _row(case: str, patient: str, label: str, partition: str) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(MAXIMA)
    return row | {"case": case, "patient": patient, "label": label, "partition": partition, "note": ""}


def _size(voxels: int, pixel_mm: Sequence[float]) -> dict[str, Any]:
    area = voxels * float(np.prod(pixel_mm))
    return {"voxels": voxels, "area_mm2": area, "diameter_mm": float(2 * np.sqrt(area / np.pi))}
