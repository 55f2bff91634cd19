"""The readers of a study of masks among themselves: agreement, and each against references made from the others."""

from pathlib import Path

from radparity.job import job
from radparity.ledger import dump
from radparity.masks.among import COLUMNS, among
from radparity.masks.read import stored
from radparity.report.results import read_table

with job(snakemake) as run:
    chosen, readers = run.params["compare"], run.params["readers"]["test"]
    cases = stored(Path(run.input.masks), read_table(run.input.cases), run.params["raters"], readers, "none")
    for name, table in among(cases, chosen["reference"], chosen["empty_reference"], chosen["alpha"]).items():
        table.to_csv(run.output[name], sep="\t", index=False, float_format="%.10g")
    run.output["columns"].write_text(dump(COLUMNS))
