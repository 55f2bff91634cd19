"""What is measured of one cancer to tell cohorts apart."""

import numpy as np

from radparity.batch_job import case_job
from radparity.image import load
from radparity.record import read
from radparity.shift.facts import acquisition_facts, image_facts


def work(run):
    intake, harmonized = read(run.input.intake), read(run.input.harmonize)
    acquired = acquisition_facts(intake, read(run.input.convert)["times_s"])
    channels, breast = load(run.input.channels)[0], load(run.input.mask, np.uint8)[0] > 0
    return {
        "scanner": harmonized["scanner"],
        **acquired,
        **image_facts(channels, breast, harmonized, acquired["first_s"]),
    }


case_job(snakemake, "shift", work)
