"""External test beside the internal one, and how the cohorts differ: tables, and what their columns mean."""

from dataclasses import replace

import pandas as pd

from radparity.compare.against import against_in_full
from radparity.compare.against_columns import COLUMNS as AGAINST
from radparity.compare.full import COLUMNS as COMPARED
from radparity.compare.full import compare_in_full
from radparity.compare.inputs import read_cases
from radparity.compare.settings import Settings
from radparity.job import job
from radparity.ledger import dump
from radparity.raters import few
from radparity.record import read
from radparity.shift import domains, scores
from radparity.shift.columns import COLUMNS
from radparity.shift.picture import shift_picture

with job(snakemake) as run:
    readers, patients = run.params["readers"], run.params["patients"]
    settings = Settings.of(run.params["compare"], readers, run.params["seed"])
    # Of level 1 - 2 alpha, as the margin test's; of an estimate 1 - alpha, as in its main table.
    alpha = settings.alpha / 2 if few(readers["test"]) else settings.alpha
    chance = {"alpha": alpha, "draws": settings.draws, "seed": settings.seed}
    files = zip(run.inputs("segments"), run.inputs("masks"), run.inputs("outline_records"), run.inputs("outlines"))
    inside = read_cases(files, readers["test"], patients)
    # Of all its tables the cases alone are used, and they do not depend on the draws.
    compare, words = (against_in_full, AGAINST) if few(readers["test"]) else (compare_in_full, COMPARED)
    tables = {"internal": compare(inside, replace(settings, draws=100))["cases"]}
    text = {"case": str, "patient": str}
    external = pd.read_csv(run.input.cases, sep="\t", dtype=text, keep_default_na=False, na_values=[""])
    both = scores.both_tests(external, tables["internal"])
    facts = domains.case_table([read(path) for path in run.inputs("records")], patients, set(run.params["tested"]))
    scanners = dict(zip(facts["case"], facts["scanner"], strict=True))
    groups = {name: dict(values) for name, values in run.params["groups"].items()}
    # Where the sheet names no scanner, the header's.
    groups["scanner"] = {case: value or scanners.get(case, "not stated") for case, value in groups["scanner"].items()}
    tables["groups"] = scores.group_table(both, groups, **chance)
    tables["drop"] = scores.drop_table(both, **chance)
    tables["facts"] = domains.fact_table(facts)
    tables["separable"] = domains.separable_table(facts, **chance)
    for name, table in tables.items():
        table.to_csv(run.output[name], sep="\t", index=False, float_format="%.10g")
    run.output["columns"].write_text(dump({"internal": words["cases"]} | COLUMNS))
    shift_picture(facts, run.output["picture"])
