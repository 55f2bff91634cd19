"""One arm against the readers on the test cases: tables."""

import numpy as np

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
    if not cases:
        raise SystemExit("no test case is left to compare; results/report/flow.tsv says where each left the study")
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
    tables = compare(cases, settings)
    for name, table in tables.items():
        table.to_csv(run.output[name], sep="\t", index=False, float_format="%.10g")
    run.output["columns"].write_text(dump(COLUMNS))
