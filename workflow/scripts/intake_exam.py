"""Intake of one exam: series roles, phases with times, faults."""

from pathlib import Path

from radparity.batch_job import case_job
from radparity.download.note import check_whole
from radparity.intake.exam import intake_exam
from radparity.intake.nifti_exam import intake_nifti
from radparity.intake.source import exam_files


def work(run):
    raw = Path(snakemake.config["raw"])
    check_whole(raw, run.params["folder"])
    files = exam_files(raw, run.params["folder"])
    if run.params["times"]:
        return intake_nifti(files, raw / run.params["times"], run.wildcards["exam"], run.params["side"])
    roles = {int(series): role for series, role in run.params["roles"].items()}
    return intake_exam(files, run.params["side"], roles, run.params["one_patient"])


case_job(snakemake, "intake", work)
