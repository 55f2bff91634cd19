"""All raters' outlines of one case on its breast's grid."""

from pathlib import Path

import nibabel

from radparity.image import save
from radparity.job import case_job
from radparity.outline import outline_case


def work(run):
    native, grid = nibabel.load(run.input.phases), nibabel.load(run.input.channels)
    files = {rater: Path(snakemake.config["raw"], path) for rater, path in run.params["files"].items()}
    outlines, affine, facts = outline_case(files, native.shape[:3], native.affine, grid.shape[:3], grid.affine)
    save(run.output["outlines"], outlines, affine)
    return facts


case_job(snakemake, "outline", snakemake.wildcards.breast, work)
