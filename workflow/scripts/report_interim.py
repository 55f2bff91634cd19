"""The page of a study that is not finished, from whatever stands under results/ now."""

import os
from pathlib import Path

from radparity.job import job, temporary
from radparity.kinds import open_study
from radparity.report.interim import read_interim
from radparity.report.page import build

FOLDER = Path("results/report")

with job(snakemake) as run:
    made = build(read_interim(open_study(snakemake.config)), Path(run.params["template"]))
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in zip(("interim.html", "interim_flow.tsv", "interim_flow_exams.tsv"), made, strict=True):
        temporary(FOLDER / name).write_text(text, encoding="utf-8")
        os.replace(temporary(FOLDER / name), FOLDER / name)
    run.progress(f"{FOLDER / 'interim.html'}")
