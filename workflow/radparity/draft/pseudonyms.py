"""Pseudonyms of patients and exams, and the crosswalk that ties them to the hospital's ids.

With a key, a pseudonym is a pure function of the key and of what it names (HMAC-SHA256), so it does not depend on the
order or the batches in which the data arrives. With a table of trial numbers, a patient has hers and exams are counted.
Either way the crosswalk remembers: its lines are added to and never changed.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
import secrets
import unicodedata
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from radparity.config import ConfigError
from radparity.draft.private import guard, write_private
from radparity.sheets import _pseudonym as checked

LETTERS = "23456789BCDFGHJKMNPQRSTVWXYZ"  # no vowels, so no words; nothing that is mistaken for something else
HALF = 5
KEY_BYTES = 32


class Person(NamedTuple):
    """A patient as the headers name her: the id counts within its issuer."""

    patient_id: str
    issuer: str


class Line(NamedTuple):
    """One study of the hospital and what it is called here. date: YYYYMMDD, or empty. made_by: key or numbers."""

    patient: str
    exam: str
    patient_id: str
    issuer: str
    date: str
    study: str
    made_by: str

    @property
    def person(self) -> Person:
        """Whose study it is."""
        return Person(self.patient_id, self.issuer)

    @property
    def session(self) -> tuple[Person, str]:
        """What makes an exam: patient and day; where there is no date, the study stands for the day."""
        return self.person, self.date or self.study


def read_key(path: Path, make: bool) -> bytes:
    """The secret key of a file, which is made where it is absent and asked for.

    Raises ConfigError where it is absent, too short, in results/ or readable by others.
    """
    guard(path)
    if not path.is_file():
        if not make:
            raise ConfigError(f"{path}: no such key. Add --make-key to have it made; keep it as long as the study")
        write_private(path, secrets.token_hex(KEY_BYTES) + "\n")
    key = path.read_bytes().strip()
    if len(key) < 16:
        raise ConfigError(f"{path} holds {len(key)} characters; a key of fewer than 16 can be guessed. Use --make-key")
    return key


def by_key(key: bytes, letter: str, *parts: str) -> str:
    """The pseudonym of something: the letter and ten characters, in two halves. A pure function of its arguments."""
    for attempt in range(1000):
        text = json.dumps([letter, attempt, *(unicodedata.normalize("NFC", part) for part in parts)])
        number = int.from_bytes(hmac.digest(key, text.encode(errors="surrogateescape"), hashlib.sha256))
        name = ""
        for _ in range(2 * HALF):
            number, rest = divmod(number, len(LETTERS))
            name += LETTERS[rest]
        try:
            return checked(f"{letter}{name[:HALF]}-{name[HALF:]}")
        except ValueError:
            continue
    raise AssertionError("no admissible pseudonym in a thousand")


class KeyNames:
    """Pseudonyms from a secret key."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        # Says which key made a line without telling anything about it.
        self.made_by = "key " + hmac.digest(key, b"radparity crosswalk", hashlib.sha256).hex()[:12]

    def patient(self, person: Person) -> str | None:
        """P and ten characters."""
        return by_key(self.key, "P", *person)

    def exam(self, person: Person, day: str, taken: set[str]) -> str:
        """E and ten characters; `taken` does not matter."""
        return by_key(self.key, "E", *person, day)


class NumberNames:
    """Pseudonyms from a table of trial numbers: patient_id, number, and where ids need it the issuer."""

    made_by = "numbers"

    def __init__(self, path: Path) -> None:
        """Raises ConfigError where the table is absent, lacks a column, contradicts itself or holds odd numbers."""
        guard(path)
        if not path.is_file():
            raise ConfigError(f"{path}: no such table. It has the columns patient_id and number, separated by tabs")
        self.numbers: dict[Person, str] = {}
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, delimiter="\t")
            if not {"patient_id", "number"} <= set(reader.fieldnames or []):
                raise ConfigError(f"{path} row 1: write the header: patient_id, number (and issuer, if ids need it)")
            for row, found in enumerate(reader, start=2):
                person = Person(_cell(found, "patient_id"), _cell(found, "issuer"))
                number = _cell(found, "number")
                try:
                    name = checked(number if number[:1].isalpha() else f"P{number}")
                    checked(self.exam(Person(name, ""), "", set(), number=name) + "-999-LL")
                except ValueError as error:
                    raise ConfigError(f"{path} row {row}, column 'number': {error}") from None
                if self.numbers.setdefault(person, name) != name:
                    raise ConfigError(f"{path} row {row}: this patient id has another number in a row above. Keep one")

    def patient(self, person: Person) -> str | None:
        """Her number, with P before it where it begins with a digit; None where the table does not know her."""
        return self.numbers.get(person) or self.numbers.get(Person(person.patient_id, ""))

    def exam(self, person: Person, day: str, taken: set[str], number: str | None = None) -> str:
        """E, her number, and the next count that is free, as in E0017-2."""
        name = number or self.patient(person) or ""
        stem = "E" + (name[1:] if name[:1] == "P" and name[1:2].isdigit() else name)
        count = 1
        while f"{stem}-{count}" in taken:
            count += 1
        return f"{stem}-{count}"


class Crosswalk:
    """The lines of the crosswalk, one a study of the hospital."""

    def __init__(self, path: Path, names: KeyNames | NumberNames) -> None:
        """Raises ConfigError where the file is unsafe, damaged, or was made with another key."""
        guard(path)
        self.path, self.names = path, names
        self.lines: list[Line] = []
        if path.is_file():
            with path.open(newline="", encoding="utf-8", errors="surrogateescape") as stream:
                rows = list(csv.reader(stream, delimiter="\t"))
            if rows[:1] != [list(Line._fields)] or any(len(row) != len(Line._fields) for row in rows):
                raise ConfigError(f"{path} is not a crosswalk, or it is damaged. Bring back the copy you keep of it")
            self.lines = [Line(*row) for row in rows[1:]]
        others = {line.made_by for line in self.lines if line.made_by.startswith("key ")} - {names.made_by}
        if others and names.made_by.startswith("key "):
            raise ConfigError(f"{path} was made with another key. Name that one with --key, or another --crosswalk")
        self.patients = {line.person: line.patient for line in self.lines}
        self.exams = {line.session: line.exam for line in self.lines}
        self.studies = {(*line.session, line.study) for line in self.lines}
        self.first_date: dict[Person, str] = {}
        for line in self.lines:
            if line.date:
                self.first_date.setdefault(line.person, line.date)
        self._check()

    def add(self, found: list[tuple[Person, str, str]]) -> list[Person]:
        """Give pseudonyms to studies: (patient, date or empty, study UID). Returns the patients without a number.

        What has a line keeps it. Raises ConfigError where two different things would get one pseudonym.
        """
        unknown: dict[Person, None] = {}
        fresh: list[Line] = []
        taken = set(self.exams.values())
        for person, date, study in sorted(set(found)):
            session = (person, date or study)
            if (*session, study) in self.studies:
                continue
            patient = self.patients.get(person) or self.names.patient(person)
            if patient is None:
                unknown[person] = None
                continue
            exam = self.exams.get(session) or self.names.exam(person, session[1], taken)
            taken.add(exam)
            self.patients[person], self.exams[session] = patient, exam
            self.studies.add((*session, study))
            fresh.append(Line(patient, exam, *person, date, study, self.names.made_by))
            if date:
                self.first_date.setdefault(person, date)
        self.lines += sorted(fresh, key=lambda line: (line.patient, line.date, line.exam, line.study))
        self._check()
        return list(unknown)

    def _check(self) -> None:
        owners: dict[str, set[object]] = defaultdict(set)
        for line in self.lines:
            owners[line.exam].add(line.session)
        people: dict[str, set[object]] = defaultdict(set)
        for line in self.lines:
            if line.made_by != NumberNames.made_by:
                people[line.patient].add(line.person)
        if any(len(found) > 1 for found in (*owners.values(), *people.values())):
            raise ConfigError(
                f"{self.path}: two exams or two patients have one pseudonym. If nobody edited the file, the key made"
                " the same name twice (once in millions of studies): begin with a new key and a new crosswalk"
            )

    def save(self) -> None:
        """Write the crosswalk, whole, with mode 600."""
        text = io.StringIO()
        writer = csv.writer(text, delimiter="\t", lineterminator="\n")
        writer.writerows([Line._fields, *self.lines])
        write_private(self.path, text.getvalue())


def _cell(row: dict[str, str | None], column: str) -> str:
    return (row.get(column) or "").strip()
