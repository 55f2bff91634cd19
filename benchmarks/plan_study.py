"""A study of the paper's size, or of a share of it, as its sheets describe it: for benchmarks of the plan.

Numbers of exams, breasts, patients, cancers and test cases are the paper's. The 1,134 cancers that nobody outlined
stand among the benign breasts, which take the same way. The patients of tuning and test cases have one exam of one
breast.
"""

from __future__ import annotations

import csv
import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from radparity.batches import Batches
from radparity.release.given import COLUMNS, GIVEN

OF_EXAMS = ("intake", "eligible", "convert", "register")
READERS = ("R1", "R2", "R3", "R4")
RAW = Path("results/raw/digests.tsv")


class Size(NamedTuple):
    """How many of each a study has. outlined: the development cancers."""

    exams: int
    breasts: int
    patients: int
    outlined: int
    tuning: int
    test: int

    def share(self, part: float) -> Size:
        """The same study, smaller; at least so much that it can be trained and judged."""
        scaled = [round(number * part) for number in self]
        return Size(*scaled[:3], *(max(least, n) for least, n in zip((12, 4, 8), scaled[3:], strict=True)))


PAPER = Size(exams=38_229, breasts=64_063, patients=14_475, outlined=2_555, tuning=16, test=250)


def write_study(folder: Path, size: Size, batch: int, demo: Path) -> Path:
    """Write configuration, sheets and what the sweep writes; returns the configuration, relative to the folder.

    demo: the configuration that all but sheets and batch is taken from.
    """
    draw = random.Random(0)
    exams, breasts, readings = _rows(size, draw)
    sheets = {
        "exams": (("exam", "patient", "folder", "implant"), exams),
        "breasts": (
            ("breast", "exam", "side", "label", "partition", "stable_years", "tumour_type", "background_enhancement"),
            breasts,
        ),
        "readings": (("breast", "rater", "file"), readings),
    }
    for name, (header, rows) in sheets.items():
        _write(folder / f"sheets/{name}.tsv", header, rows)
    sides = Counter(row[1] for row in breasts)
    sizes = {row[2]: sides[row[0]] * _bytes(draw) for row in exams} | {row[2]: 20_000 for row in readings}
    raw = [(path, hashlib.sha256(path.encode()).hexdigest(), size) for path, size in sizes.items()]
    _write(folder / RAW, ("path", "digest", "bytes"), raw)
    config = yaml.safe_load(demo.read_text())
    del config["phantom"]
    config["report"]["cases"] = "judged"  # as docs/case_pages.md advises at this size
    config |= {"batch": batch, "raw": "raw", "sheets": {name: f"sheets/{name}.tsv" for name in sheets}}
    of, patient = config["fold"]["folds"], {row[0]: row[1] for row in exams}
    places = sorted({(patient[row[1]], row[4]) for row in breasts})
    folds = (f"{number % of + 1} of {of}" for number in range(len(places)))
    given = [
        (who, "", part, fold if part == "development" else "") for (who, part), fold in zip(places, folds, strict=True)
    ]
    _write(folder / config["plan"] / GIVEN, COLUMNS, given)
    written = folder / "config" / "size.yaml"
    written.parent.mkdir(exist_ok=True)
    written.write_text(yaml.safe_dump(config, sort_keys=False))
    return written.relative_to(folder)


def _rows(size: Size, draw: random.Random) -> tuple[list[Sequence[object]], ...]:
    """The rows of exams, breasts and readings."""
    judged = size.tuning + size.test
    training = [f"P{number:05d}" for number in range(judged, size.patients)]
    # Everybody has one exam; who has more is drawn, as of women who are screened again and again.
    own = [*(f"P{number:05d}" for number in range(judged)), *training]
    own += draw.choices(training, k=size.exams - len(own))
    both = set(draw.sample(range(judged, size.exams), size.breasts - size.exams))
    exams, breasts, readings = [], [], []
    outlined = set(draw.sample(range(judged, size.exams), size.outlined))
    for number, patient in enumerate(own):
        exam = f"E{number:05d}"
        exams.append((exam, patient, f"dicom/{exam}", draw.choice(("yes", "no", "no", "no"))))
        partition = "tuning" if number < size.tuning else "test" if number < judged else "development"
        sides = ("left", "right") if number in both else (draw.choice(("left", "right")),)
        for side in sides:
            breast = f"{exam}{side[0].upper()}"
            cancer = number < judged or (number in outlined and side == sides[0])
            own_columns = (
                ("", draw.choice(("mass", "other")), draw.choice(("mild", "marked"))) if cancer else (4, "", "")
            )
            breasts.append((breast, exam, side, "malignant" if cancer else "benign", partition, *own_columns))
            raters = READERS if number < judged else READERS[:1] if cancer else ()
            readings += [(breast, rater, f"outlines/{breast}_{rater}.nii.gz") for rater in raters]
    return exams, breasts, readings


def _bytes(draw: random.Random) -> int:
    """Bytes of one side of an exam: 4 to 9 phases, 30 to 60 sections of 256 x 256 or 512 x 512."""
    return draw.randint(4, 9) * draw.randint(30, 60) * draw.choice((256, 512)) ** 2 * 2


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        csv.writer(stream, delimiter="\t", lineterminator="\n").writerows([header, *rows])


def change_one(folder: Path, exam: str) -> None:
    """Give one exam another content, as a sweep after it was delivered again records it."""
    rows = [line.split("\t") for line in (folder / RAW).read_text().splitlines()]
    changed = [[path, "0" * 64 if path == f"dicom/{exam}" else digest, size] for path, digest, size in rows]
    _write(folder / RAW, changed[0], changed[1:])


def write_outputs(folder: Path, batch: int, outputs: Iterable[str]) -> None:
    """Write the outputs of a run as empty files, but the lists of batches with their cases, as its jobs do.

    batch: patients a batch.
    """
    patients = {row["exam"]: row["patient"] for row in _read(folder / "sheets/exams.tsv")}
    breasts = _read(folder / "sheets/breasts.tsv")
    judged = {patients[row["exam"]] for row in breasts if row["partition"] != "development"}
    names = Batches(set(patients.values()), judged, batch)
    cases: dict[tuple[str, str], list[str]] = {}
    for exam, patient in patients.items():
        cases.setdefault(("exam", names.of(patient)), []).append(exam)
    for row in breasts:
        cases.setdefault(("breast", names.of(patients[row["exam"]])), []).append(row["breast"])
    for path in map(Path, outputs):
        written = folder / path
        written.parent.mkdir(parents=True, exist_ok=True)
        if path.name.startswith("batch_"):
            unit = "exam" if path.parts[1] in OF_EXAMS else "breast"
            own = {
                case: {name: [f"{path.parent}/{case}/{name}", "0" * 64] for name in ("record", "data")}
                for case in cases[unit, path.stem.removeprefix("batch_")]
            }
            written.write_text(json.dumps({"unit": unit, "cases": own}, indent=1))
        else:
            written.touch()


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))
