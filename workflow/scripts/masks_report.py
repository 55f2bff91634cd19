"""The page of a study of masks, and where each of its cases ended as a table."""

from pathlib import Path

from radparity.job import digest_of, job, temporary
from radparity.report.masks_page import build
from radparity.root import root

with job(snakemake) as run:
    files = {name: run.inputs(name) for name in ("cases", "among", "compare", "plans", "figures")}
    made_from = root({path: digest_of(Path(path)) for path in run.input})
    about = run.params["config"], run.params["unused"]
    made = build(files, *about, Path(run.params["templates"]), made_from, run.params["data"])
    for path in run.final:
        temporary(path).write_text(made[path.name], encoding="utf-8")
