"""What the report's pages load, copied beside them."""

import shutil

from radparity.job import job

with job(snakemake) as run:
    for source, copy in zip(run.inputs("files"), run.outputs["files"], strict=True):
        shutil.copyfile(source, copy)
