"""A page of HTML as a tree that can be changed and is written back as it was: what is not touched keeps its bytes."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())


@dataclass
class Element:
    """An element, or the page itself (tag `page`). children: elements, and text as it stands in the file."""

    tag: str
    start: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)
    end: str = ""

    def __str__(self) -> str:
        return self.start + "".join(map(str, self.children)) + self.end

    @property
    def text(self) -> str:
        """The text in it, as a person reads it."""
        return html.unescape("".join(c if isinstance(c, str) else c.text for c in self.children))

    @property
    def classes(self) -> set[str]:
        """The names of its classes."""
        return set(self.attributes.get("class", "").split())

    def all(self, *tags: str) -> Iterator[Element]:
        """Every element in it, those of some tags where any is named, in the order of the page."""
        for child in list(self.children):
            if isinstance(child, Element):
                if not tags or child.tag in tags:
                    yield child
                yield from child.all(*tags)

    def set(self, name: str, value: str) -> None:
        """Write an attribute anew."""
        self.attributes[name] = value
        rest = re.sub(rf"\s{re.escape(name)}(?:=(?:\"[^\"]*\"|'[^']*'|[^\s>]+))?(?=[\s/>])", "", self.start, count=1)
        self.start = re.sub(r"(\s*/?>)$", lambda f: f' {name}="{html.escape(value)}"{f.group()}', rest)

    def say(self, text: str) -> None:
        """Put a text in the place of all that is in it."""
        self.children = [html.escape(text, quote=False)]

    def drop(self, unwanted: Callable[[Element], bool]) -> None:
        """Take out every element that is not wanted, with all that is in it."""
        kept: list[Element | str] = []
        for child in self.children:
            if isinstance(child, Element):
                if unwanted(child):
                    continue
                child.drop(unwanted)
            kept.append(child)
        self.children = kept

    def change(self, texts: Callable[[str], str], beyond: Callable[[Element], bool]) -> None:
        """Change every text in it, except in elements that are beyond it."""
        for position, child in enumerate(self.children):
            if isinstance(child, Element):
                if not beyond(child):
                    child.change(texts, beyond)
            elif child.strip() and not child.startswith("<"):
                changed = texts(plain := html.unescape(child))
                if changed != plain:
                    self.children[position] = html.escape(changed, quote=False)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.open = [Element("page", "", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Element(tag, self.get_starttag_text() or "", {name: value or "" for name, value in attrs})
        self.open[-1].children.append(made)
        if tag not in VOID:
            self.open.append(made)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.open[-1].children.append(Element(tag, self.get_starttag_text() or "", found))

    def handle_endtag(self, tag: str) -> None:
        if any(one.tag == tag for one in self.open[1:]):
            while self.open[-1].tag != tag:
                self.open.pop()
            self.open.pop().end = f"</{tag}>"

    def handle_data(self, data: str) -> None:
        self._add(data)

    def handle_entityref(self, name: str) -> None:
        self._add(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._add(f"&#{name};")

    def handle_comment(self, data: str) -> None:
        """Comments are for those who write the page."""

    def handle_decl(self, decl: str) -> None:
        self.open[-1].children.append(f"<!{decl}>")

    def _add(self, text: str) -> None:
        last = self.open[-1].children
        if last and isinstance(last[-1], str) and not last[-1].startswith("<!"):
            last[-1] += text
        else:
            last.append(text)


def read_page(text: str) -> Element:
    """The tree of a page."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.open[0]
