"""The report of a study that is not finished, from whatever stands under results/ now."""

import os
import shutil
from pathlib import Path

from radparity.job import job, temporary
from radparity.kinds import open_study
from radparity.report.interim import read_interim
from radparity.report.site import build

FOLDER = Path("results/report/interim")

with job(snakemake) as run:
    made = build(read_interim(open_study(snakemake.config)), Path(run.params["templates"]))
    (FOLDER / "assets").mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        path = FOLDER / name
        temporary(path).write_text(text, encoding="utf-8")
        os.replace(temporary(path), path)
    for asset in run.params["assets"]:
        shutil.copy(asset, FOLDER / "assets")
    run.progress(f"{FOLDER / 'index.html'}")
