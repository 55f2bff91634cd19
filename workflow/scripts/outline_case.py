"""All raters' outlines of one case on its breast's grid."""

from pathlib import Path

import nibabel
import numpy as np

from radparity.batch_job import case_job
from radparity.image import load, save, spacing
from radparity.intake.source import exam_files
from radparity.outline import Phases, Source, outline_case, read_images
from radparity.outline.exam import AXES
from radparity.outline.picture import draw_suspects
from radparity.outline.shifts import format_of, numbered, shift_facts
from radparity.outline.uptake import UPTAKE, check_uptake, settle
from radparity.record import read
from radparity.sheets import Reading
from radparity.sheets import read as read_sheet


def work(run):
    raw = Path(snakemake.config["raw"])
    native, grid = nibabel.load(run.input.phases), nibabel.load(run.input.channels)
    rows = read_sheet(Path(snakemake.config["sheets"]["readings"]), Reading)
    named = {row.rater: (row.image, row.segment, row.rule) for row in rows if row.breast == run.wildcards["breast"]}
    sources = {rater: Source(raw / path, *named[rater]) for rater, path in run.params["outlines"].items()}
    folder = run.params["folder"]
    images = read_images(exam_files(raw, folder), raw) if folder else None
    intake = read(run.input.intake)
    axis = AXES[intake["plane"]]
    phases = Phases(native.dataobj, [phase["time_s"] for phase in intake["phases"]])
    found = outline_case(sources, native.shape[:3], native.affine, grid.shape[:3], grid.affine, axis, images, phases)
    save(run.output["outlines"], found.masks, found.affine)
    channels, affine = load(run.input.channels)
    channels, names = np.moveaxis(channels, -1, 0), read(run.input.record)["channels"]
    section, raters, step = found.facts["section"], found.facts["raters"], spacing(affine)
    findings = check_uptake(channels, names, found.masks[0], raters, section, step)
    uptake = channels[names.index(UPTAKE)]
    draw_suspects(findings, uptake, found.masks[0], raters, section, step, run.output["check"])
    shifts = {
        "contrast": shift_facts(uptake, found.masks[0], raters, section, step),
        "numbered": numbered(intake["phases"][0]["files"], axis == AXES["sagittal"]),
        "formats": {rater: format_of(path) for rater, path in run.params["outlines"].items()},
    }
    return settle(findings, found.facts | {"shifts": shifts}, run.params["accepted"])


case_job(snakemake, "outline", work)
