"""One arm on the test cases at other operating points: a table."""

from radparity.compare.inputs import read_cases
from radparity.compare.thresholds import COLUMNS, thresholds
from radparity.image import load
from radparity.job import job
from radparity.ledger import dump
from radparity.record import read
from radparity.segment import judged_section

with job(snakemake) as run:
    compare, readers = run.params["compare"], run.params["readers"]
    files = [run.inputs(name) for name in ("segments", "masks", "outline_records", "outlines")]
    cases = read_cases(zip(*files, strict=True), readers["test"], run.params["patients"])
    kept, sections = {case.case for case in cases}, {}
    for prediction, probability in zip(run.inputs("predictions"), run.inputs("probabilities"), strict=True):
        record = read(prediction)
        if record["case"] in kept:
            sections[record["case"]] = judged_section(load(probability)[0], record)
    tuned = read(run.input.fraction)
    table = thresholds(
        cases,
        sections,
        tuned["fraction"],
        tuned["retuned"],
        run.params["segment"]["component"],
        rule=compare["reference"],
        empty=compare["empty_reference"],
        alpha=compare["alpha"],
        draws=compare["bootstrap"],
        seed=run.params["seed"],
    )
    table.to_csv(run.output["thresholds"], sep="\t", index=False, float_format="%.10g")
    run.output["columns"].write_text(dump({"thresholds": COLUMNS}))
