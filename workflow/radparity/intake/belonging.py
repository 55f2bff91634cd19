"""Whether all images of a folder belong together: one patient, one exam."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from radparity.intake.headers import Header
from radparity.record import DataFault

Flag = dict[str, str]


def check_patient(headers: list[Header], one_patient: bool = False) -> list[Flag]:
    """One patient id, apart from upper and lower case, blanks and leading zeros, which are flagged.

    one_patient: a person has decided that all ids are one woman's. An image without an id belongs to the patient of its
    study; one that is cut short is not asked.
    Raises DataFault `several_patients`.
    """
    headers = [header for header in headers if not header.truncated]
    spelt: dict[str, set[str]] = defaultdict(set)
    for header in headers:
        if header.patient.strip():
            spelt[header.patient.strip().casefold().lstrip("0")].add(header.patient)
    known = {header.study for header in headers if header.patient.strip()}
    stray = any(not header.patient.strip() and header.study not in known for header in headers) and bool(spelt)
    if len(spelt) + stray > 1 and one_patient:
        sentence = f"{len(spelt) + stray} patient ids, taken as one patient's by a decision"
        return [{"code": "patient_ids_joined", "sentence": sentence}]
    if len(spelt) + stray > 1:
        raise DataFault(
            "several_patients",
            f"the exam's images carry {len(spelt)} patient ids{' and some carry none' if stray else ''}. Give each exam"
            " its own folder or list of files; if all are one woman's, say so in decisions.tsv (verdict one_patient)",
        )
    if any(len(spellings) > 1 for spellings in spelt.values()):
        sentence = "the patient id is written in several ways (case, blanks or leading zeros); taken as one patient"
        return [{"code": "patient_id_spelling", "sentence": sentence}]
    return []


def check_exam(headers: list[Header]) -> list[Flag]:
    """One study identifier, or several of one day or of one frame of reference, which are flagged.

    Raises DataFault `several_exams` where MR images of several days lie together.
    """
    studies: dict[str, set[str]] = defaultdict(set)
    frames: dict[str, set[str]] = defaultdict(set)
    for header in headers:
        if header.modality == "MR" and not header.truncated:
            studies[header.study].add(header.study_date)
            frames[header.study].add(header.frame_of_reference)
    days = set().union(*studies.values())
    joined = set.intersection(*frames.values()) - {""} if frames else set()
    if len(days) > 1 and not (joined and _apart(days) <= 1) or len(studies) > 1 and days == {""} and not joined:
        raise DataFault(
            "several_exams",
            f"the folder holds MR images of {max(len(days), len(studies))} exams. Give each its own folder, or a list"
            " of its files",
        )
    if len(studies) > 1:
        sentence = f"the exam is filed under {len(studies)} study identifiers of one day; taken as one exam"
        return [{"code": "several_studies", "sentence": sentence}]
    return []


def _apart(days: set[str]) -> int:
    """Days between the first and the last date; dates that are none count as far apart."""
    try:
        found = [date(int(day[:4]), int(day[4:6]), int(day[6:8])).toordinal() for day in days]
    except ValueError:
        return 10**6
    return max(found) - min(found)
