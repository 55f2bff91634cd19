"""How many cases a study needs: studies drawn from the pilot, judged by the primary rule."""

from pathlib import Path

from radparity.compare.inputs import read_cases
from radparity.job import job
from radparity.ledger import dump
from radparity.power.picture import power_picture
from radparity.power.pilot import of_cases, of_table
from radparity.power.study import Settings, power_table
from radparity.power.verdict import power_verdict

with job(snakemake) as run:
    wanted, compare = run.params["power"], run.params["compare"]
    if wanted["pilot"] == "tuning":
        files = zip(run.inputs("segments"), run.inputs("masks"), run.inputs("outline_records"), run.inputs("outlines"))
        cases = read_cases(files, run.params["readers"]["test"], run.params["patients"])
        pilot = of_cases(cases, compare["reference"], compare["empty_reference"])
    else:
        pilot = of_table(Path(run.input.pilot))
    settings = Settings(
        true_difference=wanted["true_difference"],
        studies=wanted["studies"],
        power=wanted["power"],
        margin=compare["margin"],
        alpha=compare["alpha"],
        draws=compare["bootstrap"],
        minimum_cases=compare["minimum_cases"],
        seed=run.params["seed"],
    )
    table = power_table(pilot, wanted["cases"], settings)
    verdict = power_verdict(table, pilot, wanted["pilot"], settings)
    for sentence in verdict["sentences"]:
        run.progress(sentence)
    table.to_csv(run.output["table"], sep="\t", index=False, float_format="%.10g")
    run.output["verdict"].write_text(dump(verdict))
    power_picture(table, verdict, run.output["png"], run.output["svg"])
