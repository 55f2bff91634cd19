"""The estimate, for the person at the terminal."""

import shutil
from pathlib import Path

from radparity.estimate_text import text
from radparity.job import job

with job(snakemake) as run:
    run.progress("\n\n" + text(Path(run.input.table), shutil.disk_usage("results").free / 1e9) + "\n")
