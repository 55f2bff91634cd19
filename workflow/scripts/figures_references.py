"""Dice of one arm and of the readers on references made in other ways: a table."""

from radparity.compare.inputs import read_cases
from radparity.figures.references import COLUMNS, rules, scores_by_rule
from radparity.job import job
from radparity.ledger import dump

with job(snakemake) as run:
    names = ("segments", "masks", "outline_records", "outlines")
    cases = read_cases(zip(*map(run.inputs, names)), run.params["readers"]["test"], run.params["patients"])
    compare = run.params["compare"]
    table = scores_by_rule(cases, rules(compare["reference"]), compare["empty_reference"])
    table.to_csv(run.output["references"], sep="\t", index=False, float_format="%.10g")
    run.output["columns"].write_text(dump({"reference_scores": COLUMNS}))
