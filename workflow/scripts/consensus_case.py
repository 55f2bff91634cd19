"""Leave-one-reader-out references of one case; of one or two raters the reference that is common to all."""

import numpy as np

from radparity.batch_job import case_job
from radparity.consensus import common_reference, leave_one_out
from radparity.image import load, save
from radparity.raters import few
from radparity.record import read


def work(run):
    outlines, affine = load(run.input.outlines, np.uint8)
    raters, readers = read(run.input.record)["raters"], run.params["readers"]
    masks = {reader: outlines[..., raters.index(reader)] > 0 for reader in readers}
    rule = run.params["reference"]
    # Of one or two raters: their outlines, and last the reference that is common to all.
    references = masks | {"reference": common_reference(masks, rule)} if few(readers) else leave_one_out(masks, rule)
    save(run.output["references"], np.stack(list(references.values()), axis=-1).astype(np.uint8), affine)
    return {
        "section": read(run.input.record)["section"],
        "readers": list(readers),
        "voxels": {name: int(mask.sum()) for name, mask in references.items()},
    }


case_job(snakemake, "consensus", work)
