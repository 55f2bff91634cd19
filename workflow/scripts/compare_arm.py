"""One arm against the readers on the test cases: tables."""

import pandas as pd

from radparity.compare.inputs import read_cases
from radparity.compare.study import COLUMNS, Settings, compare
from radparity.job import job
from radparity.ledger import dump

with job(snakemake) as run:
    readers = run.params["readers"]
    files = zip(run.inputs("segments"), run.inputs("masks"), run.inputs("outline_records"), run.inputs("outlines"))
    cases = read_cases(files, readers["test"], run.params["patients"])
    settings = Settings.of(run.params["compare"], readers, run.params["seed"], **run.params["arm"])
    # Without a case the tables have their headers and no row; the report says where each case left the study.
    empty = {name: pd.DataFrame(columns=list(columns)) for name, columns in COLUMNS.items()}
    tables = compare(cases, settings) if cases else empty
    for name, table in tables.items():
        table.to_csv(run.output[name], sep="\t", index=False, float_format="%.10g")
    run.output["columns"].write_text(dump(COLUMNS))
