"""Download of one exam's series, to where the sheets say that they lie."""

from pathlib import Path

from radparity.batch_job import case_job
from radparity.download.exam import download_exam
from radparity.download.options import Options
from radparity.download.wanted import digest, of_exam


def work(run):
    rows = of_exam(Path(snakemake.config["sheets"]["series"]), run.name)
    if digest(rows) != run.params["announced"]:
        raise RuntimeError("the sheet of series was edited while this call runs. Call Snakemake again")
    options = Options(**(snakemake.config.get("download") or {}))
    return download_exam(Path(snakemake.config["raw"]), rows, options, run.progress)


case_job(snakemake, "download", work)
