"""The mask of one case with one arm."""

import numpy as np

from radparity.image import load, save
from radparity.job import case_job
from radparity.record import read
from radparity.segment import likeliest_section, segment_section


def work(run):
    probability, affine = load(run.input.probability)
    section = read(run.input.record)["section"]
    chosen_by = "readers"
    if section is None:
        section, chosen_by = likeliest_section(probability), "network"
    fraction = read(run.input.fraction)["fraction"]
    mask = segment_section(probability[section], fraction, run.params["segment"]["component"])
    here = affine.copy()
    here[:3, 3] = affine[:3, 3] + affine[:3, 0] * section
    save(run.output["mask"], mask.astype(np.uint8)[None], here)
    return {
        "section": section,
        "section_chosen_by": chosen_by,
        "fraction": fraction,
        "voxels": int(mask.sum()),
        "section_maximum": float(probability[section].max()),
    }


case_job(snakemake, "segment", snakemake.wildcards.breast, work)
