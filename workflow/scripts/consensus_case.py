"""Leave-one-reader-out references of one case."""

import numpy as np

from radparity.batch_job import case_job
from radparity.consensus import leave_one_out
from radparity.image import load, save
from radparity.record import read


def work(run):
    outlines, affine = load(run.input.outlines, np.uint8)
    raters, readers = read(run.input.record)["raters"], run.params["readers"]
    masks = {reader: outlines[..., raters.index(reader)] > 0 for reader in readers}
    references = leave_one_out(masks, run.params["reference"])
    save(run.output["references"], np.stack([references[r] for r in readers], axis=-1).astype(np.uint8), affine)
    return {
        "section": read(run.input.record)["section"],
        "readers": list(readers),
        "voxels": {reader: int(references[reader].sum()) for reader in readers},
    }


case_job(snakemake, "consensus", work)
