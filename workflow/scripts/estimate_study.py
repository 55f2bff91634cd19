"""What the study will take, as a table."""

from pathlib import Path

from radparity.estimate import Demand, Measured, Training, download_row, job_files, rows, training_rows, write_table
from radparity.job import job

with job(snakemake) as run:
    cases = [Demand(*row) for row in run.params["cases"]]
    trainings = [Training(*row) for row in run.params["trainings"]]
    exams, files, size = run.params["download"]
    table = [download_row(exams, files, size, run.params["megabits_per_second"])] if exams else []
    table += rows(Measured(Path(run.input.measured)), cases)
    table += training_rows(Path(run.input.steps), trainings, run.params["gpu_seconds_a_step"])
    table.append(job_files(run.params["jobs"]))
    write_table(run.output["table"], table)
