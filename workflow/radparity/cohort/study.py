"""A study of public cohorts as rows of its sheets, with pseudonyms and a partition by patient."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from radparity.cohort.choose import Exam, choose
from radparity.cohort.collections import COLLECTIONS, Study
from radparity.cohort.index import Listed

SHARES = {"development": 0.6, "tuning": 0.1, "test": 0.3}
"""Of the patients of each collection; `radparity cohort` says so."""
EXAMS = ("exam", "patient", "folder", "cohort", "site", "scanner", "enhancement_map", "washout_map")
BREASTS = ("breast", "exam", "side", "label", "partition")
READINGS = ("breast", "rater", "file", "rule")
SERIES = ("exam", "role", "path", "address", "files", "bytes", "series")

Rows = list[list[str]]


@dataclass(frozen=True)
class Found:
    """What a collection holds. exams: pseudonym to exam; left: reason to patients; makers: manufacturer of the baseline
    visit to (patients, those with an outline there)."""

    collection: str
    patients: int
    exams: dict[str, Exam]
    left: Counter[str]
    makers: dict[str, tuple[int, int]]


def find(series: Iterable[Listed], study: Study) -> list[Found]:
    """What the study takes of each of its collections. series: all of them, sorted by collection and patient."""
    return [_find(name, list(rows), study) for name, rows in groupby(series, key=lambda row: row.collection)]


def _find(name: str, rows: Sequence[Listed], study: Study) -> Found:
    exams, left = {}, Counter[str]()
    makers: dict[str, list[bool]] = defaultdict(list)
    patients = [list(own) for _, own in groupby(rows, key=lambda row: row.patient)]
    for number, own in enumerate(patients, start=1):
        exam, why = choose(own, study.maker(name))
        scanner = next((row.manufacturer for row in own if row.modality == "MR"), "")
        # Without the restriction, since the table is of all manufacturers.
        makers[scanner or "not said"].append(why in ("", "other_maker") and bool(COLLECTIONS[name].outlines))
        if exam:
            exams[f"{COLLECTIONS[name].code}-{number:04}"] = exam
        else:
            left[why] += 1
    counted = {maker: (len(held), sum(held)) for maker, held in sorted(makers.items())}
    return Found(name, len(patients), exams, left, counted)


def sample(found: list[Found], patients: int, seed: int, fits: Callable[[Exam], bool]) -> list[Found]:
    """So many exams, from each collection in proportion, drawn by seed and pseudonym among those that fit."""
    ranked = [sorted((name for name, e in one.exams.items() if fits(e)), key=_draw(seed)) for one in found]
    turns = sorted((position / len(names), at) for at, names in enumerate(ranked) for position in range(len(names)))
    taken = Counter(at for _, at in turns[:patients])
    return [
        Found(one.collection, one.patients, {n: one.exams[n] for n in sorted(names[: taken[at]])}, one.left, one.makers)
        for at, (one, names) in enumerate(zip(found, ranked, strict=True))
    ]


def partition(names: Iterable[str], seed: int) -> dict[str, str]:
    """Pseudonym to development, tuning or test by the shares of SHARES, in the order of a digest of seed and name."""
    ranked = sorted(names, key=_draw(seed))
    tuning, test = (round(SHARES[part] * len(ranked)) for part in ("tuning", "test"))
    if len(ranked) > 2:
        tuning, test = max(1, tuning), max(1, test)
    order = ["tuning"] * tuning + ["test"] * test
    return dict(zip(ranked, order + ["development"] * (len(ranked) - len(order)), strict=True))


def _draw(seed: int) -> Callable[[str], str]:
    return lambda name: hashlib.sha256(f"{seed} {name}".encode()).hexdigest()


def sheets(found: Iterable[Found], seed: int) -> dict[str, tuple[tuple[str, ...], Rows]]:
    """The rows of exams, breasts, readings and series, each with its header. A breast stands for an outlined exam."""
    exams: Rows = []
    breasts: Rows = []
    readings: Rows = []
    series: Rows = []
    for one in found:
        parts = partition(one.exams, seed)
        for name, exam in one.exams.items():
            paths = _paths(name, exam)
            maps = [next((paths[s.series] for s in exam.of(role)), "") for role in ("enhancement_map", "washout_map")]
            patient, breast = name.replace("-", "-P", 1), f"{name}-B"
            exams.append([name, patient, name, one.collection, exam.collection.site or "", exam.scanner, *maps])
            for taken in exam.taken:
                row, path = taken.series, paths[taken.series.series]
                series.append([name, taken.role, path, row.address, str(row.images), str(row.bytes), row.series])
                if taken.outline:
                    readings.append([breast, taken.outline.rater, path, taken.outline.rule or ""])
            if exam.outlined:
                label = "malignant" if exam.collection.malignant else ""
                breasts.append([breast, name, exam.side or "", label, parts[name]])
    return {
        "exams": (EXAMS, exams),
        "breasts": (BREASTS, breasts),
        "readings": (READINGS, readings),
        "series": (SERIES, series),
    }


def _paths(name: str, exam: Exam) -> dict[str, str]:
    """Series to the folder that it lands in: the exam's, then its role, numbered where there are several."""
    found = {}
    for role in dict.fromkeys(one.role for one in exam.taken):
        for number, row in enumerate(exam.of(role), start=1):
            found[row.series] = f"{name}/{role}" + (f"-{number}" if number > 1 else "")
    return found
