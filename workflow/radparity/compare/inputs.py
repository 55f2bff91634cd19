"""Cases of the comparison from the files that the earlier stages left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from radparity.compare.scores import Case
from radparity.image import load, spacing
from radparity.record import read


def read_cases(
    files: Iterable[tuple[str, str, str, str]], readers: Sequence[str], patients: Mapping[str, str]
) -> list[Case]:
    """The cases that an arm and the readers segmented; those that left the study earlier are not among them.

    `files` gives for each case: the record of `segment`, its mask, the record of `outline`, its outlines. `patients`
    maps case to patient.
    """
    cases = []
    for segment, mask, outline_record, outlines in files:
        record, drawn = read(segment), read(outline_record)
        if record["status"] != "ok" or drawn["status"] != "ok":
            continue
        planes, affine = load(Path(outlines), np.uint8)
        masks = planes[0] > 0
        own = {reader: masks[..., drawn["raters"].index(reader)] for reader in readers}
        network = load(Path(mask), np.uint8)[0][0] > 0
        steps = tuple(round(float(step), 6) for step in spacing(affine)[1:])
        by_rule = all(reader in drawn.get("by_rule", {}) for reader in readers)
        cases.append(Case(record["case"], patients[record["case"]], network, own, steps, by_rule))
    return cases
