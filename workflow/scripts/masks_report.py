"""The page of a study of masks, and where each of its cases ended as a table."""

from pathlib import Path

from radparity.job import digest_of, job
from radparity.report.masks_page import build
from radparity.root import root

with job(snakemake) as run:
    files = {name: run.inputs(name) for name in ("cases", "among", "compare", "plans", "figures")}
    template, made_from = Path(run.input.template), root({path: digest_of(Path(path)) for path in run.input})
    about = run.params["config"], run.params["unused"]
    page, flow = build(files, *about, template, made_from, run.params["data"])
    run.output["page"].write_text(page, encoding="utf-8")
    run.output["flow"].write_text(flow, encoding="utf-8")
