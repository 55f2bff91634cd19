"""Flow: where each breast of the sheets ends. Nobody leaves in silence, so the boxes sum to the input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from radparity.report.results import Breast, Record

EXAM_STAGES = ("intake", "convert", "register")
BREAST_STAGES = ("harmonize", "mask", "outline", "predict", "segment")
ORDER = (*EXAM_STAGES, *BREAST_STAGES, "compare")
PARTITIONS = ("development", "tuning", "test", "shown")
LABELS = ("malignant", "benign")
COLUMNS = ("partition", "label", "status", "stage", "code", "breasts")
PURPOSE = {
    ("development", "malignant"): "train the networks",
    ("development", "benign"): "train the networks",
    ("tuning", "malignant"): "tune the threshold",
    ("test", "malignant"): "network compared with the readers",
    ("shown", "malignant"): "shown; in no statistic",
}
NO_REFERENCE = (
    "no_usable_reference",
    "every reference of this case is empty: without the left-out reader the others outline no common voxel",
)


@dataclass(frozen=True)
class Outcome:
    """Where one breast ended: status `ok`, or `excluded` at a stage with code and sentence."""

    breast: Breast
    status: str = "ok"
    stage: str = ""
    code: str = ""
    sentence: str = ""


@dataclass(frozen=True)
class Group:
    """The breasts of one partition and label: how many came, left (stage, code, breasts), and stayed."""

    partition: str
    label: str
    came: int
    stayed: int
    purpose: str
    left: list[tuple[str, str, int]] = field(default_factory=list)


def outcomes(
    breasts: Iterable[Breast], records: Mapping[str, Mapping[str, Record]], unusable: Collection[str] = ()
) -> list[Outcome]:
    """The end of every breast: its first excluded record in the order of the stages, else ok.

    `unusable` are cases without a usable reference, which leave at the comparison. A stage that a breast does not pass
    (nobody predicts a benign development case) has no record. Raises ValueError for a breast without any record, and
    for a record at a later stage than one that is missing for its exam.
    """
    return [_outcome(breast, records, breast.breast in unusable) for breast in breasts]


def _outcome(breast: Breast, records: Mapping[str, Mapping[str, Record]], unusable: bool) -> Outcome:
    for stage in (*EXAM_STAGES, *BREAST_STAGES):
        unit = breast.exam if stage in EXAM_STAGES else breast.breast
        record = records.get(stage, {}).get(unit)
        if record is None and stage not in ("outline", "predict", "segment"):
            raise ValueError(f"{breast.breast} has no record of {stage}, so nobody can say where it ended: run {stage}")
        if record is not None and record["status"] != "ok":
            # A record that was passed on names the stage that excluded the case.
            return Outcome(breast, "excluded", record["stage"], record["code"], record["sentence"])
    if unusable:
        return Outcome(breast, "excluded", "compare", *NO_REFERENCE)
    return Outcome(breast)


def flow_rows(ends: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The flow as a table with the columns COLUMNS; the numbers of breasts sum to the breasts that came in."""
    counts = Counter((e.breast.partition, e.breast.label, e.status, e.stage, e.code) for e in ends)
    rows: list[dict[str, Any]] = [
        dict(zip(COLUMNS, (*key, n), strict=True))
        for key, n in sorted(counts.items(), key=lambda item: _rank(*item[0]))
    ]
    if sum(row["breasts"] for row in rows) != len({e.breast.breast for e in ends}):
        raise ValueError(
            "the boxes of the flow chart do not sum to the breasts that came in: a breast is counted twice"
        )
    return rows


def _rank(partition: str, label: str, status: str, stage: str, code: str) -> tuple[int, int, bool, int, str]:
    return PARTITIONS.index(partition), LABELS.index(label), status != "ok", ORDER.index(stage) if stage else -1, code


def groups(rows: Sequence[Mapping[str, Any]]) -> list[Group]:
    """The boxes of the flow chart, one group for each partition and label that has breasts."""
    found = []
    for partition in PARTITIONS:
        for label in LABELS:
            own = [row for row in rows if (row["partition"], row["label"]) == (partition, label)]
            left = [(row["stage"], row["code"], row["breasts"]) for row in own if row["status"] != "ok"]
            stayed = sum(row["breasts"] for row in own if row["status"] == "ok")
            if own:
                came = stayed + sum(n for *_, n in left)
                purpose = PURPOSE.get((partition, label), "shown; in no statistic")
                found.append(Group(partition, label, came, stayed, purpose, left))
    return found


def flow_tsv(rows: Sequence[Mapping[str, Any]]) -> str:
    """The flow as tab-separated text."""
    lines = ["\t".join(COLUMNS), *("\t".join(str(row[column]) for column in COLUMNS) for row in rows)]
    return "\n".join(lines) + "\n"
