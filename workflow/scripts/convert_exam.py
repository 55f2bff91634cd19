"""Conversion of one exam's phases into one NIfTI volume."""

from pathlib import Path

from radparity.convert import convert_exam
from radparity.intake.source import exam_files
from radparity.job import case_job
from radparity.record import read


def work(run):
    files = exam_files(Path(snakemake.config["raw"]), run.params["folder"])
    return convert_exam(files, read(run.input.intake), run.output["phases"])


case_job(snakemake, "convert", snakemake.wildcards.exam, work)
