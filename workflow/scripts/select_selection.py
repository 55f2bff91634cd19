"""The arms of the selection against one another: ranking, tests, picture, verdict."""

from pathlib import Path

from radparity.job import job
from radparity.ledger import dump
from radparity.record import read
from radparity.select.columns import COLUMNS
from radparity.select.picture import selection_picture
from radparity.select.tables import Settings, selection_table, selection_tests
from radparity.select.trial import Trial, read_scores
from radparity.select.verdict import selection_verdict

with job(snakemake) as run:
    arms, compare, reference = run.params["arms"], run.params["compare"], run.params["reference"]
    scores = {Path(path).parent.name: read_scores(path) for path in run.inputs("scores")}
    sizes = {Path(path).parts[-3]: read(path).get("parameters", "") for path in run.inputs("training")}
    trials = [Trial(name, [scores[training] for training in arm["trainings"]]) for name, arm in arms.items()]
    facts = {name: arm | {"parameters": sizes.get(name, "")} for name, arm in arms.items()}
    settings = Settings(compare["alpha"], compare["bootstrap"], run.params["seed"])
    table = selection_table(trials, facts, settings)
    tests = selection_tests(trials, reference, settings)
    said = selection_verdict(table, tests, reference, run.params["primary"], compare["alpha"], compare["minimum_cases"])
    table.to_csv(run.output["table"], sep="\t", index=False, float_format="%.10g")
    tests.to_csv(run.output["tests"], sep="\t", index=False, float_format="%.10g")
    run.output["picture"].write_bytes(selection_picture(table, trials, reference))
    columns = {name: COLUMNS[name] for name in ("selection", "selection_tests")}
    run.output["verdict"].write_text(dump({"verdict": said, "reference": reference, "columns": columns}))
