"""The part of one development breast that training needs, in half precision."""

import numpy as np

from radparity.batch_job import case_job
from radparity.image import load, spacing
from radparity.record import read
from radparity.slab import make_slab
from radparity.train.tumour_free import tumour_free

# What the fold's scaling asks of a breast's record.
KEPT = ("channels", "harmonization", "dce_in", "scanner", "t2_reason")


def outlined(run):
    """The first outline that marks anything, and the facts of its record; None and None for a benign breast."""
    files = run.inputs("outlines")
    if not files:
        return None, None
    drawn = load(files[0], np.uint8)[0][0]
    own = next((rater for rater in range(drawn.shape[-1]) if drawn[..., rater].any()), 0)
    return drawn[..., own], read(run.inputs("record")[-1])


def work(run):
    (channels, affine), mask = load(run.input.channels), load(run.input.mask, np.uint8)[0]
    outline, drawn = outlined(run)
    section, free = None, []
    if drawn is not None:
        section = drawn["section"]
        free = tumour_free(drawn, len(mask), spacing(affine)[0], run.params["margin_mm"])
    planes, facts = make_slab(np.moveaxis(channels, -1, 0), mask, outline, section, run.params["sampling"], free)
    np.save(run.output["slab"], planes)
    harmonized = read(run.inputs("record")[0])
    return facts | {key: harmonized[key] for key in KEPT if key in harmonized}


case_job(snakemake, "slab", work)
