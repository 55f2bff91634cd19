"""A table of the report without small cells, and without columns that stay at home."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from radparity.share.counts import HIDDEN, WHOLE, in_sentence, shown, shown_together

# Columns are known by their headings. A column of whole numbers that no heading here speaks of is taken for counts.
COUNTED = re.compile(
    r"\b(cases|exams|breasts|patients|values|lesions|found|missed|false positives|unusable|excluded|left out|moved|less"
    r" alike|with a fold|one alone|empty references|number|below|malignant|benign|breast masks)\b"
)
MEASURED = re.compile(
    r"median|mean|mm|area|bias|limit|rank|seed|width|parameter|reader|\bfold|look|repeat|point|channel|phase|degree|per"
    r" cent|of the other|dice|section|step|voxel|second|ours|site|quartile|interval|distance|p,|\bSD\b|loss|likeness"
)
# What a share of cases, and the interval of one, is called: with the number of cases it gives the count away.
SHARES = re.compile(r"better there|share|under 0\.5|sensitivity|wilson|over patients|a section$|per cent of")
WITHHELD = re.compile(r"^(who|date|when|user|host|an output of it|path|file|folder|record|commit|reason of whom)$")
NUMBER = re.compile(r"[−+-]?\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True)
class Grid:
    """The cells of a table as text. words: positions of the columns that hold text."""

    head: list[str]
    rows: list[list[str]]
    words: frozenset[int]

    def without(self, columns: Collection[int]) -> Grid:
        """The table without some columns."""
        kept = [k for k in range(len(self.head)) if k not in columns]
        rows = [[row[k] for k in kept] for row in self.rows]
        return Grid([self.head[k] for k in kept], rows, frozenset(kept.index(k) for k in self.words if k in kept))


def is_count(heading: str, cells: Sequence[str]) -> bool:
    """Whether a column of numbers holds counts."""
    heading = heading.lower()
    if re.search(r"\bp\b|interval|^the paper's|^ours", heading):
        return False
    if SHARES.search(heading):
        return COUNTED.search(heading) is not None and "(share)" in heading
    if COUNTED.search(heading) and not re.match(r"(mean|median|over)\b", heading):
        return not any(re.search(r"\d\.\d\d", cell) for cell in cells)
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and not MEASURED.search(heading) and all(WHOLE.fullmatch(cell.strip()) for cell in filled)


def withheld(grid: Grid) -> Grid:
    """Without the columns of people, dates and paths."""
    return grid.without([k for k, heading in enumerate(grid.head) if WITHHELD.match(heading.lower())])


def suppressed(grid: Grid, smallest: int) -> Grid:
    """The table with its counts as `radparity.share.counts` prints them.

    What is computed of fewer cases than the smallest cell is blank, and so is a share of cases where it, or what it
    leaves, stands for fewer; other shares have two digits, with which the number of cases cannot be recovered.
    """
    if smallest == 1 or not grid.rows:
        return grid
    numbers = [k for k in range(len(grid.head)) if k not in grid.words]
    counts = [k for k in numbers if is_count(grid.head[k], [row[k] for row in grid.rows])]
    shares = [k for k in numbers if k not in counts and SHARES.search(grid.head[k].lower())]
    rows = [list(row) for row in grid.rows]
    for row, before in zip(rows, grid.rows, strict=True):
        own = [(k, value) for k in counts if (value := _first(before[k])) is not None]
        few = any(0 < n < smallest for place, (k, n) in enumerate(own) if not place or grid.head[k] == "patients")
        gaps = [abs(a - b) for _, a in own for _, b in own]
        told = any(0 < gap < smallest for gap in gaps) or any(
            not _far(before[k], own[0][1] if own else 0, smallest) for k in shares
        )
        for k in numbers:
            if k in counts:
                row[k] = _count(before[k], smallest)
            elif not grid.head[k].startswith("the paper's") and (few or (k in shares and told)):
                row[k] = ""
            elif k in shares:
                row[k] = re.sub(r"(\d\.\d\d)\d+", lambda found: f"{float(found.group()):.2f}", before[k])
        for k in grid.words:
            row[k] = in_sentence(before[k], smallest)
    for k in counts:
        column = [row[k] for row in grid.rows]
        if len(column) > 1 and all(WHOLE.fullmatch(cell) for cell in column):
            together = shown_together([int(cell.replace(",", "")) for cell in column], smallest)
            for row, cell in zip(rows, together, strict=True):
                row[k] = cell
    return replace(grid, rows=rows)


def _first(cell: str) -> int | None:
    found = NUMBER.match(cell.strip())
    return round(float(found.group().replace(",", "").replace("−", "-"))) if found else None


def _far(cell: str, of: int, smallest: int) -> bool:
    """Whether a share of so many cases, and the rest of them, are none or at least the smallest cell."""
    found = NUMBER.search(cell)
    if not found:
        return True
    share = float(found.group().replace(",", "").replace("−", "-")) / (100 if "%" in cell else 1)
    part = round(share * of)
    return all(n <= 0 or n >= smallest for n in (part, of - part))


def _count(cell: str, smallest: int) -> str:
    """A cell of counts, which may hold several (`14 + 3`), a mean, or a share in brackets, which goes."""
    cell = re.sub(r"\s*\([^)]*%\)", "", cell)
    return re.sub(
        r"(?<![\w.])\d[\d,]*(?:\.\d+)?", lambda f: shown(round(float(f.group().replace(",", ""))), smallest), cell
    )


__all__ = ["HIDDEN", "Grid", "is_count", "suppressed", "withheld"]
