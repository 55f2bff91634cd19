"""The study's plan, locked."""

from pathlib import Path

from radparity.job import job
from radparity.plan import commit, lock, now

with job(snakemake) as run:
    plan = lock(Path(run.params["folder"]), run.params["content"], now(), commit())
    run.progress(
        f"locked on {plan.locked}, digest {plan.digest[:12]}, {plan.looks_before} looks at the test set before"
    )
