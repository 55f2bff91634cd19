"""Finding the identifiers of the source in a text: one look-up of its words, a closer look only where one is met."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import pairwise
from typing import Literal, NamedTuple

from radparity.deidentify.identifiers import Source
from radparity.deidentify.terms import SHORTEST, Number, Terms, day_of
from radparity.deidentify.words import WORD, fold, words

# field: a value of its own; text: running text; bytes: what looks like text in binary data, where chance writes words.
Form = Literal["field", "text", "bytes"]
SHORTEST_IN_BYTES = 6
DATE = re.compile(r"(?<!\d)(?:(\d{4})[-/.](\d\d?)[-/.](\d\d?)|(\d\d?)[-/.](\d\d?)[-/.](\d{4}))(?!\d)")
INSIDE = re.compile(r"\d{6,}|[^\W\d_]{4,}")
DIGEST = re.compile(r"[0-9a-f]{16,}")
PSEUDONYM = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
NEIGHBOURS = re.compile(r"[\W_]{1,3}")


class Hit(NamedTuple):
    """An identifier at text[start:end] of the folded text. kind: the element that it comes from."""

    kind: str
    start: int
    end: int


class Matcher:
    """The terms of a study and how they are found. Holds identifiers: it is never written to disk."""

    def __init__(self, sources: Iterable[Source], pseudonyms: dict[str, set[str]], allow: Iterable[str] = ()) -> None:
        """pseudonyms: every exam, patient and breast id of the sheets with the exams it stands for."""
        self.terms = Terms(sources, pseudonyms, allow)
        self._owners = {name.lower(): exams for name, exams in pseudonyms.items()}

    def _alone(self, word: str) -> str | Number | None:
        """What a single word is: the kind of an identifier, a number that may be one, or neither."""
        if word in self.terms.words:
            return self.terms.words[word]
        if "." in word:
            parts = word.split(".")
            if len(parts) > 3:
                return self.terms.uids.get(word) or self.terms.root(word)
            if len(parts) == 2 and (not parts[1].strip("0") or len(parts[0]) >= 12):
                return self._alone(parts[0])
            return None
        if word.isdecimal():
            if len(word) >= 12 and (day := day_of(word)) in self.terms.dates and day is not None:
                return self.terms.dates[day]
            return self.terms.numbers.get(word)
        if not word.isalpha() and not DIGEST.fullmatch(word):
            for part in INSIDE.findall(word):
                if kind := self.terms.words.get(part) or self.terms.numbers.get(part):
                    return kind
        return None

    def suspects(self, text: str) -> bool:
        """Whether a text is worth `find`: fast, and true wherever `find` finds something."""
        seen = set(words(text))
        # The views of dictionaries: they look up the few words of the text, not the many of the study.
        terms = self.terms
        if not terms.words.keys().isdisjoint(seen) or not terms.numbers.keys().isdisjoint(seen):
            return True
        if any(tail[1] in seen for head in seen & self.terms.phrases.keys() for tail in self.terms.phrases[head]):
            return True
        odd = [word for word in seen if len(word) >= SHORTEST and not word.isalpha()]
        if any(self._alone(word) for word in odd):
            return True
        dated = not seen.isdisjoint(self.terms.years) or any(word.count(".") == 2 for word in odd)
        return dated and next(self._days(text), None) is not None

    def _days(self, text: str) -> Iterator[Hit]:
        for found in DATE.finditer(text):
            a, b, c, d, e, f = (int(part) if part else 0 for part in found.groups())
            for year, month, day in ((a, b, c), (f, d, e), (f, e, d)):
                try:
                    if year and (kind := self.terms.dates.get(date(year, month, day))):
                        yield Hit(kind, *found.span())
                        break
                except ValueError:
                    continue

    def owners(self, text: str) -> frozenset[str]:
        """The exams whose pseudonyms stand in a text."""
        named = (self._owners.get(word.lower(), ()) for word in PSEUDONYM.findall(text))
        return frozenset(exam for exams in named for exam in exams)

    def _counts(self, number: Number, whole: bool, near: frozenset[str]) -> bool:
        """Whether a number of the source is a leak here and not a count that happens to be equal."""
        if not near.isdisjoint(number.owners):
            return True
        return not number.bound and (whole or number.length not in self.terms.crowded)

    def find(self, text: str, form: Form = "text", near: frozenset[str] = frozenset()) -> list[Hit]:
        """The identifiers in a text, in order. near: the exams that the text is known to belong to."""
        folded = fold(text)
        found = [(m.group(), *m.span()) for m in WORD.finditer(folded)]
        hits = set(self._days(folded))
        for index, (word, start, end) in enumerate(found):
            kind = self._alone(word)
            if isinstance(kind, Number):
                whole = form == "field" and folded.strip() == word
                kind = kind.kind if self._counts(kind, whole, near) else None
            if kind and (
                form != "bytes"
                or _written(text[start:end], not (word.isdecimal() or "." in word or word in self.terms.words))
            ):
                hits.add(Hit(kind, start, end))
            for phrase, of in self.terms.phrases.get(word, {}).items():
                there = found[index : index + len(phrase)]
                gaps = [folded[a[2] : b[1]] for a, b in pairwise(there)]
                if tuple(w for w, _, _ in there) == phrase and all(NEIGHBOURS.fullmatch(gap) for gap in gaps):
                    joined = "".join(phrase)
                    cells = joined.isdecimal() and any("\t" in gap or "\n" in gap for gap in gaps)
                    if not cells and (form != "bytes" or len(joined) >= SHORTEST_IN_BYTES):
                        hits.add(Hit(of, start, there[-1][2]))
        return sorted(hits, key=lambda hit: (hit.start, hit.end, hit.kind))

    def mask(self, text: str, near: frozenset[str] = frozenset()) -> str:
        """A text with every identifier in it cut down to its first letter; unchanged where there is none."""
        folded = fold(text)
        hits = self.find(folded, "field", near) + self.find(folded.replace(".", " "), "field", near)
        if not hits:
            return text
        hidden = {index for hit in hits for index in range(hit.start + 1, hit.end)}
        shown = text if len(text) == len(folded) else folded
        masked = "".join("\0" if index in hidden else c for index, c in enumerate(shown))
        return re.sub("\0+", "…", masked)


def _written(word: str, parted: bool) -> bool:
    """Whether a word in binary data looks written: not short, and not of mixed case as chance makes it.

    parted: only a run of letters or digits in the word is an identifier.
    """
    if parted:
        return any(len(part) >= SHORTEST_IN_BYTES for part in INSIDE.findall(word))
    return len(word) >= SHORTEST_IN_BYTES and (not word.isalpha() or word in (word.lower(), word.upper(), word.title()))
