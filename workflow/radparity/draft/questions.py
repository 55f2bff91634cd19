"""Doubts that only show when exams, patients and files are looked at together. None is answered here."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from radparity.draft.index import Index
from radparity.draft.pseudonyms import Crosswalk, Person


class Question(NamedTuple):
    """A row of questions.tsv. where: pseudonyms, or a place of the private list. decision: for the user to fill."""

    what: str
    where: str
    question: str
    decide: str
    decision: str = ""


class Places:
    """Paths and ids that a question is about, by number: their list stays beside the crosswalk."""

    def __init__(self, known: list[str]) -> None:
        self.values = list(known)
        self._numbers = {value: number for number, value in enumerate(known, start=1)}

    def where(self, value: str) -> str:
        """`place 3`; a value keeps its number."""
        value = value.encode(errors="backslashreplace").decode().replace("\t", " ").replace("\n", " ")
        if value not in self._numbers:
            self.values.append(value)
            self._numbers[value] = len(self.values)
        return f"place {self._numbers[value]}"


SAME = "Is she one patient? Then write {one} in the column same_as of every exam of {other}"


def patient_questions(index: Index, crosswalk: Crosswalk, examined: set[Person], dates: bool) -> Iterator[Question]:
    """Who may be one patient under two ids, or two under one. examined: the patients who have an exam in the sheet."""
    pairs: dict[tuple[str, Person, Person], str] = {}

    def suspect(what: str, people: set[Person], why: str) -> None:
        for one, other in combinations(sorted(people & examined, key=lambda p: (crosswalk.patients[p], p)), 2):
            pairs[what, one, other] = why

    alike: dict[str, set[Person]] = defaultdict(set)
    named: dict[tuple[str, str], set[Person]] = defaultdict(set)
    births: dict[Person, set[str]] = defaultdict(set)
    for patient_id, issuer, name, birth_date in index.each(
        "SELECT DISTINCT patient_id, issuer, name, birth_date FROM series WHERE patient_id<>''"
    ):
        person = Person(patient_id, issuer)
        alike[re.sub(r"[\W_]", "", patient_id).casefold().lstrip("0")].add(person)
        if birth_date:
            births[person].add(birth_date)
            named[re.sub(r"[\W_]", "", name).casefold(), birth_date].add(person)
    for people in alike.values():
        suspect("ids_alike", people, "their patient ids differ only in case, zeros before, punctuation or issuer")
    for people in named.values():
        suspect("same_name", people, "they have one name and one birth date")
    for _, people in _shared(index, "s.study", "series s"):
        suspect("study_shared", people, "images of one StudyInstanceUID carry both patient ids")
    twice = "(SELECT sop FROM file WHERE kind='image' GROUP BY sop HAVING COUNT(*)>1) d JOIN file f ON f.sop=d.sop"
    for _, people in _shared(index, "f.sop", f"{twice} JOIN series s ON s.key=f.key"):
        suspect("image_shared", people, "images of one SOPInstanceUID carry both patient ids")
    numbered: dict[str, set[Person]] = defaultdict(set)
    for person in examined:
        numbered[crosswalk.patients[person]].add(person)
    for people in numbered.values():
        suspect("number_shared", people, "the table gives two patient ids one trial number")
    for (what, a, b), why in sorted(pairs.items()):
        one, other = crosswalk.patients[a], crosswalk.patients[b]
        if what == "number_shared":
            yield Question(what, one, why, "Is she one patient? If not, correct the table and begin a new crosswalk")
        elif one != other:
            yield Question(
                what, f"{one} {other}", why, SAME.format(one=one, other=other) + _days(crosswalk, a, b, dates)
            )
    for person, found in sorted(births.items()):
        if len(found) > 1 and person in examined:
            why = f"images of one patient id carry {len(found)} birth dates"
            yield Question("birth_dates", crosswalk.patients[person], why, "Is it one patient? Else part them in raw")


def _shared(index: Index, what: str, tables: str) -> Iterator[tuple[str, set[Person]]]:
    """Values of a column that occur under several patients, with these patients."""
    found: dict[str, set[Person]] = defaultdict(set)
    person = "s.patient_id || char(31) || s.issuer"
    for value, patient_id, issuer in index.each(
        f"SELECT {what}, s.patient_id, s.issuer FROM {tables} WHERE {what} IN"
        f" (SELECT {what} FROM {tables} GROUP BY {what} HAVING COUNT(DISTINCT {person})>1) GROUP BY 1, 2, 3"
    ):
        found[value].add(Person(patient_id, issuer))
    yield from found.items()


def _days(crosswalk: Crosswalk, a: Person, b: Person, dates: bool) -> str:
    """Day offsets count from a patient's own first exam: what to add when two turn out to be one."""
    first, second = crosswalk.first_date.get(a), crosswalk.first_date.get(b)
    if not (dates and first and second):
        return ""
    apart = offset(second, first)
    return f" and add {apart} to their column day" if apart else ""


def offset(day: str, first: str) -> int:
    """Days from one YYYYMMDD to another. Raises ValueError where one is no date."""
    return (_date(day) - _date(first)).days


def _date(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


def study_questions(index: Index, crosswalk: Crosswalk, examined: set[Person]) -> Iterator[Question]:
    """Studies of one patient whose images carry several dates: they became an exam each."""
    exams: dict[tuple[Person, str], set[str]] = defaultdict(set)
    for line in crosswalk.lines:
        exams[line.person, line.study].add(line.exam)
    for patient_id, issuer, study in index.each(
        "SELECT patient_id, issuer, study FROM series WHERE modality='MR' GROUP BY 1, 2, 3"
        " HAVING COUNT(DISTINCT date)>1 ORDER BY 1, 2, 3"
    ):
        person = Person(patient_id, issuer)
        if person in examined:
            held = " ".join(sorted(exams[person, study]))
            why = "images of one StudyInstanceUID have several dates: an exam for each"
            yield Question("study_dates", held, why, "Was it one session? Then join their lists and drop the other row")


FILES = {
    "packed": ("{n} archives of a kind that is not unpacked ({note})", "Unpack them, or leave them out"),
    "broken": ("{n} DICOM files whose header cannot be read ({note})", "Copy them again from the archive"),
    "unreadable": ("{n} files that cannot be opened ({note})", "Mend the link or the rights"),
}


def file_questions(index: Index, refused: dict[str, str], places: Places) -> Iterator[Question]:
    """Archives, broken files and DICOMDIRs that name absent files, by folder."""
    for path, reason in sorted(refused.items()):
        yield Question(
            "zip", places.where(path), f"an archive was not unpacked: {reason}", "Unpack it, or leave it out"
        )
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path, kind, note in index.each("SELECT path, kind, note FROM file WHERE kind<>'image' ORDER BY path"):
        name = os.fsdecode(path)
        if kind in FILES:
            groups[kind, str(Path(name).parent)].append(note)
        elif kind == "directory" and note != "0":
            text = f"{note} of the files that a DICOMDIR names are not there"
            yield Question("dicomdir", places.where(name), text, "Copy the disc again, or accept that they are missing")
    for (kind, folder), notes in sorted(groups.items()):
        text, decide = FILES[kind]
        found = text.format(n=len(notes), note=", ".join(sorted(set(notes))))
        yield Question(kind, places.where(folder), found, decide)
