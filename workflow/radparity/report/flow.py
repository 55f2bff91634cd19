"""Flow: where each exam and each breast of the sheets ends. Nobody leaves in silence, so the boxes sum to the input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from radparity.report.results import Breast, Record
from radparity.report.tables import Table
from radparity.sheets import INTERNAL
from radparity.tested_on import STAGE as COHORT

EXAM_STAGES = ("intake", "eligible", "convert", "register")
BREAST_STAGES = ("harmonize", "mask", "outline", "predict", "segment")
RELEASE = "the next release"
ORDER = ("download", *EXAM_STAGES, *BREAST_STAGES, "compare")
PARTITIONS = ("development", "tuning", "test", INTERNAL, "shown")
LABELS = ("malignant", "benign")
OK, WAITING = "ok", "waiting"
COLUMNS = ("partition", "label", "status", "stage", "code", "rule", "breasts", "overridden")
EXAM_COLUMNS = ("status", "stage", "code", "rule", "exams", "overridden")
PURPOSE = {
    ("development", "malignant"): "train the networks",
    ("development", "benign"): "train the networks",
    ("tuning", "malignant"): "tune the threshold",
    ("test", "malignant"): "network compared with the readers",
    (INTERNAL, "malignant"): "internal test: beside the external one, descriptively",
    ("shown", "malignant"): "shown; in no statistic",
}
WORDS = {"on_hold": "on hold, nobody has decided yet"}
NO_REFERENCE = (
    "no_usable_reference",
    "every reference of this case is empty: without the left-out reader the others outline no common voxel",
)
NO_COMMON = "the reference of this case is empty: nothing was outlined, or the two outlines share no voxel"


@dataclass(frozen=True)
class End:
    """Where an exam or a breast ended: status `ok`, or `excluded` at a stage with code and sentence; `waiting` for the
    next release, or on an interim page for a stage.

    rule: the rule of eligibility that it does not meet. overridden: a decision keeps it although a rule would not.
    """

    status: str = "ok"
    stage: str = ""
    code: str = ""
    rule: str = ""
    sentence: str = ""
    overridden: bool = False


@dataclass(frozen=True)
class Outcome(End):
    """The end of one breast."""

    breast: Breast = field(kw_only=True)


@dataclass(frozen=True)
class Group:
    """A column of the flow chart: how many came, left (stage, why, how many), wait (stage, how many) and stayed, some
    by a decision."""

    title: str
    came: int
    stayed: int
    overridden: int
    purpose: str
    left: list[tuple[str, str, int]]
    waiting: list[tuple[str, int]] = field(default_factory=list)


def outcomes(
    breasts: Iterable[Breast],
    records: Mapping[str, Mapping[str, Record]],
    unusable: Collection[str] = (),
    awaited: Mapping[str, Collection[str]] | None = None,
) -> list[Outcome]:
    """The end of every breast: its first excluded record in the order of the stages, else ok.

    `unusable` are cases without a usable reference, which leave at the comparison. A stage that a breast does not pass
    (nobody predicts a benign development case) has no record. `awaited`, of an interim page: stage to the exams and
    breasts that will have a record there; who has none waits. Without it raises ValueError for a breast without any
    record, and for a record at a later stage than one that is missing for its exam.
    """
    return [_outcome(breast, records, breast.breast in unusable, awaited) for breast in breasts]


def _outcome(
    breast: Breast,
    records: Mapping[str, Mapping[str, Record]],
    unusable: bool,
    awaited: Mapping[str, Collection[str]] | None,
) -> Outcome:
    overridden = False
    for stage in (*EXAM_STAGES, *BREAST_STAGES):
        unit = breast.exam if stage in EXAM_STAGES else breast.breast
        record = records.get(stage, {}).get(unit)
        if record is None and awaited is not None and unit in awaited.get(stage, ()):
            return Outcome(WAITING, stage, WAITING, overridden=overridden, breast=breast)
        if record is None and awaited is None and stage not in ("outline", "predict", "segment"):
            raise ValueError(f"{breast.breast} has no record of {stage}, so nobody can say where it ended: run {stage}")
        if record is not None:
            overridden |= any(row["breast"] == breast.breast for row in record.get("overridden", []))
            own = record.get("breasts", {}).get(breast.breast, record)
            if own["status"] != "ok":
                # A record that was passed on names the stage that excluded the case.
                why = (own["code"], own.get("rule", ""), own["sentence"])
                return Outcome("excluded", record["stage"], *why, overridden, breast=breast)
    if unusable:
        code, sentence = NO_REFERENCE
        return Outcome("excluded", "compare", code, "", sentence, overridden, breast=breast)
    return Outcome(overridden=overridden, breast=breast)


def of_few(end: Outcome) -> Outcome:
    """The same end where one or two raters outlined each case: why a case has no reference is said otherwise."""
    return replace(end, sentence=NO_COMMON) if end.code == NO_REFERENCE[0] else end


def arrivals(breasts: Iterable[Breast]) -> list[Outcome]:
    """The end, for now, of breasts whose exams are not in the release."""
    return [Outcome(WAITING, RELEASE, WAITING, breast=breast) for breast in breasts]


def departed(breasts: Iterable[Sequence[str]]) -> list[Outcome]:
    """The end of breasts that their cohort keeps out: `about_left_out` says which, with code and sentence."""
    return [Outcome("excluded", COHORT, code, "", sentence, breast=Breast(*row)) for *row, code, sentence in breasts]


def exam_ends(
    exams: Iterable[str],
    ends: Iterable[Outcome],
    records: Mapping[str, Mapping[str, Record]],
    rules: Sequence[str] = (),
    interim: bool = False,
) -> dict[str, End]:
    """The end of every exam: it stays while one of its breasts does, and leaves with the last of them.

    rules: names of the rules of eligibility in their order. An exam without a breast in the sheets leaves by its own
    record; on an interim page it may still wait for one.
    """
    own: dict[str, list[Outcome]] = {}
    for end in ends:
        own.setdefault(end.breast.exam, []).append(end)
    found: dict[str, End] = {}
    for exam in exams:
        if exam in own:
            last = max(
                own[exam],
                key=lambda end: (
                    end.status == OK,
                    end.status == WAITING,
                    *_place(end.stage, end.rule, rules),
                    end.code,
                ),
            )
            overridden = any(end.overridden for end in own[exam])
            found[exam] = End(last.status, last.stage, last.code, last.rule, last.sentence, overridden)
        else:
            out = next((r for s in EXAM_STAGES if (r := records.get(s, {}).get(exam)) and r["status"] != "ok"), None)
            if out is None and interim:
                found[exam] = End(WAITING, EXAM_STAGES[0], WAITING)
                continue
            if out is None:
                raise ValueError(f"{exam} has no breast in the sheets and no record that excludes it: run eligible")
            found[exam] = End("excluded", out["stage"], out["code"], out.get("rule", ""), out["sentence"])
    return found


def _place(stage: str, rule: str, rules: Sequence[str]) -> tuple[int, int]:
    return ORDER.index(stage) if stage in ORDER else -1, rules.index(rule) if rule in rules else -1


def flow_rows(ends: Sequence[Outcome], rules: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The flow as a table with the columns COLUMNS; the numbers of breasts sum to the breasts that came in."""
    keys = [(e.breast.partition, e.breast.label, e.status, e.stage, e.code, e.rule) for e in ends]
    counts, kept = Counter(keys), Counter(key for key, end in zip(keys, ends, strict=True) if end.overridden)
    order = sorted(
        counts, key=lambda k: (PARTITIONS.index(k[0]), LABELS.index(k[1]), k[2] != "ok", *_place(k[3], k[5], rules), k)
    )
    rows = [dict(zip(COLUMNS, (*key, counts[key], kept[key]), strict=True)) for key in order]
    _sums(rows, "breasts", len({e.breast.breast for e in ends}))
    return rows


def exam_rows(ends: Mapping[str, End], rules: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The flow of exams as a table with the columns EXAM_COLUMNS; the numbers sum to the exams that came in."""
    counts = Counter((e.status, e.stage, e.code, e.rule) for e in ends.values())
    kept = Counter((e.status, e.stage, e.code, e.rule) for e in ends.values() if e.overridden)
    order = sorted(counts, key=lambda k: (k[0] != "ok", *_place(k[1], k[3], rules), k))
    rows = [dict(zip(EXAM_COLUMNS, (*key, counts[key], kept[key]), strict=True)) for key in order]
    _sums(rows, "exams", len(ends))
    return rows


def _sums(rows: Sequence[Mapping[str, Any]], unit: str, came: int) -> None:
    if sum(row[unit] for row in rows) != came:
        raise ValueError(f"the boxes of the flow chart do not sum to the {unit} that came in: one is counted twice")


def groups(rows: Sequence[Mapping[str, Any]], others: str = "readers") -> list[Group]:
    """The columns of the flow chart, one for each partition and label that has breasts.

    others: what the network is compared with.
    """
    found = []
    for partition in PARTITIONS:
        for label in LABELS:
            own = [row for row in rows if (row["partition"], row["label"]) == (partition, label)]
            purpose = PURPOSE.get((partition, label), "shown; in no statistic").replace("readers", others)
            if own:
                found.append(_group(f"{partition}, {label}", own, "breasts", purpose))
    return found


def exam_group(rows: Sequence[Mapping[str, Any]]) -> Group:
    """The exams as one column of the flow chart."""
    return _group("exams", rows, "exams", "with at least one breast in the study")


def _group(title: str, rows: Sequence[Mapping[str, Any]], unit: str, purpose: str) -> Group:
    out = [row for row in rows if row["status"] not in (OK, WAITING)]
    left = [
        (row["stage"], row["rule"] or WORDS.get(row["code"], row["code"].replace("_", " ")), row[unit]) for row in out
    ]
    waiting = [(row["stage"], row[unit]) for row in rows if row["status"] == WAITING]
    ok = [row for row in rows if row["status"] == OK]
    stayed, overridden = sum(row[unit] for row in ok), sum(row["overridden"] for row in ok)
    return Group(title, sum(row[unit] for row in rows), stayed, overridden, purpose, left, waiting)


def decisions_table(records: Mapping[str, Record]) -> Table:
    """Every decision that a person made, with the rules it overrode, from the records of the stage `eligible`."""
    rows = []
    for exam, record in sorted(records.items()):
        for made in record.get("decisions", []):
            overrode = [
                rule
                for row in record["overridden"]
                if made["verdict"] == "include"
                and made["breast"] in (None, row["breast"])
                and (made["reason"], made["who"]) == (row["reason"], row["who"])
                for rule in row["rules"]
            ]
            what = f"series {made['series']} is {made['role']}" if made["verdict"] == "role" else made["verdict"]
            about = made["breast"] or exam
            rows.append([about, what, "; ".join(dict.fromkeys(overrode)), made["reason"], made["who"], made["date"]])
    head = ["exam or breast", "decision", "overrides the rule", "reason", "who", "date"]
    note = (
        "A decision overrides any rule of eligibility and any role that intake found, never a fault of the data; only"
        " outline_ok keeps a case whose outlines seem to lie elsewhere. A case on hold is out until it is decided. Who"
        " has looked at a case and kept it (keep) is counted on the page of quality control."
    )
    return Table("decisions", "Every decision made by a person", head, rows, note, range(6))


def flow_tsv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = COLUMNS) -> str:
    """The flow as tab-separated text."""
    lines = ["\t".join(columns), *("\t".join(str(row[column]) for column in columns) for row in rows)]
    return "\n".join(lines) + "\n"
