"""The draft of a study's sheets from a raw folder of any arrangement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from radparity.config import ConfigError
from radparity.draft.archives import unpack_all
from radparity.draft.exams import Session, files, sessions
from radparity.draft.index import OURS, Index
from radparity.draft.private import guard, write_private
from radparity.draft.pseudonyms import Crosswalk, KeyNames, NumberNames, Person
from radparity.draft.questions import (
    Places,
    Question,
    file_questions,
    offset,
    patient_questions,
    study_questions,
)
from radparity.draft.sides import Doubt
from radparity.draft.write import add_rows, write_list
from radparity.intake.source import LIST_SUFFIX

Progress = Callable[[str], Callable[[int, int], None]]


EXAMS = ("exam", "patient", "folder", "side", "same_as")
BREASTS = ("breast", "exam", "side", "label", "partition")
LEFT_OUT = ("exam", "patient", "reason")


@dataclass
class Sheets:
    """The rows of the draft sheets."""

    exams: list[list[str]] = field(default_factory=list)
    breasts: list[list[str]] = field(default_factory=list)
    left_out: list[list[str]] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    examined: set[Person] = field(default_factory=set)


def draft(
    raw: Path,
    out: Path,
    names: KeyNames | NumberNames,
    crosswalk_path: Path,
    dates: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[str]:
    """Draft exams.tsv, breasts.tsv, questions.tsv and left_out.tsv in `out`, and a list of files for each exam.

    raw: the folder to be walked; lists and unpacked archives go to raw/radparity/. dates: a column with day offsets,
    counted from each patient's first exam in the crosswalk. Returns what to tell the user, a sentence a line.
    Raises ConfigError where the folder, the key, the table or the crosswalk cannot be used.
    """
    show = progress or (lambda what: lambda done, total: None)
    if not raw.is_dir():
        raise ConfigError(f"{raw}: no such folder. Name the one that holds the hospital's DICOM")
    try:
        (raw / OURS).mkdir(exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{raw / OURS} cannot be made ({error.strerror}). If the archive must stay as it is, make a folder of your"
            " own that holds a link to it, and name that folder"
        ) from None
    if "results" in out.resolve().parts:
        raise ConfigError(f"{out} lies in results/, which `make clean` empties. Write instead: --out config/mystudy")
    crosswalk = Crosswalk(crosswalk_path, names)
    places_path = crosswalk_path.with_name("places.tsv")
    guard(places_path)
    places = Places(places_path.read_text(encoding="utf-8").splitlines() if places_path.is_file() else [])
    with Index(crosswalk_path.with_name("draft.sqlite"), raw) as index:
        refused = _read(index, workers, show)
        found = index.ask("SELECT DISTINCT patient_id, issuer, date, study FROM series WHERE patient_id<>''")
        numberless = crosswalk.add([(Person(p, i), day, study) for p, i, day, study in found])
        # Before any sheet: a pseudonym that nobody can trace back must not exist.
        crosswalk.save()
        sheets = _sheets(index, crosswalk, dates, places, show("exams"))
        examined = sheets.examined
        sheets.questions += patient_questions(index, crosswalk, examined, dates)
        sheets.questions += study_questions(index, crosswalk, examined)
        sheets.questions += file_questions(index, refused, places)
        for person in numberless:
            where = places.where(f"patient id {person.patient_id} {person.issuer}".strip())
            sheets.questions.append(
                Question(
                    "no_number", where, "a patient without a trial number", "Add her to the table, or leave her out"
                )
            )
        counts = dict(index.ask("SELECT kind, COUNT(*) FROM file GROUP BY kind"))
    write_private(places_path, "".join(f"{value}\n" for value in places.values))
    return _write(out, sheets, dates, counts)


def _read(index: Index, workers: int, show: Progress) -> dict[str, str]:
    """Bring the index up to date, archives included. Returns the archives that were not unpacked, with the reason."""
    for what in ("headers", "headers of unpacked archives", "headers of archives in archives"):
        index.update(workers, show(f"reading {what}"))
        found = unpack_all(index.raw, index.zips())
        index.keep_digests(found.digests)
        if not found.fresh:
            break
    return found.refused


def _sheets(
    index: Index, crosswalk: Crosswalk, dates: bool, places: Places, progress: Callable[[int, int], None]
) -> Sheets:
    """Every session as rows of the sheets, with its list of files written."""
    sheets = Sheets()
    order: dict[str, tuple[str, str]] = {}
    total = index.ask("SELECT COUNT(*) FROM (SELECT DISTINCT patient_id, issuer, date FROM series)")[0][0]
    for done, session in enumerate(sessions(index), start=1):
        progress(min(done, total), total)
        exam, patient = crosswalk.exams.get(session.key), crosswalk.patients.get(session.person)
        if not session.person.patient_id:
            where = places.where(f"StudyInstanceUID {session.studies[0]}")
            sheets.questions.append(
                Question("no_patient_id", where, f"an exam was left out: {session.left_out}", "Whose is it?")
            )
        if exam is None or patient is None:
            continue
        order[exam] = (patient, session.date)
        if session.left_out:
            sheets.left_out.append([exam, patient, session.left_out])
            continue
        sheets.examined.add(session.person)
        _add(sheets, index, session, exam, patient, _day(crosswalk, session) if dates else None)
    for rows in (sheets.exams, sheets.left_out):
        rows.sort(key=lambda row: (order[row[0].removesuffix("-L").removesuffix("-R")], row[0]))
    rank = {row[0]: number for number, row in enumerate(sheets.exams)}
    sheets.breasts.sort(key=lambda row: (rank[row[1]], row[0]))
    return sheets


def _day(crosswalk: Crosswalk, session: Session) -> str:
    return str(offset(session.date, crosswalk.first_date[session.person])) if session.date else ""


def _add(sheets: Sheets, index: Index, session: Session, exam: str, patient: str, day: str | None) -> None:
    """The rows of one exam, its list of files, and its doubts."""
    listed, doubts = files(index, session)
    folder = f"{OURS}/{exam}{LIST_SUFFIX}"
    if write_list(index.raw / folder, listed) == "differs":
        doubts.append(
            Doubt(
                "files_differ",
                f"{folder} lists other files than lie in the raw folder now",
                f"Compare it with {folder}.new and keep the right one under the name without .new",
            )
        )
    for doubt in session.doubts + doubts:
        sheets.questions.append(Question(doubt.what, exam, doubt.question, doubt.decide))
    for side in session.rows:
        name = f"{exam}-{side[0].upper()}" if side else exam
        sheets.exams.append([name, patient, folder, side, "", *([] if day is None else [day])])
        for breast in [side] if side else session.sides:
            sheets.breasts.append([f"{exam}{breast[:1].upper()}", name, breast, "", ""])


def _write(out: Path, sheets: Sheets, dates: bool, counts: dict[str, int]) -> list[str]:
    """The sheets on disk, and what to tell the user."""
    written = [
        add_rows(out / "exams.tsv", [*EXAMS, *(["day"] if dates else [])], sheets.exams, ["exam"]),
        add_rows(out / "breasts.tsv", BREASTS, sheets.breasts, ["exam", "side"]),
        add_rows(out / "left_out.tsv", LEFT_OUT, sheets.left_out, ["exam"]),
        add_rows(out / "questions.tsv", Question._fields, sorted(sheets.questions), ["what", "where"]),
    ]
    known = {"image": "DICOM images", "zip": "zip archives", "directory": "DICOMDIRs", "other": "files of other kinds"}
    held = ", ".join(f"{count} {known.get(kind, kind)}" for kind, count in sorted(counts.items()))
    lines = [f"the raw folder holds {held or 'nothing'}"]
    lines += [f"{path}: {count} rows written" for path, count in written if count]
    lines += ["no exam that the sheet lacks" for _, count in written[:1] if not count]
    lines.append(f"next: answer {out}/questions.tsv, fill `label` and `partition` in {out}/breasts.tsv")
    return lines
