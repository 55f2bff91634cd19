"""The names of patients, exams and breasts in a shared copy: new numbers, or none at all."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

PACKED = re.compile(r"(?<=base64,)[A-Za-z0-9+/]+={0,2}|[A-Za-z0-9+/]{160,}={0,2}")
WORD = re.compile(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*")


class Names:
    """The pseudonyms of a study, how they are found in a text, and what stands in their place.

    A name of one or two characters, or of three digits or fewer, cannot be told from other text and is not looked for:
    `short` are these.
    """

    def __init__(self, known: Iterable[str], new: Mapping[str, str] | None = None) -> None:
        """new: to each name the one in its place; none where names are left out."""
        every = set(known)
        self.short = {name for name in every if len(name) < 3 or (name.isdecimal() and len(name) < 4)}
        self.known = every - self.short
        self.new = new or {}
        self._odd = sorted((name for name in self.known if not WORD.fullmatch(name)), key=len, reverse=True)

    def found(self, text: str) -> Iterator[tuple[str, int, int]]:
        """Each name in a text, with where it begins and ends; also as the last parts of a longer word (`map-E01R`)."""
        for word in WORD.finditer(text):
            start = word.start()
            while True:
                if (name := text[start : word.end()]) in self.known:
                    yield name, start, word.end()
                    break
                parted = re.compile(r"[-_]").search(text, start, word.end())
                if parted is None:
                    break
                start = parted.end()
        for name in self._odd:
            for place in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text):
                yield name, place.start(), place.end()

    def inside(self, text: str) -> bool:
        """Whether a text names anyone."""
        return next(self.found(text), None) is not None

    def renamed(self, text: str) -> str:
        """A text with the new names; a name without one stays, and is found by the search for leaks.

        Pictures and volumes in base64 are left as they are: chance writes names into them.
        """
        parts = re.split(f"({PACKED.pattern})", text)
        return "".join(part if place % 2 else self._renamed(part) for place, part in enumerate(parts))

    def _renamed(self, text: str) -> str:
        pieces, last = [], 0
        for name, start, end in sorted(self.found(text), key=lambda found: found[1]):
            if start >= last and name in self.new:
                pieces += [text[last:start], self.new[name]]
                last = end
        return "".join([*pieces, text[last:]])

    def without(self, values: list[Any]) -> list[Any]:
        """The data of a page without the fields that name anyone, and without what a figure makes of such fields."""
        gone: set[str] = set()
        found = [self._stripped(value, gone) for value in values]
        known = -1
        while known != len(gone):  # what is computed from such a field may be read again
            known = len(gone)
            found = [_unreferred(value, gone) for value in found]
        return found

    def _stripped(self, value: Any, gone: set[str]) -> Any:
        if isinstance(value, dict):
            fields = {}
            for key, inner in value.items():
                if isinstance(inner, str) and self.inside(inner):
                    gone.add(key)
                elif not self.inside(key):
                    fields[key] = self._stripped(inner, gone)
            return fields
        if isinstance(value, list):
            kept = [self._stripped(one, gone) for one in value if not (isinstance(one, str) and self.inside(one))]
            # In the order of the sheets the rows would still tell whose they are.
            return sorted(kept, key=_written) if any(map(self._row, value)) else kept
        return value

    def ordered(self, value: Any) -> Any:
        """Data of a page with new names, whose rows stand in the order of these: that of the sheets would tell them."""
        if isinstance(value, dict):
            return {self.renamed(key): self.ordered(one) for key, one in value.items()}
        if isinstance(value, list):
            found = [self.ordered(one) for one in value]
            names = all(isinstance(one, str) and self.inside(one) for one in value)
            return sorted(found, key=_written) if names or any(map(self._row, value)) else found
        return self.renamed(value) if isinstance(value, str) else value

    def _row(self, value: Any) -> bool:
        """Whether a value is a row of data about someone."""
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return any(isinstance(one, str) and self.inside(one) for one in inner)


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _unreferred(value: Any, gone: set[str]) -> Any:
    """Without the encodings and expressions of a figure that read a field which is gone; what they make goes too."""

    def refers(one: Any) -> bool:
        if isinstance(one, str):
            return any(re.search(rf"datum(?:\.{name}\b|\[['\"]{name}['\"]\])", one) for name in map(re.escape, gone))
        if not isinstance(one, dict):
            return False
        reads = one.get("field") in gone or any(refers(text) for text in one.values() if isinstance(text, str))
        if reads and isinstance(one.get("as"), str):
            gone.add(one["as"])
        return reads

    if isinstance(value, dict):
        return {key: _unreferred(one, gone) for key, one in value.items() if not refers(one)}
    if isinstance(value, list):
        return [_unreferred(one, gone) for one in value if not refers(one)]
    return value


def numbered(names: Mapping[str, Iterable[str]], seed: int, secret: bytes) -> dict[str, str]:
    """New names in an order that nobody can retrace who does not hold the secret: `case-001`, `exam-001`.

    names: kind of new name to the old ones. secret: what recipients do not have, as the digests of the raw data.
    """
    found: dict[str, str] = {}
    for kind, old in names.items():
        key = hashlib.sha256(f"{seed} {kind} ".encode() + secret).digest()
        order = sorted(set(old) - set(found), key=lambda name: hmac.digest(key, name.encode(), "sha256"))
        width = max(3, len(str(len(order))))
        found |= {name: f"{kind}-{place:0{width}d}" for place, name in enumerate(order, start=1)}
    return found
