"""One page of the report as a shared copy shows it."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from functools import cached_property

from radparity.share.counts import in_sentence, shown, shown_together
from radparity.share.names import Names
from radparity.share.table import Grid, suppressed, withheld
from radparity.share.tree import Element

# Parts that stay at home, by their anchors. With the digests of a case's files its new number could be traced back.
AT_HOME = frozenset(("provenance",))
# Parts about single cases.
SINGLE = frozenset("shown outliers".split())
# The pictures that may go, by the beginnings of their anchors. In the others a case's name or a count is drawn.
PICTURES = re.compile(r"figure-(interactive-|paper-(5a|5b|e6a|e6b)|truth|learning|experiment-selection|power)")
OF_TESTED = re.compile(
    r"figure-(paper|truth|interactive)|table-(main|equivalence|claims|tails|baselines|more|thresholds)"
)
ESTIMATES = re.compile(r"mean of the network's Dice|interval would be|interval errs")
PATH = re.compile(r"(?<![\w/.])(?:results|plan|data|config)/[\w./<>*{}-]+")
LOCKED_ON = re.compile(r"\blocked on \d{4}-\d\d-\d\d")
LOOKED_ON = re.compile(r"of the first look \(\d{4}-\d\d-\d\d\)")
PUBLISHED = frozenset("theirs references citations".split())
SENTENCE_END = re.compile(r"^\s*(\d[\d,]*)\b")
UNTOUCHED = frozenset("script style table".split())


@dataclass(frozen=True)
class Sharing:
    """What a copy tells.

    single: whether it keeps what is about single cases, under the new names. smallest: the smallest count that is told.
    tested: how many test cases were compared. people: who decided, whose names end the sentences of their decisions.
    """

    names: Names
    single: bool
    smallest: int
    tested: int
    people: frozenset[str] = frozenset()

    @cached_property
    def signature(self) -> re.Pattern[str]:
        """The end of a decision's sentence, `moved too much (R5)`, that says who made it."""
        return re.compile(rf" \((?:{'|'.join(map(re.escape, sorted(self.people))) or '(?!)'})\)")

    @property
    def tests_few(self) -> bool:
        """Whether fewer test cases were compared than may be told."""
        return 0 < self.tested < self.smallest

    @property
    def few(self) -> str:
        """What stands in the place of a number that rests on too few cases."""
        return f"Left out of this copy: it rests on fewer than {self.smallest} cases."

    @property
    def notice(self) -> str:
        """What the reader of a copy must know."""
        said = "A copy to send away, without paths, dates and names of people."
        if self.smallest > 1:
            said += (
                f" Counts of patients, exams and cases are rounded to multiples of {self.smallest}; <{self.smallest}"
                f" stands for 1 to {self.smallest - 1}, · for a count that is hidden, for itself or so that another"
                f" cannot be computed. What rests on fewer than {self.smallest} cases is blank or left out."
            )
        return said + (
            " Cases have new numbers, which mean nothing elsewhere."
            if self.single
            else " What is about single cases is left out."
        )


def shared_page(page: Element, sharing: Sharing) -> None:
    """Change a page, in place, into that of the copy; its links are left to `radparity.share.links`."""
    page.drop(lambda one: _stays_home(one, sharing))
    published = set()
    for figure in page.all("figure"):
        _figure(figure, sharing)
        if figure.attributes.get("id", "").startswith("table-published"):
            published |= {id(table) for table in figure.all("table")}
    for one in page.all("table"):
        if id(one) not in published:
            _table(one, sharing)
    _data(page, sharing)
    for lane in page.all("div"):
        if lane.classes & {"lane", "exams"}:
            _flow(lane, sharing)
    if sharing.tests_few:
        for one in page.all("p", "li"):
            if ESTIMATES.search(one.text):
                one.say(sharing.few)
    page.change(lambda text: _sentence(text, sharing), lambda one: one.tag in UNTOUCHED or _published(one))
    for one in page.all():
        for name in ("alt", "aria-label", "title"):
            if name in one.attributes and (said := _sentence(one.attributes[name], sharing)) != one.attributes[name]:
                one.set(name, said)
    for one in page.all("main"):
        one.children.insert(0, f'\n<p class="note" id="shared">{html.escape(sharing.notice)}</p>')


def _stays_home(one: Element, sharing: Sharing) -> bool:
    anchor = one.attributes.get("id", "")
    if anchor in AT_HOME or (not sharing.single and anchor in SINGLE):
        return True
    if one.tag == "figure" and "picture" in one.classes:
        return not PICTURES.match(anchor)
    if one.tag == "p" and "scripted" in one.classes and not sharing.single:
        return True  # it explains what can be done with single cases
    # A paragraph, a point of a list or a heading that names a case; a table is looked at by columns.
    leaf = one.tag in ("p", "li", "h2", "h3", "h4", "dt", "dd")
    return leaf and not sharing.single and sharing.names.inside(one.text)


def _figure(figure: Element, sharing: Sharing) -> None:
    """A picture or table of too few test cases, or a picture whose words name a case, becomes a sentence."""
    anchor, picture = figure.attributes.get("id", ""), "picture" in figure.classes
    caption = "".join(one.text for one in figure.all("figcaption"))
    # `Mean over 4 tuning cases`: the caption says of how many cases a picture is.
    few = (sharing.tests_few and OF_TESTED.match(anchor)) or (picture and _tells_few(caption, sharing.smallest))
    named = picture and not sharing.single and sharing.names.inside(figure.text)
    if few or named:
        said = sharing.few if few else "Left out of this copy: it shows a single case."
        titles = [] if picture else list(figure.all("figcaption"))
        figure.children = [*titles, f'<p class="note">{html.escape(said)}</p>']


def _tells_few(text: str, smallest: int) -> bool:
    few = f"fewer than {smallest} "
    return in_sentence(text, smallest).lower().count(few) > text.lower().count(few)


def _published(one: Element) -> bool:
    return bool(one.classes & PUBLISHED) or one.attributes.get("id", "") in PUBLISHED


def _sentence(text: str, sharing: Sharing) -> str:
    return _undated(in_sentence(text, sharing.smallest), sharing)


def _undated(text: str, sharing: Sharing) -> str:
    """A text without the paths of results, the days of the plan and who decided, which our own sentences say."""
    undated = LOOKED_ON.sub("of the first look", LOCKED_ON.sub("locked", text))
    return PATH.sub("[path]", sharing.signature.sub("", undated))


def _table(table: Element, sharing: Sharing) -> None:
    """Columns of people, dates and paths go; so does, without single cases, every column that names some; then the
    small cells. Of a table whose rows are cases nothing is left but a word."""
    heads = [cell for row in table.all("thead") for cell in row.all("th")]
    lines = [
        [c for c in row.children if isinstance(c, Element)] for body in table.all("tbody") for row in body.all("tr")
    ]
    lines = [cells for cells in lines if len(cells) == len(heads)]
    words = frozenset(k for k, cell in enumerate(heads) if "number" not in cell.classes)
    grid = Grid([cell.text for cell in heads], [[cell.text for cell in cells] for cells in lines], words)
    naming = {k for row in grid.rows for k, cell in enumerate(row) if sharing.names.inside(cell)}
    named = set() if sharing.single else naming
    if 0 in named:
        table.children = ["\n<tbody><tr><td>left out of this copy: its rows are single cases</td></tr></tbody>"]
        return
    cut = withheld(grid.without(named))
    kept = [k for k, heading in enumerate(grid.head) if k not in named and heading in cut.head]
    for row, cells in zip(suppressed(cut, sharing.smallest).rows, lines, strict=True):
        for k, text in zip(kept, row, strict=True):
            if (said := _undated(text, sharing)) != cells[k].text:
                cells[k].say(said)
    if sharing.single and naming:
        _reorder(table, lines, sharing.names)
    gone = {id(cell) for cells in [heads, *lines] for k, cell in enumerate(cells) if k not in kept}
    table.drop(lambda one: id(one) in gone)


def _reorder(table: Element, lines: list[list[Element]], names: Names) -> None:
    """Rows and lists of cases in the order of their new names: in that of the sheets they could be traced back."""
    for cells in lines:
        for cell in cells:
            if (words := cell.text.split()) and all(word in names.known for word in words) and len(words) > 1:
                cell.say(" ".join(sorted(map(names.renamed, words))))
    for body in table.all("tbody"):
        rows = [row for row in body.children if isinstance(row, Element)]
        if all(names.inside(next(iter(row.all("td", "th"))).text) for row in rows):
            rows.sort(key=lambda row: names.renamed(next(iter(row.all("td", "th"))).text))
            body.children = [part for row in rows for part in ("\n", row)]


def _flow(lane: Element, sharing: Sharing) -> None:
    """The numbers of one lane of the flow chart: what left and what stayed sum to what came."""
    leaving = [point for point in lane.all("li")]
    boxes = [one for one in lane.all("b")]
    parts = [*leaving, *boxes[1:]]
    counts = [int(found[1].replace(",", "")) for one in parts if (found := SENTENCE_END.match(one.text))]
    together = shown_together(counts, sharing.smallest) if len(counts) == len(parts) else []
    for one, text in zip(parts, together, strict=False):
        _lead(one, text)
    for box in boxes[:1] if together else boxes:
        _lead(box, None, sharing.smallest)
    for box in lane.all("div"):  # `3 excluded`: the sum of its points
        if "left" in box.classes:
            _lead(box, None, sharing.smallest)


def _lead(one: Element, text: str | None, smallest: int = 1) -> None:
    """Put a count in the place of the number that an element begins with."""
    for position, child in enumerate(one.children):
        if isinstance(child, str) and child.strip():
            found = SENTENCE_END.match(child)
            if found:
                said = text if text is not None else shown(int(found[1].replace(",", "")), smallest)
                one.children[position] = child[: found.start(1)] + html.escape(said) + child[found.end(1) :]
            return


def _data(page: Element, sharing: Sharing) -> None:
    """What the figures of a page draw: without the fields that name a case, or in the order of the new names."""
    found = {}
    for script in page.all("script"):
        if script.attributes.get("type", "").endswith("json"):
            try:
                found[id(script)] = (script, json.loads("".join(map(str, script.children))))
            except ValueError:
                continue  # the search for leaks reads it as text
    if sharing.tests_few:  # their points are theirs
        page.drop(lambda one: id(one) in found)
        return
    given = [value for _, value in found.values()]
    changed = sharing.names.ordered(given) if sharing.single else sharing.names.without(given)
    for (script, before), value in zip(found.values(), changed, strict=True):
        if value != before:  # `</` would end the script
            script.children = [json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")]
