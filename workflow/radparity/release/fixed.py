"""A release: the exams, with digests, that train, tune and test may see. Written once and never changed.

Exams that are in the sheets and not in the release wait: they run to `harmonize` and no further until the next one.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radparity.config import ConfigError

if TYPE_CHECKING:
    from radparity.masks.study import MasksStudy
    from radparity.study import Study

RELEASES = Path("releases")
HEAD = re.compile(r"# release (\w+), made (\S+) at commit (\S+), sha256 of what follows ([0-9a-f]{64})\n")
SHOWN = 20


@dataclass(frozen=True)
class Row:
    """A breast of a release. images, outlines: digests of the exam's files (its own maps among them) and of what people
    drew on the breast, by content and not by path."""

    breast: str
    exam: str
    patient: str
    side: str
    partition: str
    fold: str
    label: str
    images: str
    outlines: str


COLUMNS = tuple(field.name for field in fields(Row))


@dataclass(frozen=True)
class Release:
    """A release as it was written: its name, when, at which commit, its digest, and its breasts."""

    name: str
    made: str
    commit: str
    digest: str
    rows: dict[str, Row]

    @cached_property
    def exams(self) -> frozenset[str]:
        """Its exams."""
        return frozenset(row.exam for row in self.rows.values())


def path_of(name: str) -> Path:
    """Where a release lies."""
    return RELEASES / f"{name}.tsv"


def read_release(name: str) -> Release:
    """Raises ConfigError where there is none of that name, or the file is not the one that was written."""
    path = path_of(name)
    if not path.is_file():
        there = ", ".join(known()) or "none"
        raise ConfigError(f"release: {name}: there is no {path} (there: {there}). Write it: radparity release {name}")
    text = path.read_text(encoding="utf-8")
    head = HEAD.match(text)
    mend = "Bring back the file that was written (from version control); a release is never edited"
    if head is None or head[1] != name:
        raise ConfigError(f"{path} is not the release {name}. {mend}")
    body = text[head.end() :]
    if hashlib.sha256(body.encode()).hexdigest() != head[4]:
        raise ConfigError(f"{path} was changed after it was written: it does not have its digest. {mend}")
    rows = [Row(*row) for row in csv.reader(body.splitlines()[1:], delimiter="\t")]
    return Release(name, head[2], head[3], head[4], {row.breast: row for row in rows})


def write_release(name: str, rows: Iterable[Row], made: str, commit: str) -> Path:
    """Write a release, once. Raises ConfigError where there is one of that name."""
    text = io.StringIO()
    csv.writer(text, delimiter="\t", lineterminator="\n").writerows([COLUMNS, *map(astuple, rows)])
    digest = hashlib.sha256(text.getvalue().encode()).hexdigest()
    path = path_of(name)
    path.parent.mkdir(exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(
                f"# release {name}, made {made} at commit {commit or 'none'}, sha256 of what follows {digest}\n"
            )
            stream.write(text.getvalue())
    except FileExistsError:
        raise ConfigError(f"{path} is there already, and a release is never changed. Choose another name") from None
    return path


def known() -> list[str]:
    """Names of the releases that were written."""
    return sorted(path.stem for path in RELEASES.glob("*.tsv") if "." not in path.stem)


def rows_of(study: Study, breasts: Iterable[str]) -> list[Row]:
    """What the sheets and the sweep say of these breasts now, sorted."""
    found = []
    images = {exam: _images(study, exam) for exam in {study.exam_of(breast) for breast in breasts}}
    for name in sorted(breasts):
        row = study.breasts[name]
        fold = study.held_out.get(name, "")
        facts = (row.exam, study.patient_of(name), row.side or "", row.partition, fold, row.label)
        found.append(Row(name, *facts, images[row.exam], _outlines(study, name)))
    return found


def _images(study: Study, exam: str) -> str:
    row = study.exams[exam]
    paths = {"folder": row.folder, **({"times": row.times} if row.times else {}), **study.maps(exam)}
    return _digest({name: study.digests[path] for name, path in paths.items()})


def _outlines(study: Study, breast: str) -> str:
    drawn = {f"by {rater}": study.digests[path] for rater, path in study.outlines.get(breast, {}).items()}
    drawn |= {f"chosen of {rater}": choice for rater, choice in study.outline_choices.get(breast, {}).items()}
    mask = study.breast_masks.get(breast)
    return _digest(drawn | ({"breast mask": study.digests[mask]} if mask else {}))


def _digest(parts: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def changed(before: Row, now: Row) -> list[str]:
    """What differs between two rows of one breast, by column."""
    return [name for name in COLUMNS if getattr(before, name) != getattr(now, name)]


def refuse_changed(study: Study | MasksStudy) -> None:
    """Raises ConfigError where the sheets contradict what was given to a patient, or where an exam of the release is no
    longer what it was."""
    from radparity.study import Study as OfExams

    if not isinstance(study, OfExams):
        return
    _ = study.held_out
    whole, release = study.whole, study.release
    if release is None:
        return
    here = [name for name in release.rows if name in whole.breasts]
    faults = [f"{name}: is no longer in the sheets" for name in release.rows if name not in whole.breasts]
    for row in rows_of(whole, here):
        before = release.rows[row.breast]
        faults += [f"{row.breast}: {_said(name, before, row)}" for name in changed(before, row)]
    more = (name for name, row in whole.breasts.items() if row.exam in release.exams and name not in release.rows)
    faults += [f"{name}: a breast more of exam {whole.exam_of(name)}" for name in more]
    if faults:
        rest = f"\n  and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise ConfigError(
            f"the data is no longer that of release {release.name}, and a release that changes is none:\n"
            + "\n".join(f"  {fault}" for fault in sorted(faults)[:SHOWN])
            + f"{rest}\nBring back what was there (and run `radparity sweep`), or make another release and name it in"
            f" the configuration: radparity release {release.name}b"
        )


def _said(column: str, before: Row, now: Row) -> str:
    if column in ("images", "outlines"):
        return f"the content of its {column} has changed"
    return f"{column} is {getattr(now, column) or 'empty'}, was {getattr(before, column) or 'empty'}"


def about_release(study: Study) -> dict[str, Any] | None:
    """What the report says of the release: its name, its digest, and the exams and breasts that wait for the next."""
    if study.release is None:
        return None
    waiting = sorted(exam for exam in study.exams if exam not in study.entered)
    breasts = study.described(sorted(b for b, row in study.breasts.items() if row.exam not in study.entered))
    return {"name": study.release.name, "digest": study.release.digest, "exams": waiting, "breasts": breasts}
