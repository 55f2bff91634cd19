"""An arm that is given the location, the primary network and the readers, all inside the readers' box: a table."""

from pathlib import Path

from radparity.compare.columns import LOCATED
from radparity.compare.inputs import read_cases
from radparity.compare.located import compare_located
from radparity.compare.study import Settings
from radparity.image import load, spacing
from radparity.job import job
from radparity.ledger import dump
from radparity.region import readers_box

with job(snakemake) as run:
    readers, patients = run.params["readers"], run.params["patients"]
    drawn = [run.inputs("outline_records"), run.inputs("outlines")]

    def cases_of(segments, masks):
        return read_cases(zip(run.inputs(segments), run.inputs(masks), *drawn), readers["test"], patients)

    networks = {case.case: case.network for case in cases_of("primary_segments", "primary_masks")}
    cases = [case for case in cases_of("segments", "masks") if case.case in networks]
    steps = {Path(path).parent.name: spacing(load(path)[1])[1:] for path in drawn[1] if Path(path).stat().st_size}
    boxes = {case.case: readers_box(case.readers.values(), steps[case.case]) for case in cases}
    settings = Settings.of(run.params["compare"], readers, run.params["seed"])
    table = compare_located(cases, networks, boxes, settings)
    table.to_csv(run.output["located"], sep="\t", index=False, float_format="%.10g")
    run.output["columns"].write_text(dump({"located": LOCATED}))
