"""The words, phrases, numbers, dates and UIDs to search for, made from the identifiers of all exams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise, permutations

from radparity.deidentify.identifiers import Identifier, Source
from radparity.deidentify.words import ordinary, spelled_out, words

SHORTEST = 4
SHORTEST_JOINED = 6
# A number may stand for a count as well as for a record number. Where more than this share of all numbers of its
# length are identifiers, one is taken for a leak only in a file or line of its own exam, or as a field's whole value.
CROWDED = 2e-5
# Roots under which radparity's own tools make UIDs (pydicom, highdicom): only the exact UID counts.
OWN_ROOTS = ("1.2.826.0.1.3680043.8.498", "1.2.826.0.1.3680043.10.511.3")


@dataclass
class Number:
    """A number of the source. owners: the exams that it belongs to. bound: counts with its owner only."""

    kind: str
    length: int
    owners: set[str] = field(default_factory=set)
    bound: bool = True


def day_of(text: str) -> date | None:
    """The day that a DICOM date (20040617) or date and time names; None where it names none."""
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8])) if text[:8].isdigit() else None
    except ValueError:
        return None


class Terms:
    """The identifiers of all exams, compiled.

    accepted: identifiers that are the exam's own pseudonym (the source was pseudonymized already); foreign: exams with
    an identifier that is the pseudonym of another.
    """

    def __init__(self, sources: Iterable[Source], pseudonyms: dict[str, set[str]], allow: Iterable[str] = ()) -> None:
        """pseudonyms: every exam, patient and breast id of the sheets with the exams it stands for."""
        self.words: dict[str, str] = {}
        self.phrases: dict[str, dict[tuple[str, ...], str]] = {}
        self.numbers: dict[str, Number] = {}
        self.dates: dict[date, str] = {}
        self.uids: dict[str, str] = {}
        self.roots: dict[str, str] = {}
        self._pseudonyms = {name.lower(): exams for name, exams in pseudonyms.items()}
        self.accepted: Counter[str] = Counter()
        self.foreign: set[str] = set()
        self._unsearchable: set[tuple[str, str]] = set()
        self._in_full: set[tuple[str, str]] = set()
        self._ordinary, self._pairs = ordinary()
        self._allowed = {tuple(words(text)) for text in allow}
        for source in sources:
            makers = {word for text in source.makers for word in words(text)}
            for kind, sort, value in sorted(source.identifiers, key=_telling_first):
                if sort in ("name", "id", "place") and self._is_pseudonym(source.exam, kind, value):
                    continue
                getattr(self, f"_add_{sort}")(kind, value, source.exam, makers)
        self.years = {str(day.year) for day in self.dates}
        lengths = Counter(number.length for number in self.numbers.values() if not number.bound)
        self.crowded = {n for n, count in lengths.items() if count > CROWDED * 9 * 10 ** (n - 1)}

    def limits(self) -> dict[str, dict[str, int]]:
        """What is not searched, or not everywhere, as counts of distinct values by kind.

        not_searchable: too short or too common. only_in_full: names of ordinary words, searched as the whole name.
        only_near_own_exam: numbers that counts may equal by chance, and times of the day.
        """
        bound = [n.kind for n in self.numbers.values() if n.bound or n.length in self.crowded]
        return {
            "not_searchable": _tally(kind for kind, _ in self._unsearchable),
            "only_in_full": _tally(kind for kind, _ in self._in_full),
            "only_near_own_exam": _tally(bound),
        }

    def _is_pseudonym(self, exam: str, kind: str, value: str) -> bool:
        owners = self._pseudonyms.get(value.strip(" ^").lower())
        if owners is None:
            return False
        self.accepted[kind] += 1
        if exam not in owners:
            self.foreign.add(exam)
        return True

    def _add_words(self, kind: str, found: tuple[str, ...], exam: str, makers: set[str] | None = None) -> bool:
        """Search these words in this order; False where they cannot be told from ordinary text."""
        if found in self._allowed or (len(found) == 1 and found[0] in (makers or ())):
            return False
        if len(found) > 1:
            if all(pair in self._pairs for pair in pairwise(found)) or sum(len(w.encode()) for w in found) < SHORTEST:
                return False
            self.phrases.setdefault(found[0], {}).setdefault(found, kind)
            return True
        word = found[0]
        if word.isdecimal():
            return self._add_number(kind, word, exam)
        if len(word.encode()) < SHORTEST or word in self._ordinary:
            return False
        self.words.setdefault(word, kind)
        return True

    def _add_number(self, kind: str, digits: str, exam: str, bound: bool = False) -> bool:
        for form in {digits, digits.lstrip("0")}:
            if len(form) >= SHORTEST:
                number = self.numbers.setdefault(form, Number(kind, len(form)))
                number.owners.add(exam)
                number.bound &= bound
        return len(digits) >= SHORTEST

    def _add_name(self, kind: str, value: str, exam: str, makers: set[str]) -> None:
        alone = together = False
        for group in value.split("="):  # alphabetic, ideographic and phonetic writing of one name
            for written in {group, spelled_out(group)}:
                parts = [w for w in words(written) if w.isalpha()]
                leading = [w for w in words(" ".join(written.split("^")[:2])) if w.isalpha() and len(w) > 1]
                for part in parts:
                    alone |= self._add_words(kind, (part,), exam)
                for pair in permutations(dict.fromkeys(leading), 2):
                    together |= self._add_words(kind, pair, exam)
                    if len("".join(pair).encode()) >= SHORTEST_JOINED:
                        together |= self._add_words(kind, ("".join(pair),), exam)
        if not alone:
            (self._in_full if together else self._unsearchable).add((kind, value))

    def _add_id(self, kind: str, value: str, exam: str, makers: set[str]) -> None:
        found = tuple(words(value))
        searched = bool(found) and self._add_words(kind, found, exam, makers)
        if len(found) > 1 and len("".join(found)) >= SHORTEST_JOINED:
            searched |= self._add_words(kind, ("".join(found),), exam, makers)
        if not searched:
            self._unsearchable.add((kind, value))

    def _add_place(self, kind: str, value: str, exam: str, makers: set[str]) -> None:
        found = tuple(words(value))
        if not found or not self._add_words(kind, found, exam, makers):
            self._unsearchable.add((kind, value))

    def _add_date(self, kind: str, value: str, exam: str, makers: set[str]) -> None:
        day = day_of(value.replace("-", "").replace(".", "")[:8])
        if day is not None:
            self.dates.setdefault(day, kind)
            self._add_number(kind, day.strftime("%Y%m%d"), exam)

    def _add_time(self, kind: str, value: str, exam: str, makers: set[str]) -> None:
        whole, _, fraction = value.replace(":", "").partition(".")
        if len(whole) == 6 and whole.isdecimal():
            self._add_number(kind, whole, exam, bound=True)
            if fraction.strip("0"):
                self.words.setdefault(f"{whole}.{fraction}", kind)

    def _add_uid(self, kind: str, value: str, exam: str, makers: set[str]) -> None:
        stem = ".".join(value.split(".")[:-2])
        if stem in self.roots:
            return
        if stem.count(".") >= 3 and not any(f"{own}.".startswith(f"{stem}.") for own in OWN_ROOTS):
            self.roots[stem] = kind
        else:
            self.uids.setdefault(value, kind)

    def root(self, uid: str) -> str | None:
        """The kind of the source's UID that shares all but its last two components with this one's beginning."""
        if uid.startswith(tuple(f"{own}." for own in OWN_ROOTS)):
            return None
        parts = uid.split(".")
        return next((k for n in range(4, len(parts)) if (k := self.roots.get(".".join(parts[:n])))), None)


def _telling_first(identifier: Identifier) -> tuple[bool, Identifier]:
    """Of several elements with one value, a finding names the patient's or the study's."""
    return not identifier.kind.startswith(("Patient", "Study")), identifier


def _tally(kinds: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(kinds).items()))
