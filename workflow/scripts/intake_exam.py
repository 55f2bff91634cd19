"""Intake of one exam: series roles, phases with times, faults."""

from pathlib import Path

from radparity.intake.exam import intake_exam
from radparity.job import case_job


def work(run):
    return intake_exam(Path(snakemake.config["raw"], run.params["folder"]))


case_job(snakemake, "intake", snakemake.wildcards.exam, work)
