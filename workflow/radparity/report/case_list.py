"""Case list: every breast of the sheets as a row, with where it ended, its flags and its numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from radparity.report.counted import Counted
from radparity.report.flow import Outcome
from radparity.report.results import Breast, Record, Results, read_table
from radparity.report.tables import missing, number
from radparity.report.words import study_words
from radparity.scaling import scanner_name

CASES_SCRIPT = "assets/cases.js"
"""Where the rows lie for the script, below the report's folder."""
STATIC_ROWS = 1000
"""So many rows stand in the page itself, for whoever reads it without scripts."""
DIGITS = {"dice_network": 3, "dice_readers": 3, "difference": 3, "network_size": 0, "readers_size": 0}
"""Decimals that a column is shown with; one more is stored."""
FILTERS = ("partition", "label", "status", "scanner", "flags")
FLAGGED = ("intake", "convert", "register", "harmonize", "mask", "outline", "predict", "segment")
UNITS = {"mm2": "mm²", "mm3": "mm³"}
NETWORK = "network"


@dataclass(frozen=True)
class Column:
    """A column of the list: its name in the data, its heading, and whether it holds numbers."""

    name: str
    heading: str
    number: bool = False


@dataclass(frozen=True)
class CaseList:
    """The list as the template takes it.

    rows: one a case, a cell a column, None where there is no value. linked: the cases that have a page of their own.
    """

    columns: list[Column]
    rows: list[list[Any]]
    linked: frozenset[str]

    @property
    def shown(self) -> list[list[str]]:
        """The first rows, as text, for the page itself."""
        return [
            [text(cell, column.name) for cell, column in zip(row, self.columns, strict=True)]
            for row in self.rows[:STATIC_ROWS]
        ]

    @property
    def choices(self) -> dict[str, list[str]]:
        """Column to the values that one may filter by: of the flags each by itself, of the status also its first word,
        which stands for all exclusions, or for all that wait.
        """
        at = {column.name: position for position, column in enumerate(self.columns)}
        found = {name: {str(row[at[name]]) for row in self.rows} for name in FILTERS}
        found["flags"] = {flag for flags in found["flags"] for flag in flags.split(", ")}
        found["status"] |= {status.split(" ")[0] for status in found["status"]}
        return {name: sorted(values - {""}) for name, values in found.items()}


def cases_page(results: Results, counted: Counted) -> dict[str, Any]:
    """The variables of the template `cases.html.j2`."""
    return {"cases": case_list(results, counted), "primary": results.primary}


def cases_script(results: Results, counted: Counted) -> str:
    """The rows as a classic script: `window.CASES = {...};`, with the decimals to show and who has no page."""
    found = case_list(results, counted)
    about = {
        "columns": [column.name for column in found.columns],
        "digits": DIGITS,
        "without_page": [row[0] for row in found.rows if row[0] not in found.linked],
    }
    rows = ",\n".join(_compact(row) for row in found.rows)
    return f'"use strict";\nwindow.CASES = {_compact(about)[:-1]},"rows":[\n{rows}\n]}};\n'


def _compact(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"), allow_nan=False)


def case_list(results: Results, counted: Counted) -> CaseList:
    """The list of all breasts, in the order of the sheets.

    Dice and sizes are the primary arm's; sizes come from the comparison, of other cases from their masks and outlines.
    """
    sizes, unit = case_sizes(results)
    heading = f", {UNITS.get(unit, unit)}" if unit else ""
    columns = [
        *(Column(name, name) for name in ("breast", "partition", "label")),
        Column("dice_network", "network's Dice", True),
        *(() if results.few else (Column("dice_readers", "readers' Dice", True),)),
        *(() if results.few else (Column("difference", "difference", True),)),
        Column("network_size", f"network's mask{heading}", True),
        Column("readers_size", f"{study_words(results.config).drawn.removeprefix('the ')}{heading}", True),
        Column("section", "section", True),
        Column("fold", "fold", True),
        *(Column(name, name) for name in ("status", "flags", "side", "exam", "patient", "scanner")),
    ]
    dice = {row["case"]: row for row in results.table("cases").to_dict("records")}
    folds, rows = _folds(results), []
    scored = ("dice_network",) if results.few else ("dice_network", "dice_reader", "difference")
    for end in counted.ends:
        breast, own = end.breast, dice.get(end.breast.breast, {})
        network, readers = sizes.get(breast.breast) or _own_sizes(results, breast.breast, unit)
        rows.append(
            [
                *(breast.breast, breast.partition, breast.label),
                *(_rounded(own.get(name), 4) for name in scored),
                *(_rounded(network, 1), _rounded(readers, 1)),
                *(_section(results, breast.breast), folds.get(breast.breast)),
                *(said(end), _flags(results, breast), breast.side, breast.exam, breast.patient),
                _scanner(results.records["intake"].get(breast.exam)),
            ]
        )
    return CaseList(columns, rows, paged(results))


def paged(results: Results) -> frozenset[str]:
    """The breasts that have a page of their own, as the configuration's `report: cases` has it; none in an interim
    report.
    """
    which = results.config["report"]["cases"]
    if which == "none" or results.interim:
        return frozenset()
    return frozenset(row.breast for row in results.breasts if which == "all" or row.partition != "development")


def text(cell: Any, column: str) -> str:
    """A cell as it is printed; blank where there is no value."""
    if column in DIGITS:
        return number(cell, DIGITS[column], sign=column == "difference")
    return "" if missing(cell) else str(cell)


def said(end: Outcome) -> str:
    """Where a breast ended, in a few words, the first of them ok, excluded or waiting."""
    if end.status == "ok":
        return "ok"
    if end.status == "waiting":
        return f"waiting for {end.stage}"
    return f"excluded at {end.stage}: {end.rule or end.code.replace('_', ' ')}"


def _rounded(value: Any, digits: int) -> float | None:
    return None if missing(value) else round(float(value), digits)


def _scanner(intake: Record | None) -> str:
    return scanner_name(intake) if intake and "scanner" in intake else ""


def _flags(results: Results, breast: Breast) -> str:
    """Codes of all that any stage flagged in the case or its exam."""
    own = (results.records[stage].get(unit, {}) for stage in FLAGGED for unit in (breast.exam, breast.breast))
    codes = {str(flag["code"]) for record in own for flag in record.get("flags", [])}
    return ", ".join(sorted(code.replace("_", " ") for code in codes))


def _section(results: Results, breast: str) -> int | None:
    """The section that the case's masks lie on, counted from 0 at the patient's left."""
    found = (results.records[stage].get(breast, {}).get("section") for stage in ("segment", "outline"))
    return next((int(section) for section in found if section is not None), None)


def case_sizes(results: Results) -> tuple[dict[str, tuple[float, float]], str]:
    """Case to the size of the network's mask and the mean of its readers' outlines, and their unit."""
    table = results.table("sizes")
    if table.empty:
        return {}, "mm2"
    ours = table["rater"] == NETWORK
    network = table[ours].set_index("case")["size"]
    readers = table[~ours].groupby("case")["size"].mean()
    units = table["unit"].unique()
    return {str(case): (float(network[case]), float(readers.get(case, float("nan")))) for case in network.index}, str(
        units[0]
    ) if len(units) == 1 else ""


def _own_sizes(results: Results, breast: str, unit: str) -> tuple[float | None, float | None]:
    """The same of a case that is not compared, from the records of its mask and of its outlines; areas only."""
    if unit != "mm2":
        return None, None
    segment = results.records["segment"].get(breast, {})
    grid: Sequence[float] | None = results.records["harmonize"].get(breast, {}).get("spacing_mm")
    areas: Mapping[str, float] = results.records["outline"].get(breast, {}).get("area_mm2") or {}
    network = segment["voxels"] * grid[1] * grid[2] if "voxels" in segment and grid else None
    return network, fmean(areas.values()) if areas else None


def _folds(results: Results) -> dict[str, int]:
    """Development breast to the fold that holds it out, where the report was given the table of the folds."""
    found: dict[str, int] = {}
    for path in results.files.get("folds", []):
        table = read_table(path)
        held = table[table["role"] == "held_out"]
        found |= {str(breast): int(fold) for breast, fold in zip(held["breast"], held["fold"], strict=True)}
    return found
