"""Whether outlines lie some sections off throughout the study: the table, and what its columns mean."""

from pathlib import Path

from radparity.job import job
from radparity.ledger import dump
from radparity.outline.study_shifts import COLUMNS, study_shifts
from radparity.record import read

with job(snakemake) as run:
    records = {Path(path).parent.name: read(path) for path in run.inputs("records")}
    facts = {breast: record["shifts"] for breast, record in records.items() if "shifts" in record}
    table = study_shifts(facts, run.params["patients"])
    table.to_csv(run.output["table"], sep="\t", index=False, float_format="%.10g")
    run.output["columns"].write_text(dump({"shifts": COLUMNS}))
