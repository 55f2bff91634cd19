"""Every fault that data can have: its code, what it means, and what to do. `docs/faults.md` is made from this table.

A fault excludes a case, or flags it (`flag`: it stays in the study and the report says so).
"""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """stage: where it is found. meaning and mend: a sentence each. flag: the case stays and is marked."""

    stage: str
    meaning: str
    mend: str
    flag: bool = False


FAULTS: dict[str, Fault] = {
    "no_dicom": Fault("intake", "the exam holds no DICOM image", "Correct the column `folder` of the exams sheet"),
    "truncated_file": Fault("intake", "a file ends before its pixels do", "Copy the exam again from the archive"),
    "several_patients": Fault("intake", "one exam's images carry several patient ids", "Give each exam its own folder"),
    "no_dynamic_series": Fault(
        "intake", "no series can be the contrast-enhanced one", "Name it in decisions.tsv with the role `dynamic`"
    ),
    "sections_missing": Fault(
        "intake", "the images cannot be split into whole phases", "Fetch the series again from the archive"
    ),
    "section_gap": Fault("intake", "sections are not evenly spaced", "Fetch the series again from the archive"),
    "too_few_phases": Fault("intake", "fewer than one phase before and two after contrast", "Exclude the exam"),
    "phase_times_unknown": Fault(
        "harmonize",
        "no tag gives each phase a time of its own",
        "Ask for the originals, or set `times_unknown` under `harmonize` in the configuration",
    ),
    "conversion_failed": Fault("convert", "dcm2niix did not give one volume of the expected shape", "See the log"),
    "geometry_disagrees": Fault(
        "convert", "the converted volume does not lie where the headers say", "See the log; report the series"
    ),
    "phase_empty": Fault("convert", "every voxel of a phase is the same", "Fetch the exam again from the archive"),
    "phases_identical": Fault(
        "convert", "two phases hold the same pixels", "Fetch the exam again from the archive: one was exported twice"
    ),
    "grids_differ": Fault("convert", "the phases lie on different grids", "Exclude the odd series in decisions.tsv"),
    "side_disagrees": Fault("harmonize", "the volume lies on the other side", "Correct the column `side`"),
    "too_few_sections": Fault("harmonize", "hardly any section belongs to this breast", "Correct the column `side`"),
    "no_signal": Fault("harmonize", "the images hold no signal", "Look at the exam; fetch it again"),
    "no_breast": Fault("mask", "hardly any tissue is found in the volume", "Look at the exam"),
    "outline_missing": Fault("outline", "an outline's file is not there", "Correct the readings sheet"),
    "outline_unreadable": Fault("outline", "an outline's file cannot be read", "Export it again"),
    "outline_values": Fault("outline", "an outline holds other values than 0 and 1", "Export it as a binary mask"),
    "outline_shape": Fault("outline", "an outline has another shape than the exam", "Draw it on this exam"),
    "outline_geometry": Fault("outline", "an outline lies elsewhere than the exam", "Draw it on this exam"),
    "outline_empty": Fault("outline", "nothing is outlined", "Export it again, or drop its row"),
    "outline_side": Fault("outline", "the outline lies in the other breast", "Correct the column `side`"),
    "outline_sections": Fault("outline", "raters outlined different sections", "Outline one common section"),
}


def table() -> str:
    """The faults as the page docs/faults.md."""
    lines = [
        "# Faults in the data",
        "",
        "A fault of one case never stops the study. It excludes the case, with its code and a sentence in the case's",
        "record, the report and its flow chart; faults marked *flag* leave the case in and mark it.",
        "This page is made by `radparity faults > docs/faults.md`.",
        "",
        "| code | stage | meaning | what to do | |",
        "|---|---|---|---|---|",
    ]
    for code, fault in sorted(FAULTS.items(), key=lambda item: (ORDER.index(item[1].stage), item[0])):
        lines.append(
            f"| `{code}` | {fault.stage} | {fault.meaning} | {fault.mend} | {'flag' if fault.flag else 'excludes'} |"
        )
    return "\n".join(lines) + "\n"


ORDER = ("intake", "eligible", "convert", "register", "harmonize", "mask", "outline")
