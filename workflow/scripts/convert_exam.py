"""Conversion of one exam's phases into one NIfTI volume, and of its T2-weighted series into another."""

from pathlib import Path

from radparity.batch_job import case_job
from radparity.convert import convert_exam, convert_t2
from radparity.download.note import check_whole
from radparity.intake.source import exam_files
from radparity.record import read


def work(run):
    raw = Path(snakemake.config["raw"])
    check_whole(raw, run.params["folder"])
    files = exam_files(raw, run.params["folder"])
    intake = read(run.input.intake)
    facts = convert_exam(files, intake, run.output["phases"])
    return facts | convert_t2(files, intake, run.output["t2"])


case_job(snakemake, "convert", work)
