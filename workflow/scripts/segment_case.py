"""The mask of one case with one arm."""

import numpy as np

from radparity.batch_job import case_job
from radparity.image import load, save
from radparity.record import read
from radparity.segment import judged_section, likeliest_section, segment_section


def work(run):
    probability, affine = load(run.input.probability)
    prediction = read(run.input.record)
    if prediction["section"] is None:
        prediction |= {"section": likeliest_section(probability), "chosen_by": "network"}
    section = judged_section(probability, prediction)
    fraction = read(run.input.fraction)["fraction"]
    mask = segment_section(section, fraction, run.params["segment"]["component"])
    here = affine.copy()
    here[:3, 3] += affine[:3, 0] * (prediction["section"] - prediction["first_section"])
    save(run.output["mask"], mask.astype(np.uint8)[None], here)
    facts = {}
    if run.inputs("disagreement") and mask.any():
        spread = judged_section(load(run.inputs("disagreement")[0])[0], prediction)
        facts["disagreement"] = float(spread[mask].mean())
    return facts | {
        "section": prediction["section"],
        "section_chosen_by": prediction["chosen_by"],
        "fraction": fraction,
        "voxels": int(mask.sum()),
        "section_maximum": float(section.max()),
    }


case_job(snakemake, "segment", work)
