"""A rater of a study of masks, in the network's place, against the readers: tables, and the look that this was."""

import hashlib
from pathlib import Path

from radparity.compare.full import COLUMNS, compare_in_full
from radparity.compare.settings import Settings
from radparity.job import job
from radparity.ledger import dump
from radparity.masks.read import stored
from radparity.plan import Look, add_look, commit, now, standing
from radparity.report.results import read_table

with job(snakemake) as run:
    readers, arm, folder = run.params["readers"], run.wildcards["arm"], Path(run.params["folder"])
    table = read_table(run.input.cases)
    cases = stored(Path(run.input.masks), table, run.params["raters"], readers["test"], arm)
    role = standing(folder, arm, arm, run.params["planned"])["role"]
    settings = Settings.of(run.params["compare"], readers, run.params["seed"], role=role)
    tables = compare_in_full(cases, settings, run.params["groups"])
    if cases:
        scores = hashlib.sha256(tables["scores"].to_csv(float_format="%.10g").encode()).hexdigest()
        add_look(folder, Look(now(), commit(), arm, len(cases), run.params["locked"] or "", scores))
    for name in COLUMNS:
        tables[name].to_csv(run.output[name], sep="\t", index=False, float_format="%.10g")
    run.output["columns"].write_text(dump(COLUMNS))
    run.output["plan"].write_text(dump(standing(folder, arm, arm, run.params["planned"])))
