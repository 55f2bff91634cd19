"""One cell of a table: its value in words, and which cases and whose outlines are in that number."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from radparity.config import ConfigError
from radparity.provenance import Entry, Ledger
from radparity.raters import few

Row = dict[str, str]
CASES = ("case", "breast", "exam")
WHO = ("rater", "other", "against")
NETWORK, READERS, AVERAGED = "network", "readers", "averaged"
# Of these tables the number is of the usable pairs (case, reference) in scores.tsv; others say themselves which.
OF_USABLE = ("main", "equivalence", "tails", "random_readers", "mixed", "correlation", "normality")
# What depends on the references alone, not on what is compared with them.
OF_REFERENCES = (
    "n patients cases_left_out unusable_pairs emptied_by usable reference_voxels references_used lesions".split()
)
OF_ALL_CASES = ("n", "patients", "cases_left_out", "unusable_pairs", "emptied_by")
# Adjusted over the rows of all references.
OF_ALL_ROWS = ("holm_p", "holm_p_by_patient")
# Tables that compare raters with one another and not with references.
WITHOUT_REFERENCES = ("agreement", "sizes", "size_summary")


@dataclass(frozen=True)
class Cell:
    """A cell. cases, network (its masks) and outlines (readers) say what is in the number; None: all that its table
    was made from."""

    table: str
    row: str
    column: str
    value: str
    meaning: str
    cases: list[str] | None = None
    not_in: list[str] | None = None
    """compared cases that are not in the number"""
    network: bool | None = None
    outlines: list[str] | None = None
    readers: list[str] | None = None


def find(ledger: Ledger, table: str, asked: str) -> Cell:
    """The cell that `ROW,COLUMN` names (in either order).

    ROW: the words that tell its row from the others, as R2, or E31L/R2. COLUMN: its header, or how that begins.
    Raises ConfigError with what can be written.
    """
    rows = _read(table)
    columns = list(rows[0])
    keys = _keys(rows)
    # A row's words may hold commas themselves.
    halves = [(asked[:at], asked[at + 1 :]) for at, sign in enumerate(asked) if sign == ","]
    for wanted, head in (pair for first, second in halves for pair in ((first, second), (second, first))):
        found = _rows(rows, keys, wanted)
        column = next((name for name in columns if name == head), None)
        column = column or next((name for name in columns if head and name.startswith(head)), None)
        if len(found) == 1 and column:
            return _cell(ledger, table, rows, found[0], "/".join(found[0][key] for key in keys), column)
    known = ", ".join("/".join(row[key] for key in keys) for row in rows[:8]) + (" ..." if len(rows) > 8 else "")
    raise ConfigError(
        f"{asked}: {table} has no such cell, or several. Write --cell ROW,COLUMN with a row of {known} and a column of"
        f" {', '.join(columns)}"
    )


def _read(table: str) -> list[Row]:
    if not table.endswith(".tsv"):
        raise ConfigError(f"{table} is no table (.tsv), so it has no cells. Leave --cell out")
    with Path(table).open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    if not rows:
        raise ConfigError(f"{table} has no row. Leave --cell out")
    return rows


def _keys(rows: list[Row]) -> list[str]:
    """The first columns that together tell every row from the others (without the patient, whom the case implies)."""
    keys: list[str] = []
    for column in rows[0]:
        if column == "patient" and "case" in rows[0]:
            continue
        keys.append(column)
        if len({tuple(row[key] for key in keys) for row in rows}) == len(rows):
            break
    return keys


def _rows(rows: list[Row], keys: list[str], wanted: str) -> list[Row]:
    """The rows that some words name: all words of a row, or some that no other row has."""
    whole = [row for row in rows if wanted == "/".join(row[key] for key in keys)]
    words = set(wanted.split("/"))
    return whole or [row for row in rows if wanted and words <= {row[key] for key in keys}]


def _cell(ledger: Ledger, table: str, rows: list[Row], row: Row, name: str, column: str) -> Cell:
    cell = Cell(table, name, column, row[column], _meaning(table, column))
    entry = ledger.entry(table)
    if entry and Path(table).parts[1] == "compare":
        return _compared(cell, row, entry)
    named = [row[key] for key in CASES if row.get(key)]
    return Cell(**vars(cell) | {"cases": named}) if named else cell


def _meaning(table: str, column: str) -> str:
    """What the table's sidecar says of a column; empty where there is none."""
    path = Path(table)
    for beside in (path.with_name(f"{path.stem}_columns.json"), path.with_name("columns.json")):
        if beside.is_file():
            said = json.loads(beside.read_text(encoding="utf-8"))
            said = said.get(path.stem, said)
            if isinstance(said, dict) and isinstance(said.get(column), str):
                return str(said[column])
    return ""


def _compared(cell: Cell, row: Row, entry: Entry) -> Cell:
    """A cell of the comparison: the cases in it, whether the network's masks are, and whose outlines."""
    readers = list(entry["params"]["readers"]["test"])
    name, column = Path(cell.table).stem, cell.column
    reference = row.get("reference", "")
    scores = Path(cell.table).with_name("scores.tsv")
    pairs = _read(scores.as_posix()) if scores.is_file() else []
    compared = sorted({pair["case"] for pair in pairs} or entry["params"].get("patients", ()))
    if row.get("case"):
        cases = [row["case"]]
    elif (
        name == "subgroups"
        and not column.startswith("interaction")
        and row["subgroup"] in entry["params"].get("groups", {})
    ):
        of_group = entry["params"]["groups"][row["subgroup"]]
        cases = [case for case in compared if of_group.get(case, "") == row["value"]]
    elif name in OF_USABLE and column not in (*OF_ALL_CASES, *OF_ALL_ROWS):
        own = [p for p in pairs if p["usable"] == "True" and reference in (p["reference"], AVERAGED, "")]
        cases = sorted({pair["case"] for pair in own})
    else:
        cases = compared
    by_references = column in OF_REFERENCES and name not in WITHOUT_REFERENCES
    network, judged = (False, set()) if by_references else _judged(row, column, readers)
    if name == "located" or entry["params"].get("location_given"):
        outlines = set(readers)  # the arm is told where the lesion is by all of them
    elif name in WITHOUT_REFERENCES:
        outlines = judged
    elif reference in readers and column not in OF_ALL_ROWS:
        # Of one or two raters a row's reference is that rater's outline; of more it is made without them, and so it is
        # in a study of masks, where the arm is one of its raters.
        direct = few(readers) and entry["rule"] != "masks_compare"
        outlines = judged | ({reference} if direct else set(readers) - {reference})
    else:
        outlines = set(readers)
    return Cell(
        **vars(cell)
        | {"cases": cases, "not_in": [c for c in compared if c not in cases], "network": network}
        | {"outlines": [r for r in readers if r in outlines], "readers": readers}
    )


def _judged(row: Row, column: str, readers: Collection[str]) -> tuple[bool, set[str]]:
    """Whether the network's masks, and which readers' outlines, are compared with the references (or each other)."""
    who = [row[key] for key in WHO if row.get(key)]
    own = {row.get("reference", "")} & set(readers) or set(readers)
    if who:
        named = set(who) & set(readers)
        return NETWORK in who or "baseline" in who, set(readers) if READERS in who else named
    of_network, of_reader = NETWORK in column, "reader" in column
    if of_network != of_reader:
        return of_network, own if of_reader else set()
    return True, set(readers) if column in OF_ALL_ROWS else own
