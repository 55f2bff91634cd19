"""Breast mask of one breast on its grid."""

from pathlib import Path

import numpy as np

from radparity.batch_job import case_job
from radparity.grid import GridRules, breast_grid
from radparity.image import load, save, spacing
from radparity.register import TARGET


def find(run, image, step):
    """The mask by the method that the study asks for."""
    if run.params["method"] == "classical":
        from radparity.mask.classical import breast_mask

        return breast_mask(image, step, run.params["fat"])
    from radparity.mask.network import breast_mask
    from radparity.train.mask_weights import load as load_weights

    given = run.params["weights"]
    network, _ = load_weights(Path(snakemake.config["raw"], given) if given else Path(run.input.weights))
    return breast_mask(network, image, step, threads=run.threads)


def work(run):
    phases, affine = load(run.input.registered)
    image = phases[..., TARGET].copy()
    del phases
    grid = breast_grid(image, affine, run.params["side"], GridRules(**run.params["grid"]))
    mask, facts = find(run, grid.cut(image), spacing(grid.native))
    placed = grid.resample(mask.astype(np.float32)) > 0.5
    save(run.output["mask"], placed.astype(np.uint8), grid.affine)
    return facts


case_job(snakemake, "mask", work)
