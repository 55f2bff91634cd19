"""The sheets of a study from the folder of MAMA-MIA (Garrucho et al., Scientific Data 2025;12:453): four public cohorts
as NIfTI phases with a table of their times and an expert's outline of each cancer."""

from __future__ import annotations

import argparse
import ast
import csv
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.config import ConfigError
from radparity.intake.geometry import PLANES
from radparity.intake.laterality import BEYOND_MM, LIKELY_BOTH_MM
from radparity.record import DataFault
from radparity.terminal import bar

TABLES = ("clinical_and_imaging_info.xlsx", "clinical_and_imaging_info.csv")
SHEET = "dataset_info"
SPLITS = "train_test_splits.csv"
IMAGES, OUTLINES = "images", "segmentations/expert"
OURS = "radparity"  # the folder of the raw folder that radparity writes to
RATER = "EXPERT"  # in small letters it would be refused as a name
NEEDED = ("patient_id", "dataset", "acquisition_times")
TUNING = 0.15  # share of the cases that are not for the test
Row = Mapping[str, str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("folder", type=Path, help="the folder of MAMA-MIA: images, segmentations, the table")
    parser.add_argument("--out", type=Path, required=True, help="folder for the sheets, as config/mama_mia")


def run(options: argparse.Namespace) -> str:
    """Write the sheets. Returns what to tell the user; raises ConfigError with the mend where it cannot be done."""
    if "results" in options.out.resolve().parts:
        raise ConfigError(f"{options.out} lies in results/, which `make clean` empties. Write: --out config/mama_mia")
    return "\n".join(write_sheets(options.folder, options.out, bar))


def write_sheets(folder: Path, out: Path, progress: Callable[[str], Callable[[int, int], None]]) -> list[str]:
    """Write exams.tsv, breasts.tsv and readings.tsv in `out`, and the times in folder/radparity/times.tsv.

    folder: becomes `raw` of the configuration. A case whose images, outline or times are not there is left out, and
    counted. The side is that of the outline's centre. Returns what to tell the user, a sentence a line.
    Raises ConfigError where the folder or its table cannot be used.
    """
    cases = read_table(folder)
    images, outlines = (_by_name(folder / part) for part in (IMAGES, OUTLINES))
    tested = _tested(folder)
    sheets: dict[str, list[dict[str, Any]]] = {"exams": [], "breasts": [], "readings": [], "times": []}
    left_out: Counter[str] = Counter()
    ids: dict[str, str] = {}
    show = progress("outlines")
    for done, case in enumerate(cases, start=1):
        name = case["patient_id"]
        try:
            rows = _rows(folder, case, images.get(name.casefold()), outlines.get(name.casefold()), tested)
        except _LeftOut as why:
            left_out[str(why)] += 1
        else:
            exam = rows["exams"][0]["exam"]
            if ids.setdefault(exam, name) != name:
                raise ConfigError(f"{name} and {ids[exam]} would both be called {exam}. Rename one in the table")
            for sheet, more in rows.items():
                sheets[sheet] += more
        show(done, len(cases))
    if not sheets["exams"]:
        counted = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
        raise ConfigError(
            f"{folder}: none of the {len(cases)} cases can be used: {counted}. Download images and outlines"
        )
    times = folder / OURS / "times.tsv"
    for sheet, written in sheets.items():
        _write(times if sheet == "times" else out / f"{sheet}.tsv", written)
    return _said(folder, out, sheets, left_out)


def read_table(folder: Path) -> list[dict[str, str]]:
    """The rows of MAMA-MIA's table as text by column, from the workbook or from a CSV file saved of it.

    Raises ConfigError where neither is there, or a column is missing.
    """
    path = next((folder / name for name in TABLES if (folder / name).is_file()), None)
    if path is None:
        raise ConfigError(f"{folder} holds no {TABLES[0]}. Name the folder of MAMA-MIA that holds it")
    rows = list(_workbook(path) if path.suffix == ".xlsx" else csv.reader(_lines(path)))
    columns = [str(cell or "").strip() for cell in rows[0]] if rows else []
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise ConfigError(f"{path.name} has no column {missing[0]}. Take the table as MAMA-MIA published it")
    said = [
        dict(zip(columns, ("" if cell is None else str(cell).strip() for cell in row), strict=False))
        for row in rows[1:]
    ]
    return [row for row in said if row["patient_id"]]


def _workbook(path: Path) -> Iterator[tuple[Any, ...]]:
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True, data_only=True)
    try:
        yield from (book[SHEET] if SHEET in book.sheetnames else book.worksheets[0]).iter_rows(values_only=True)
    finally:
        book.close()


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8-sig").splitlines()


def _by_name(folder: Path) -> dict[str, Path]:
    """What a folder holds, by its name without ending and case: releases differ in capitals."""
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return {path.name.casefold().removesuffix(".gz").removesuffix(".nii"): path for path in found}


def _tested(folder: Path) -> set[str] | None:
    """The patients of MAMA-MIA's own test split; None where the file of splits is not there."""
    path = folder / SPLITS
    if not path.is_file():
        return None
    rows = list(csv.DictReader(_lines(path)))
    if rows and "test_split" not in rows[0]:
        raise ConfigError(f"{SPLITS} has no column test_split. Take it as MAMA-MIA published it, or move it away")
    return {row["test_split"].strip().casefold() for row in rows if row["test_split"]}


class _LeftOut(Exception):
    """Why a case is left out, in words to be counted."""


def _rows(
    folder: Path, case: Row, images: Path | None, outline: Path | None, tested: set[str] | None
) -> dict[str, list[dict[str, Any]]]:
    """The rows of one case by sheet. Raises _LeftOut."""
    if images is None:
        raise _LeftOut("without images")
    if outline is None:
        raise _LeftOut("without an outline by the expert")
    exam, seconds = pseudonym(case["patient_id"]), _seconds(case["acquisition_times"])
    if seconds is None:
        raise _LeftOut("without times in the table")
    side = _side(outline)
    breast = f"{exam}{side[0].upper()}"
    view = case.get("view", "").lower()
    plane = view if view in PLANES else ""
    facts = {
        "exam": exam,
        "patient": exam,
        "folder": images.relative_to(folder).as_posix(),
        "times": f"{OURS}/times.tsv",
        "cohort": case["dataset"],
        "site": case.get("site", ""),
        "scanner": " ".join(case.get(key, "") for key in ("manufacturer", "scanner_model")).strip(),
    }
    place = {"breast": breast, "exam": exam, "side": side, "label": "malignant"}
    return {
        "exams": [facts],
        "breasts": [place | {"partition": _partition(case["patient_id"], tested)}],
        "readings": [{"breast": breast, "rater": RATER, "file": outline.relative_to(folder).as_posix()}],
        "times": [
            {"exam": exam, "phase": n, "seconds": f"{second:g}", "plane": plane} for n, second in enumerate(seconds)
        ],
    }


def pseudonym(name: str) -> str:
    """A patient of MAMA-MIA as an id of the sheets: ISPY2_100899 becomes ISPY2-100-899, since six digits together are
    refused as a record number."""
    parts = []
    for part in name.replace("_", "-").split("-"):
        long = part.isdigit() and len(part) > 5
        parts += [part[start : start + 3] for start in range(0, len(part), 3)] if long else [part]
    return "-".join(parts)


def _seconds(text: str) -> list[float] | None:
    """`[0, 584, 714]` as numbers; None where it is none."""
    try:
        found = [float(value) for value in ast.literal_eval(text)]
    except (ValueError, SyntaxError, TypeError):
        return None
    return found if found and np.isfinite(found).all() else None


def _side(outline: Path) -> str:
    """The breast that an outline lies in: its centre, left or right of the midline where the volume reaches over it,
    else the side that the volume lies on. Raises _LeftOut where the file cannot be read or marks nothing."""
    from radparity.nifti_phase import read_header, read_volume

    try:
        header = read_header(outline, outline.name)
        mask, affine = read_volume(outline, outline.name, None)
    except DataFault:
        raise _LeftOut("with an outline that cannot be read") from None
    if not mask.any():
        raise _LeftOut("with an outline that marks nothing")
    x = np.sort([_x(affine, corner) for corner in ([0, 0, 0], np.subtract(header.shape, 1))])
    centre = _x(affine, np.argwhere(mask).mean(axis=0))
    # One breast's volume may reach over the midline a little: there the volume tells, not the lesion.
    both = (x[0] < -BEYOND_MM and x[1] > BEYOND_MM) or x[1] - x[0] >= LIKELY_BOTH_MM
    middle = 0.0 if x[0] < 0 < x[1] else float(x.mean())
    return "right" if (centre > middle if both else x.mean() > 0) else "left"


def _x(affine: NDArray[np.float64], voxel: Any) -> float:
    """Patient x of a voxel in mm, positive to the right."""
    return float(affine[0, :3] @ np.asarray(voxel, dtype=float) + affine[0, 3])


def _partition(name: str, tested: set[str] | None) -> str:
    if tested is not None and name.casefold() in tested:
        return "test"
    drawn = int.from_bytes(hashlib.sha256(f"tuning {name}".encode()).digest()[:4]) / 2**32
    return "tuning" if drawn < TUNING else "development"


def _write(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    rows = list(rows)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), delimiter="\t", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written ({error.strerror}). If MAMA-MIA's folder must stay as it is, make a folder of"
            " your own with links to what it holds, and name that"
        ) from None


def _said(folder: Path, out: Path, sheets: Mapping[str, list[dict[str, Any]]], left_out: Counter[str]) -> list[str]:
    parts = Counter(row["partition"] for row in sheets["breasts"])
    sides = Counter(row["side"] for row in sheets["breasts"])
    lines = [
        f"{len(sheets['exams'])} exams, each with one outlined breast ({sides['left']} left, {sides['right']} right):"
        f" {', '.join(f'{count} {name}' for name, count in sorted(parts.items()))}",
        *(f"left out: {count} {why}" for why, count in sorted(left_out.items())),
        "Write in the configuration:",
        f"raw: {folder}",
        f"sheets: {{exams: {out}/exams.tsv, breasts: {out}/breasts.tsv, readings: {out}/readings.tsv}}",
    ]
    if not parts["test"]:
        lines.insert(1, f"no case is for the test: {SPLITS} is not there, or names none of them")
    return [*lines, "MAMA-MIA's outlines are CC BY-NC 4.0: no commercial use"]
