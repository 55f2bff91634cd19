"""Data: what came in (scanners, resolution, phases, times), how registration went, how breasts were cut and scaled."""

from __future__ import annotations

import numpy as np

from radparity.faults import FAULTS
from radparity.grid import COARSE_MM
from radparity.register import TARGET
from radparity.report.figures import BARS, INK, Figure, canvas, finish, styled
from radparity.report.results import Results
from radparity.report.tables import Table, counted, interval, number
from radparity.scaling import scanner_name

CHANNEL_NAMES = ("T1c", "DCE-in", "DCE-out", "T2")
IN_PLANE_STEP_MM, SECTION_STEP_MM = 0.04, 0.5


def data_tables(results: Results) -> list[Table]:
    """Counts of scanners, resolutions, phases and sources of times over the exams that intake could use."""
    exams = list(results.used("intake").values())
    grids = (f"{e['in_plane_mm'][0]:.2f} × {e['in_plane_mm'][1]:.2f} × {e['section_mm']:.2f}" for e in exams)
    return [
        counted("scanners", "Scanners", "scanner", "exams", (scanner_name(e) for e in exams)),
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
        *grid_tables(results),
        flag_table(results),
    ]


@styled
def resolution_plot(results: Results) -> Figure | None:
    """In-plane pixel size and distance between sections of all exams that intake could use (paper, figure 2B)."""
    exams = list(results.used("intake").values())
    if not exams:
        return None
    figure, axes = canvas(9.6, 2.7, 1, 2)
    planes = sorted({str(e["plane"]) for e in exams}, key=lambda plane: (plane != "sagittal", plane))
    sizes = (
        ("pixel size in the plane, mm", "in_plane_mm", COARSE_MM, IN_PLANE_STEP_MM),
        ("distance between sections, mm", "section_mm", SECTION_STEP_MM / 2, SECTION_STEP_MM),
    )
    for axis, (title, key, anchor, step) in zip(axes[0], sizes, strict=True):
        values = [np.array([np.max(e[key]) for e in exams if str(e["plane"]) == plane]) for plane in planes]
        # A bin holds its upper border: what is not coarser than the rule's limit stands to the left of it.
        first, last = (int(np.floor((f(np.concatenate(values)) - anchor) / step)) for f in (np.min, np.max))
        edges = anchor + step * np.arange(first - 1, last + 3) + 1e-6
        colours = [BARS[position % len(BARS)] for position in range(len(planes))]
        axis.hist(values, edges, stacked=True, color=colours, label=planes, edgecolor="white", linewidth=0.6)
        axis.set(xlabel=title, ylabel="exams")
        axis.yaxis.get_major_locator().set_params(integer=True)
    rule = results.config["harmonize"]["in_plane"]
    if rule == "double":
        axes[0, 0].axvline(COARSE_MM, color=INK, linewidth=1, linestyle=(0, (4, 2)))
    axes[0, 1].legend(title="plane")
    caption = f"Resolution of the {len(exams)} exams as acquired."
    if rule == "double":
        caption += f" Dashed: {COARSE_MM:g} mm; coarser ones, to its right, are resampled to half their pixel size."
    return finish(figure, "resolution-plot", caption, "Histograms of in-plane pixel size and of distance of sections")


def grid_tables(results: Results) -> list[Table]:
    """How the breasts were cut from the exams, whose times were assumed, and which have a T2 channel."""
    records = list(results.used("harmonize").values())
    cuts = {None: "shows one breast", "origin": "both; cut at x = 0", "image": "both; cut where the image shows it"}
    planes = ("sections of its own" if r.get("reformatted") else "as acquired" for r in records)
    times = ("assumed" if r.get("times_assumed") else "from the headers" for r in records)
    weighted = ("a channel" if "t2" in r.get("channels", ()) else "none that can be used" for r in records)
    return [
        counted("midline", "Volume", "volume", "breasts", (cuts[r.get("midline_from")] for r in records)),
        counted("reformatted", "Sections", "sections", "breasts", planes),
        counted("assumed", "Times of phases", "times", "breasts", times),
        counted("t2", "T2", "T2-weighted series", "breasts", weighted),
    ]


def flag_table(results: Results) -> Table:
    """Exams and breasts that a stage flagged: still in the study, but somebody should look."""
    flagged: dict[tuple[str, str], list[str]] = {}
    for stage in results.records:
        for unit, record in results.used(stage).items():
            for flag in record.get("flags", []):
                flagged.setdefault((stage, flag["code"]), []).append(unit)
    rows = []
    for (stage, code), units in flagged.items():
        units = sorted(set(units))
        rows.append([stage, code, FAULTS[code].meaning, str(len(units)), " ".join(units)])
    note = "They are not excluded. The sentence of each flag stands in the case's record at that stage."
    return Table(
        "flags",
        "Flagged, and still in the study",
        ["stage", "code", "meaning", "cases", "which"],
        rows,
        note,
        (0, 1, 2, 4),
    )


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


def exam_divisors(results: Results) -> Table:
    """Divisors of the exams (raw intensity), by scanner."""
    scanners = {exam: scanner_name(record) for exam, record in results.used("intake").items()}
    exam = {breast.breast: breast.exam for breast in results.breasts}
    groups: dict[str, list[list[float]]] = {}
    for breast, record in results.used("harmonize").items():
        groups.setdefault(scanners.get(exam[breast], "not stated"), []).append(record["divisors"])
    most = max((len(divisors) for own in groups.values() for divisors in own), default=3)

    def of_channel(own: list[list[float]], k: int) -> str:
        held = [divisors[k] for divisors in own if k < len(divisors)]
        return _range(held, 1) if held else "–"

    rows = [[name, str(len(own)), *(of_channel(own, k) for k in range(most))] for name, own in sorted(groups.items())]
    harmonization = results.config["arms"][results.primary]["harmonization"]
    note = (
        f"Harmonization {harmonization}: each exam's channels are divided by these raw intensities; median (range) "
        "over breasts, for T2 over those that have it."
    )
    head = ["scanner", "breasts", *CHANNEL_NAMES[:most]]
    return Table("divisors", "Divisors of the exams, by scanner", head, rows, note)


def fold_divisors(results: Results) -> Table:
    """Divisors of the folds (scaled intensity), and the cases that they come from."""
    rows = [
        [
            arm,
            fold,
            str(len(record["training"])),
            str(len(record["validation"])),
            ", ".join(record.get("scanners_with_landmarks", [])) or "–",
            *(f"{value:.4g}" for value in record["divisors"]),
        ]
        for (arm, fold), record in sorted(results.training.items())
    ]
    wide = max((len(row) for row in rows), default=5) - 5
    note = "In the order of the arm's channels; made from the fold's training patients only, kept with the weights."
    predicted = results.used("predict").values()
    strange = sum(bool(record.get("networks_without_scanner")) for record in predicted)
    if any(record.get("scanners_with_landmarks") for record in results.training.values()):
        note += (
            f" {strange} of {len(predicted)} predicted breasts come from a scanner without landmarks in at least one of"
            " their networks; those networks used the pooled landmarks."
        )
    head = ["arm", "fold", "training breasts", "validation breasts", "scanners with landmarks"]
    head += [f"channel {k + 1}" for k in range(wide)]
    rows = [row + [""] * (len(head) - len(row)) for row in rows]
    return Table("fold-divisors", "Divisors of the folds", head, rows, note, (0, 1, 4))
