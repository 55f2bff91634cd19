"""One arm against the readers on the test cases: tables."""

import numpy as np
import pandas as pd

from radparity.compare.study import COLUMNS, Case, Settings, compare
from radparity.image import load
from radparity.job import job
from radparity.ledger import dump
from radparity.record import read

with job(snakemake) as run:
    chosen, readers = run.params["compare"], run.params["readers"]
    cases = []
    rows = zip(run.inputs("segments"), run.inputs("masks"), run.inputs("outline_records"), run.inputs("outlines"))
    for segment, mask, outline_record, outline in rows:
        record, drawn = read(segment), read(outline_record)
        if record["status"] != "ok" or drawn["status"] != "ok":
            continue
        masks = load(outline, np.uint8)[0][0] > 0
        own = {reader: masks[..., drawn["raters"].index(reader)] for reader in readers["test"]}
        network = load(mask, np.uint8)[0][0] > 0
        cases.append(Case(record["case"], run.params["patients"][record["case"]], network, own))
    settings = Settings(
        rule=chosen["reference"],
        empty=chosen["empty_reference"],
        margin=chosen["margin"],
        alpha=chosen["alpha"],
        draws=chosen["bootstrap"],
        seed=run.params["seed"],
        anonymous=readers["anonymous"],
        minimum_cases=chosen["minimum_cases"],
    )
    # Without a case the tables have their headers and no row; the report says where each case left the study.
    empty = {name: pd.DataFrame(columns=list(columns)) for name, columns in COLUMNS.items()}
    tables = compare(cases, settings) if cases else empty
    for name, table in tables.items():
        table.to_csv(run.output[name], sep="\t", index=False, float_format="%.10g")
    run.output["columns"].write_text(dump(COLUMNS))
