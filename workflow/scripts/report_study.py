"""The report's pages, the flow of cases as tables, and the numbers of its verdict."""

import shutil
from dataclasses import replace
from pathlib import Path

from radparity.job import digest_of, job, temporary
from radparity.report.headline import headline
from radparity.report.results import read_results
from radparity.report.site import build
from radparity.root import root

FOLDER = Path("results/report")

with job(snakemake) as run:
    files = {name: run.inputs(name) for name in (*snakemake.input.keys(), *run.params["files"])}
    about = (run.params[name] for name in ("breasts", "pilot", "release", "decided", "left_out", "sources"))
    results = read_results(files, run.params["config"], *about)
    results = replace(results, root=root({path: digest_of(Path(path)) for path in run.input}))
    made = build(results, Path(run.inputs("templates")[0]).parent) | {"headline.tsv": headline(results)}
    for path in run.final:
        temporary(path).write_text(made[path.relative_to(FOLDER).as_posix()], encoding="utf-8")
    shutil.rmtree(FOLDER / "interim", ignore_errors=True)  # there is a better one now
