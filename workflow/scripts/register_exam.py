"""Registration of one exam's phases onto the first post-contrast one."""

import numpy as np

from radparity.image import load, save
from radparity.job import case_job
from radparity.register import STRIDE, Settings, register_exam


def work(run):
    phases, affine = load(run.input.phases)
    chosen = run.params["register"]
    settings = Settings(**chosen | {"iterations": tuple(chosen["iterations"])})
    registered, fields, facts = register_exam(phases, affine, settings, run.progress)
    save(run.output["registered"], registered, affine)
    save(run.output["fields"], fields, affine @ np.diag([1.0, STRIDE, STRIDE, 1.0]))
    return facts


case_job(snakemake, "register", snakemake.wildcards.exam, work)
