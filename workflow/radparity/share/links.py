"""The links of a shared copy: none leads to a page, an anchor or a file that the copy does not hold."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Mapping
from urllib.parse import unquote, urlsplit

from radparity.share.tree import Element

SOURCES = {"script": "src", "img": "src", "link": "href", "source": "src", "iframe": "src"}


def anchors(page: Element) -> set[str]:
    """The anchors of a page."""
    return {one.attributes["id"] for one in page.all() if "id" in one.attributes}


def target(name: str, link: str) -> tuple[str, str] | None:
    """File and anchor that a link on a page means, from the folder of the report; None where it leads elsewhere."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path))) if parts.path else name
    return path, parts.fragment


def mend(name: str, page: Element, files: Collection[str], known: Mapping[str, set[str]]) -> None:
    """Make text of links that lead nowhere in the copy, and drop scripts and pictures that it does not hold.

    files: names of all files of the copy. known: of its pages, the anchors.
    """

    def lost(link: str) -> bool:
        found = target(name, link)
        if found is None:
            return link.startswith("file:")
        path, anchor = found
        return path not in files or bool(anchor and path in known and anchor not in known[path])

    page.drop(lambda one: one.tag in SOURCES and lost(one.attributes.get(SOURCES[one.tag], "data:,")))
    for box in page.all("dl"):  # a page that is left out is not announced either
        _unannounced(box, lost)
    page.drop(lambda one: one.tag == "li" and _only_lost(one, lost))
    for one in page.all("p", "nav"):
        if "here" in one.classes:
            _shortened(one, lost)
        elif one.tag == "p":
            _unsaid(one, lost)
    page.drop(lambda one: one.tag == "p" and not one.children)
    for one in page.all("a"):
        if "href" in one.attributes and lost(one.attributes["href"]):
            one.start, one.end, one.attributes = "", "", {}


def _only_lost(point: Element, lost: Callable[[str], bool]) -> bool:
    """Whether a point of a list is nothing but a link that leads nowhere, as in the navigation."""
    links = list(point.all("a"))
    return len(links) == 1 and links[0].text.strip() == point.text.strip() and _lost(links[0], lost)


def _unannounced(box: Element, lost: Callable[[str], bool]) -> None:
    kept: list[Element | str] = []
    skip = False
    for child in box.children:
        if isinstance(child, Element) and child.tag == "dt":
            skip = any(_lost(link, lost) for link in child.all("a"))
        if not (skip and isinstance(child, Element)):
            kept.append(child)
    box.children = kept


def _shortened(row: Element, lost: Callable[[str], bool]) -> None:
    """A row of links with dots between them, without those that lead nowhere."""
    kept = [one for one in row.all("a") if not _lost(one, lost)]
    row.children = [part for link in kept for part in (" · ", link)][1:]


def _unsaid(paragraph: Element, lost: Callable[[str], bool]) -> None:
    """A paragraph without the sentences whose links lead nowhere."""
    sentences: list[list[Element | str]] = [[]]
    for child in paragraph.children:
        first, *more = re.split(r"(?<=[.!?])(?=\s)", child) if isinstance(child, str) else [child]
        sentences[-1].append(first)
        sentences += [[part] for part in more]
    told = [s for s in sentences if not any(_leads_nowhere(part, lost) for part in s)]
    paragraph.children = [part for sentence in told for part in sentence]


def _leads_nowhere(part: Element | str, lost: Callable[[str], bool]) -> bool:
    if isinstance(part, str):
        return False
    return _lost(part, lost) or any(_lost(link, lost) for link in part.all("a"))


def _lost(link: Element, lost: Callable[[str], bool]) -> bool:
    return "href" in link.attributes and lost(link.attributes["href"])


def dead(pages: Mapping[str, Element], files: Collection[str]) -> list[str]:
    """Every link of the pages that leads nowhere in the copy, with its page."""
    known = {name: anchors(page) for name, page in pages.items()}
    found = []
    for name, page in pages.items():
        for one in page.all():
            attribute = "href" if one.tag == "a" else SOURCES.get(one.tag, "")
            link = one.attributes.get(attribute, "")
            if link and not re.match(r"(https?|data|mailto):", link):
                path, anchor = target(name, link) or (link, "")
                if path not in files or (anchor and path in known and anchor not in known[path]):
                    found.append(f"{name}: {link}")
    return found
