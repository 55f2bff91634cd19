"""Registration of one exam's phases onto the first post-contrast one."""

import numpy as np

from radparity.batch_job import case_job
from radparity.image import load, save, spacing
from radparity.register import STRIDE, Settings, register_exam
from radparity.register.picture import draw


def work(run):
    phases, affine = load(run.input.phases)
    found = register_exam(phases, affine, Settings.of(run.params["register"]), run.progress)
    save(run.output["registered"], found.phases, affine)
    save(run.output["fields"], found.fields, affine @ np.diag([1.0, STRIDE, STRIDE, 1.0]))
    draw(found.rows, spacing(affine), run.output["picture"])
    return found.facts


case_job(snakemake, "register", work)
