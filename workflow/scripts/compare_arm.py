"""One arm against the readers, or the one reference, on the test cases: tables, and the look that this was."""

import hashlib
from pathlib import Path

from radparity.compare.against import against_in_full
from radparity.compare.against_columns import COLUMNS as AGAINST
from radparity.compare.full import COLUMNS, compare_in_full
from radparity.compare.inputs import read_cases
from radparity.compare.outliers import read_facts
from radparity.compare.settings import Settings
from radparity.job import job
from radparity.ledger import dump
from radparity.plan import Look, add_look, commit, now, standing
from radparity.raters import few

with job(snakemake) as run:
    readers = run.params["readers"]
    files = zip(run.inputs("segments"), run.inputs("masks"), run.inputs("outline_records"), run.inputs("outlines"))
    cases = read_cases(files, readers["test"], run.params["patients"])
    arm, folder, plan = run.wildcards["arm"], Path(run.params["folder"]), [run.params["primary"], run.params["planned"]]
    settings = Settings.of(
        run.params["compare"],
        readers,
        run.params["seed"],
        role=standing(folder, arm, *plan, run.params["pilot"])["role"],
        location_given=run.params["location_given"],
    )
    # Without a case the tables have their headers and no row; the report says where each case left the study.
    compare, columns = (against_in_full, AGAINST) if few(readers["test"]) else (compare_in_full, COLUMNS)
    tables = compare(cases, settings, run.params["groups"], read_facts(run.inputs("segments")))
    if cases and not run.params["pilot"]:  # whose cases are no test cases
        scores = hashlib.sha256(tables["scores"].to_csv(float_format="%.10g").encode()).hexdigest()
        add_look(folder, Look(now(), commit(), arm, len(cases), run.params["locked"] or "", scores))
    for name, table in tables.items():
        table.to_csv(run.output[name], sep="\t", index=False, float_format="%.10g")
    run.output["columns"].write_text(dump(columns))
    run.output["plan"].write_text(dump(standing(folder, arm, *plan, run.params["pilot"])))
