"""Counts of patients, exams and cases as a shared copy prints them, and whether one can be computed from the others.

The rule, which depends on the count alone, so that no two places of the copy can be played off against each other:
0 stays 0, a count under the smallest cell is `<5`, and every other count is rounded to the nearest multiple of the
smallest cell. Whoever adds and subtracts what is printed works with intervals. Where even these give a small count
away, it is hidden, together with the next smallest one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

HIDDEN = "·"
WHOLE = re.compile(r"\d[\d,]*")
_KINDS = """test tuning development malignant benign training validation worst predicted shown excluded other further
    outlined compared virtual real unusable held-out""".split()
_ONE = r"(?:cases?|exams?|breasts?|patients?|lesions?|cancers?|women|rows)\b"
_NOUN = rf"(?:(?:{'|'.join(_KINDS)})[ ,+]+)*{_ONE}"
# Of the sentences of the methods: `14 with cancer and 10 without for development, 4 to tune on`.
_PARTS = r"with cancer\b|without for\b|to tune on\b|for the comparison\b|shown and\b|on a deadline\b"
# `14 of the 43 breasts`, `the 14 test cases`; not `fewer than 50 cases`, which is a setting and not a count.
SAID = re.compile(
    rf"(?<![\d.,<])\b(?P<count>\d[\d,]*)(?= (?:of (?:the |them\b)?(?:\d[\d,]* )?)?(?:{_NOUN}|{_PARTS}))"
    rf"|(?<![\d.,<])\b(?P<them>\d[\d,]*)(?= of them\b)"
    r"|(?P<lead>\b[Cc]ases [^.:]{1,90}: )(?P<listed>\d[\d,]*)"
)
SETTING = re.compile(r"(?:fewer than|under|at least|asks for|needs|studies of|with about|least|of each) $")


def shown(count: int, smallest: int) -> str:
    """A count as the copy prints it. smallest: the smallest count that may be told, 1 for all."""
    if count == 0 or smallest == 1:
        return f"{count:,}"
    if count < smallest:
        return f"<{smallest}"
    return f"{smallest * ((2 * count + smallest) // (2 * smallest)):,}"


def bounds(text: str, smallest: int) -> tuple[int, int | None]:
    """The counts that may stand behind what `shown` printed; without upper bound where it is hidden."""
    if text == HIDDEN:
        return 0, None
    if text.startswith("<"):
        return 1, smallest - 1
    middle = int(text.replace(",", ""))
    around = [n for n in range(max(0, middle - smallest), middle + smallest + 1) if shown(n, smallest) == text]
    return around[0], around[-1]


def computable(cells: Sequence[str], total: str, smallest: int) -> list[int]:
    """Positions of the small counts with one possible value only, where all cells sum to the total."""
    own = [bounds(cell, smallest) for cell in cells]
    least, most = bounds(total, smallest)
    lows = sum(low for low, _ in own)
    highs = None if any(high is None for _, high in own) else sum(high or 0 for _, high in own)
    found = []
    for position, (low, high) in enumerate(own):
        if not cells[position].startswith("<") or high is None:
            continue
        smallest_left = low if highs is None else max(low, least - (highs - high))
        largest_left = high if most is None else min(high, most - (lows - low))
        if smallest_left >= largest_left:
            found.append(position)
    return found


def shown_together(counts: Sequence[int], smallest: int) -> list[str]:
    """Counts that sum to a total which is printed too, here or elsewhere: as `shown`, and hidden where that is needed.

    With a small count that could be computed every small count is hidden, and the next smallest one, so that the
    hidden ones are not known to be small.
    """
    cells = [shown(count, smallest) for count in counts]
    if not computable(cells, shown(sum(counts), smallest), smallest):
        return cells
    more = sorted(count for count in counts if count >= smallest)[:1]
    return [
        HIDDEN if 0 < count < smallest or count in more else cell for count, cell in zip(counts, cells, strict=True)
    ]


def in_sentence(text: str, smallest: int) -> str:
    """A text with the counts in it as `about 15` and `fewer than 5`."""
    if smallest == 1:
        return text

    def told(found: re.Match[str]) -> str:
        lead = found["lead"] or ""
        said = found["count"] or found["them"] or found["listed"]
        count = int(said.replace(",", ""))
        before = text[: found.start()]
        if count == 0 or SETTING.search(before):
            return found.group()
        number = shown(count, smallest)
        about = "" if re.search(r"\b[Tt]he $", before) else "about "
        words = f"fewer than {smallest}" if number.startswith("<") else about + number
        return lead + (words.capitalize() if re.search(r"(^|[.!?] )$", before) and not lead else words)

    return SAID.sub(told, text)
