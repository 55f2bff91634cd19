"""A case from the files that the stages left of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from radparity.image import load
from radparity.page.case import Content, Network
from radparity.page.contour import Mask
from radparity.page.facts import ORDER
from radparity.page.stills import check_picture
from radparity.page.view import read_view
from radparity.record import read

WHO = ("exam", "patient", "side", "label", "partition")


def read_content(
    breast: str, who: Mapping[str, Any], files: Mapping[str, Sequence[str]], digests: Mapping[str, str]
) -> Content:
    """A case for its page.

    who: what the sheets say of it. files: stage to its record, and `images`, `check`, `outlines`, `probability`,
    `segmented` to those images, each an empty list where there is none; images of an excluded case are not read.
    """
    records = {stage: read(path) for stage in (*ORDER, "view") for path in files.get(stage, ())}
    view = read_view(files["images"][0]) if _ok(records, "view") else None
    checks = [] if view is None else [check_picture(path) for path in files.get("check", ())]
    return Content(
        breast,
        {name: str(who[name] or records.get("harmonize", {}).get(name) or "not said") for name in WHO},
        records=records,
        digests=digests,
        view=view,
        readers=_readers(records, files) if view is not None else {},
        network=_network(records, files) if view is not None else None,
        check=next(iter(checks), None),
    )


def _ok(records: Mapping[str, Mapping[str, Any]], stage: str) -> bool:
    return stage in records and records[stage]["status"] == "ok"


def _readers(records: Mapping[str, Mapping[str, Any]], files: Mapping[str, Sequence[str]]) -> dict[str, Mask]:
    if not _ok(records, "outline"):
        return {}
    planes = load(Path(files["outlines"][0]), np.uint8)[0][0] > 0
    return {rater: planes[..., position] for position, rater in enumerate(records["outline"]["raters"])}


def _network(records: Mapping[str, Mapping[str, Any]], files: Mapping[str, Sequence[str]]) -> Network | None:
    if not _ok(records, "segment"):
        return None
    mask = load(Path(files["segmented"][0]), np.uint8)[0][0] > 0
    probability = load(Path(files["probability"][0]))[0]
    return Network(probability, int(records["predict"]["first_section"]), mask, int(records["segment"]["section"]))
