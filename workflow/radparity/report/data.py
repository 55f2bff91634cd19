"""Data: what came in (scanners, resolution, phases, times), how registration went, and how intensities were scaled."""

from __future__ import annotations

from typing import Any

import numpy as np

from radparity.register import TARGET
from radparity.report.results import Results
from radparity.report.tables import Table, counted, interval, number

CHANNEL_NAMES = ("T1c", "DCE-in", "DCE-out")


def data_tables(results: Results) -> list[Table]:
    """Counts of scanners, resolutions, phases and sources of times over the exams that intake could use."""
    exams = list(results.used("intake").values())
    grids = (f"{e['in_plane_mm'][0]:.2f} × {e['in_plane_mm'][1]:.2f} × {e['section_mm']:.2f}" for e in exams)
    return [
        counted("scanners", "Scanners", "scanner", "exams", (_scanner(e) for e in exams)),
        counted("resolution", "Resolution, mm: in-plane and section", "mm", "exams", grids),
        counted("phases", "Phases", "phases an exam", "exams", (str(len(e["phases"])) for e in exams)),
        counted("split", "What told the phases apart", "DICOM attribute", "exams", (str(e["split_by"]) for e in exams)),
        counted(
            "timed",
            "Where the phases' times come from",
            "DICOM attribute",
            "exams",
            (str(e["timed_by"]) for e in exams),
        ),
        counted("plane", "Plane of acquisition", "plane", "exams", (str(e["plane"]) for e in exams)),
    ]


def _scanner(record: dict[str, Any]) -> str:
    scanner = record["scanner"]
    words = [str(scanner.get(key) or "not stated") for key in ("manufacturer", "model")]
    return " ".join([*words, f"{scanner['tesla']:g} T" if scanner.get("tesla") else "field not stated"])


def registration_table(results: Results) -> Table:
    """Likeness before and after, range of the Jacobian and displacement, over the phases that were moved."""
    rows = []
    records = results.used("register").values()
    for title, before in (("before contrast", True), ("later ones after contrast", False)):
        moved = [q for record in records for q in record["quality"] if "likeness_after" in q]
        own = [q for q in moved if (q["phase"] < TARGET) == before]
        if own:
            low, high = min(q["jacobian"][0] for q in own), max(q["jacobian"][1] for q in own)
            folds = sum(q["jacobian"][0] <= 0 for q in own)
            worse = sum(q["likeness_after"] < q["likeness_before"] for q in own)
            likeness = [_range([q[key] for q in own], 3) for key in ("likeness_before", "likeness_after")]
            shift = _range([q["mean_displacement_mm"] for q in own], 2)
            rows.append([title, str(len(own)), *likeness, str(worse), interval(low, high, 2), str(folds), shift])
    head = [
        "phases",
        "moved",
        "likeness before",
        "likeness after",
        "less alike after",
        "Jacobian",
        "with a fold",
        "mean displacement, mm",
    ]
    note = (
        "Onto the first post-contrast phase. Likeness: correlation of square-rooted intensities inside tissue; "
        "median (range). "
        "Contrast itself lowers it. Jacobian: local change of volume, smallest to largest; 1 is none, 0 or less "
        "is a fold."
    )
    return Table("registration", "Registration", head, rows, note)


def _range(values: list[float], digits: int) -> str:
    return f"{number(float(np.median(values)), digits)} ({interval(min(values), max(values), digits)})"


def intensity_tables(results: Results) -> list[Table]:
    """Divisors of the exams by scanner (raw intensity), and of the folds (scaled intensity)."""
    scanners = {exam: _scanner(record) for exam, record in results.used("intake").items()}
    exam = {breast.breast: breast.exam for breast in results.breasts}
    groups: dict[str, list[list[float]]] = {}
    for breast, record in results.used("harmonize").items():
        groups.setdefault(scanners.get(exam[breast], "not stated"), []).append(record["divisors"])
    rows = [
        [name, str(len(own)), *(_range([divisors[k] for divisors in own], 1) for k in range(3))]
        for name, own in sorted(groups.items())
    ]
    harmonization = results.config["arms"][results.primary]["harmonization"]
    note = (
        f"Harmonization {harmonization}: each exam's channels are divided by these raw intensities; median (range) "
        "over breasts."
    )
    tables = [
        Table("divisors", "Divisors of the exams, by scanner", ["scanner", "breasts", *CHANNEL_NAMES], rows, note)
    ]
    rows = [
        [
            arm,
            fold,
            str(len(record["training"])),
            str(len(record["validation"])),
            *(f"{value:.4g}" for value in record["divisors"]),
        ]
        for (arm, fold), record in sorted(results.training.items())
    ]
    wide = max((len(row) for row in rows), default=4) - 4
    note = "In the order of the arm's channels; made from the fold's training patients only, kept with the weights."
    head = ["arm", "fold", "training breasts", "validation breasts", *(f"channel {k + 1}" for k in range(wide))]
    tables.append(
        Table(
            "fold-divisors",
            "Divisors of the folds",
            head,
            [row + [""] * (len(head) - len(row)) for row in rows],
            note,
            (0, 1),
        )
    )
    return tables
