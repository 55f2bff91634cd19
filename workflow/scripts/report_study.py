"""The page that a human reads first, and the flow of cases as a table."""

from pathlib import Path

from radparity.job import job
from radparity.report.page import build
from radparity.report.results import read_results

with job(snakemake) as run:
    files = {name: run.inputs(name) for name in (*snakemake.input.keys(), *run.params["files"])}
    results = read_results(files, run.params["config"], run.params["breasts"], run.params["pilot"])
    page, breasts, exams = build(results, Path(run.input.template))
    run.output["page"].write_text(page, encoding="utf-8")
    run.output["flow"].write_text(breasts, encoding="utf-8")
    run.output["exams"].write_text(exams, encoding="utf-8")
    for path in Path("results/report").glob("interim*"):  # there is a better one now
        path.unlink()
