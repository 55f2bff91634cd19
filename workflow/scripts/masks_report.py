"""The page of a study of masks, and where each of its cases ended as a table."""

from pathlib import Path

from radparity.job import job
from radparity.report.masks_page import build

with job(snakemake) as run:
    files = {name: run.inputs(name) for name in ("cases", "among", "compare", "plans", "figures")}
    page, flow = build(files, run.params["config"], run.params["unused"], Path(run.input.template))
    run.output["page"].write_text(page, encoding="utf-8")
    run.output["flow"].write_text(flow, encoding="utf-8")
