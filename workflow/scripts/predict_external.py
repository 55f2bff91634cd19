"""What an external arm says of one case, on the breast's grid."""

from pathlib import Path

import nibabel
import numpy as np

from radparity.batch_job import case_job
from radparity.external import cut, on_section, read_map
from radparity.external_place import misplaced, settle_place
from radparity.image import load, save, spacing
from radparity.record import DataFault, read


def judged_section(run):
    """The section the readers agreed on, or the sheet's; None where neither names one."""
    records = [read(path) for path in run.inputs("outline")]
    if records and records[0]["status"] != "ok":
        raise DataFault(records[0]["code"], records[0]["sentence"])
    return records[0]["section"] if records else run.params["section"]


def checked_place(run, section_map, section):
    """The map beside the exam's uptake and the readers' outlines."""
    channels, affine = load(run.input.channels)
    outlines = load(run.inputs("outlines")[0], np.uint8)[0][0] > 0
    names, component = read(run.input.record)["channels"], run.params["arm"]["component"] or run.params["component"]
    absolute = run.params["arm"]["absolute"]
    judged = section_map if absolute is None else cut(section_map, absolute, component)
    suspects = misplaced(judged, outlines, np.moveaxis(channels, -1, 0), names, section, spacing(affine), component)
    return settle_place(suspects, run.params["accepted"])


def work(run):
    given, arm = run.params["given"], run.params["arm"]
    if given["seen"]:
        raise DataFault("external_seen", "the arm was trained on this case or on another of its patient")
    if given["file"] is None:
        raise DataFault("external_missing", "the arm's sheet has no row of this case. Add one")
    native, grid = nibabel.load(run.input.phases), nibabel.load(run.input.channels)
    values = read_map(Path(snakemake.config["raw"], given["file"]), native.shape[:3], native.affine)
    section = judged_section(run)
    sections = range(grid.shape[0]) if section is None else [section]
    maps = [on_section(values, native.affine, grid.affine, grid.shape[:3], each) for each in sections]
    flagged = checked_place(run, maps[0], section) if run.inputs("outlines") else {}
    if arm["absolute"] is not None:
        component = arm["component"] or run.params["component"]
        maps = [cut(each, arm["absolute"], component) for each in maps]
    shifted = np.array(grid.affine)
    shifted[:3, 3] += grid.affine[:3, 0] * sections[0]
    save(run.output["probability"], np.stack(maps), shifted)
    save(run.output["disagreement"], np.zeros_like(np.stack(maps)), shifted)
    chosen_by = "readers" if run.inputs("outline") else "sheet"
    return {"section": section, "first_section": sections[0], "chosen_by": chosen_by, "networks": 0, **flagged}


case_job(snakemake, "predict", work)
