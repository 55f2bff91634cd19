"""The page that a human reads first, and the flow of cases as a table."""

from dataclasses import replace
from pathlib import Path

from radparity.job import digest_of, job
from radparity.report.headline import headline
from radparity.report.page import build
from radparity.report.results import read_results
from radparity.root import root

with job(snakemake) as run:
    files = {name: run.inputs(name) for name in (*snakemake.input.keys(), *run.params["files"])}
    about = (run.params[name] for name in ("breasts", "pilot", "release"))
    results = read_results(files, run.params["config"], *about)
    results = replace(results, root=root({path: digest_of(Path(path)) for path in run.input}))
    page, breasts, exams = build(results, Path(run.input.template))
    run.output["page"].write_text(page, encoding="utf-8")
    run.output["flow"].write_text(breasts, encoding="utf-8")
    run.output["exams"].write_text(exams, encoding="utf-8")
    run.output["headline"].write_text(headline(results), encoding="utf-8")
    for path in Path("results/report").glob("interim*"):  # there is a better one now
        path.unlink()
