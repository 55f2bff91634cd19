"""From the index to exams: which images belong together, and what is in doubt.

An exam is a patient's MR images of one day whose tags say breast, whatever the number of StudyInstanceUIDs.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from radparity.draft.find import Series
from radparity.draft.index import Index
from radparity.draft.pseudonyms import Person
from radparity.draft.sides import Doubt, Stack, sides
from radparity.ledger import digest_file


@dataclass
class Session:
    """One patient's day (or, without a date, one study): an exam, or the reason why it is none.

    rows: the sides of its rows in the exams sheet ("" for one row with all images). sides: the breasts ("" unsure).
    """

    person: Person
    date: str
    studies: list[str]
    left_out: str = ""
    rows: list[str] = field(default_factory=lambda: [""])
    sides: list[str] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)

    @property
    def key(self) -> tuple[Person, str]:
        """What makes an exam: see pseudonyms.Line.session."""
        return self.person, self.date or self.studies[0]


def sessions(index: Index) -> Iterator[Session]:
    """Every patient's every day, one at a time, in the order of ids and dates."""
    days = "SELECT DISTINCT patient_id, issuer, date, CASE date WHEN '' THEN study ELSE '' END FROM series"
    for patient_id, issuer, date, study in index.ask(f"{days} ORDER BY 1, 2, 3, 4"):
        found = index.ask(
            "SELECT * FROM series WHERE patient_id=? AND issuer=? AND date=? AND (date<>'' OR study=?)"
            " ORDER BY study, series, key",
            (patient_id, issuer, date, study),
        )
        stacks = [_stack(index, key, Series(*values)) for key, *values in found]
        yield _session(Person(patient_id, issuer), date, stacks, [key for key, *_ in found])


def _stack(index: Index, key: bytes, series: Series) -> Stack:
    """A series with its images counted, copies of one SOPInstanceUID once, and the places of its sections."""
    images = 0
    origins: dict[tuple[float, float, float], None] = {}
    for _, frames, places in index.each("SELECT sop, frames, MAX(origins) FROM file WHERE key=? GROUP BY sop", (key,)):
        images += frames
        for place in filter(None, places.split("; ")):
            x, y, z = map(float, place.split())
            origins[x, y, z] = None
    return Stack(series, images, list(origins))


def _session(person: Person, date: str, stacks: list[Stack], keys: list[bytes]) -> Session:
    session = Session(person, date, sorted({stack.series.study for stack in stacks}))
    if not person.patient_id:
        session.left_out = "its images carry no PatientID"
        return session
    counts: Counter[str] = Counter()
    for stack in stacks:
        counts[stack.series.modality if re.fullmatch("[A-Z]{2,4}", stack.series.modality) else "other"] += stack.images
    body = _bodies(stacks)
    chosen = [
        (stack, key)
        for stack, key in zip(stacks, keys, strict=True)
        if stack.series.modality == "MR" and body[stack.series.study] != "other"
    ]
    if not chosen:
        held = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        session.left_out = "MR of another part of the body" if counts["MR"] else f"no MR images ({held})"
        return session
    session.keys = [key for _, key in chosen]
    session.sides, session.rows, session.doubts = sides([stack for stack, _ in chosen])
    used = sorted({stack.series.study for stack, _ in chosen})
    if len(used) > 1:
        session.doubts.append(
            Doubt(
                "studies_joined",
                f"images under {len(used)} StudyInstanceUIDs of one patient and day were joined to one exam",
                "Was it one session? If she was imaged twice that day, cut the list of files in two and add a row",
            )
        )
    if any(body[study] == "unsure" for study in used):
        session.doubts.append(
            Doubt("body_unsure", "no tag says that this is a breast, and none says otherwise", "Is it a breast MRI?")
        )
    tags = {stack.series.date_tag for stack, _ in chosen} - {"StudyDate"}
    if tags:
        where = ", ".join(sorted(tags - {""})) or "no tag, so the study stands for the day"
        session.doubts.append(
            Doubt("date_unsure", f"images without StudyDate; the day comes from {where}", "Is it the day of the exam?")
        )
    return session


def _bodies(stacks: list[Stack]) -> dict[str, str]:
    """What each study shows: breast if any of its series says so, else other if any does, else unsure."""
    said: dict[str, set[str]] = defaultdict(set)
    for stack in stacks:
        said[stack.series.study].add(stack.series.body)
    return {study: next(b for b in ("breast", "other", "unsure") if b in found) for study, found in said.items()}


def files(index: Index, session: Session) -> tuple[list[str], list[Doubt]]:
    """The images of an exam in order of path, copies left out, and what is doubtful about the copies.

    Of files with one SOPInstanceUID and the same bytes the first is listed; where their bytes differ, all are.
    """
    marks = ",".join("?" * len(session.keys))
    rows = index.ask(f"SELECT path, sop, size FROM file WHERE key IN ({marks}) ORDER BY path", session.keys)
    by_sop: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for path, sop, size in rows:
        by_sop[sop].append((os.fsdecode(path), size))
    listed: list[str] = []
    differing = 0
    for copies in by_sop.values():
        kept: dict[str, str] = {}
        for path, _ in copies:
            kept.setdefault(digest_file(index.raw / path) if len(copies) > 1 else "", path)
        differing += len(kept) > 1
        listed += kept.values()
    doubts = []
    if differing:
        doubts.append(
            Doubt(
                "copies_differ",
                f"{differing} images are there twice under one SOPInstanceUID with different bytes",
                "Which copy holds? Delete the other's lines from the list of files",
            )
        )
    unsafe = [path for path in listed if "\n" in path or path.endswith("\r")]
    if unsafe:
        doubts.append(
            Doubt("file_name", f"{len(unsafe)} file names hold a line break and were left out", "Rename these files")
        )
    return sorted(set(listed) - set(unsafe)), doubts
