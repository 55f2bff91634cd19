"""Breast mask of one breast on its grid."""

import numpy as np

from radparity.grid import cut_breast, resample_in_plane
from radparity.image import load, save, spacing
from radparity.job import case_job
from radparity.mask import breast_mask
from radparity.register import TARGET


def work(run):
    phases, affine = load(run.input.registered)
    image, native = cut_breast(phases[..., TARGET], affine, run.params["side"])
    mask, facts = breast_mask(image, spacing(native))
    fine, grid = resample_in_plane(mask.astype(np.uint8), native, run.params["harmonize"]["in_plane"], order=0)
    save(run.output["mask"], fine, grid)
    return facts


case_job(snakemake, "mask", snakemake.wildcards.breast, work)
