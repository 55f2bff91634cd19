"""Quality of a case in words and tables: where it ended, registration, scale, outlines, flags; and its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from radparity.faults import FAULTS
from radparity.report.flow import NO_COMMON, NO_REFERENCE
from radparity.report.tables import Table, interval, number

Record = Mapping[str, Any]
ORDER = ("intake", "eligible", "convert", "register", "harmonize", "mask", "outline", "predict", "segment")
CHANNELS = {"t1c": "T1c", "dce_in": "DCE-in", "dce_out": "DCE-out", "t2": "T2"}


class Left(NamedTuple):
    """Where a case left the study and why; mend: what can be done about it, empty where nothing is known."""

    stage: str
    code: str
    sentence: str
    mend: str


def left(records: Mapping[str, Record], breast: str) -> Left | None:
    """The first exclusion among a case's records, by stage; None while the case is in the study."""
    for stage in ORDER:
        if stage in records:
            record = records[stage]
            own = record.get("breasts", {}).get(breast, record)
            if own["status"] != "ok":
                known = FAULTS.get(own["code"])
                return Left(record["stage"], own["code"], own["sentence"], known.mend if known else "")
    return None


def without_reference(few: bool = False) -> Left:
    """Where a test case leaves that no reference can judge, as the flow chart has it; few: of one or two raters."""
    code, sentence = NO_REFERENCE
    return Left("compare", code, NO_COMMON if few else sentence, "")


def flags_table(records: Mapping[str, Record]) -> Table | None:
    """Every flag of a case with its sentence and what it means; None where there is none."""
    rows = [
        [stage, flag["code"], flag["sentence"], FAULTS[flag["code"]].mend if flag["code"] in FAULTS else ""]
        for stage in ORDER
        for flag in records.get(stage, {}).get("flags", [])
    ]
    head = ["stage", "flag", "found", "what to do"]
    return Table("flags", "Flags", head, rows, "A flag leaves the case in the study.", range(4)) if rows else None


def registration_table(record: Record, times: Sequence[float | None]) -> Table | None:
    """Registration of each phase; None where there is none."""
    rows = []
    for row in record.get("quality", []):
        low, high = row.get("jacobian", (None, None))
        time = times[row["phase"]] if row["phase"] < len(times) else None
        rows.append(
            [
                f"{row['phase']}" + ("" if "likeness_after" in row else ", the target"),
                number(time, 0),
                number(row.get("likeness_before"), 2),
                number(row.get("likeness_after"), 2),
                number(row.get("mean_displacement_mm"), 2),
                number(row.get("largest_displacement_mm"), 2),
                interval(low, high, 2),
            ]
        )
    head = ["phase", "time, s", "likeness before", "after", "mean displacement, mm", "largest, mm", "Jacobian"]
    note = f"Method: {record.get('method', '')}, {record.get('engine', '')}."
    return Table("registration", "Registration of the phases", head, rows, note) if rows else None


def scale_table(record: Record) -> Table | None:
    """Harmonization: offset and divisor of each channel; None where there is none."""
    if "divisors" not in record:
        return None
    columns = zip(record["channels"], record["offsets"], record["divisors"], record["p95"], strict=True)
    rows = [
        [CHANNELS.get(name, name), number(offset, 2), number(divisor, 2), number(p95, 4)]
        for name, offset, divisor, p95 in columns
    ]
    head = ["channel", "offset", "divisor", "95th percentile after"]
    return Table("scale", f"Scale of the channels by {record['harmonization']}", head, rows)


def uptake_table(record: Record) -> Table | None:
    """The outlines' check against the uptake; None where there was none."""
    rows = [
        [
            row["whose"],
            number(row["score"], 2),
            row["best"] or row["note"],
            number(row["best_score"], 2),
            "suspect" if row["suspect"] else "doubtful" if row["doubtful"] else "",
        ]
        for row in record.get("uptake", [])
    ]
    head = ["outline", "contrast of its border", "best other place", "contrast there", "found"]
    note = "Contrast: chance that a voxel just inside the border takes up more than one just outside it."
    return Table("uptake", "Check of the outlines", head, rows, note, (0, 2, 4)) if rows else None


def files_table(digests: Mapping[str, str]) -> Table:
    """The case's own files that its page was made from."""
    rows = [[path, digest] for path, digest in sorted(digests.items()) if path.startswith("results/")]
    return Table("files", "Files of the case that this page shows", ["file", "SHA-256"], rows, words=(0, 1))
