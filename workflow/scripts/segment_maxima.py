"""The section maximum of every test case with one arm, and of benign breasts where it has networks of ours."""

import numpy as np

from radparity.image import load, spacing
from radparity.job import job
from radparity.ledger import dump
from radparity.maxima import MAXIMA, benign_rows, case_row, table
from radparity.record import read

with job(snakemake) as run:
    patients, rows = run.params["patients"], []
    for path, prediction, mask in zip(*map(run.inputs, ("segments", "predictions", "masks")), strict=True):
        segment = read(path)
        steps = spacing(load(mask, np.uint8)[1])[1:] if segment["status"] == "ok" else None
        rows.append(case_row(segment, read(prediction), patients[segment["case"]], steps))
    fraction, component = read(run.input.fraction)["fraction"], run.params["segment"]["component"]
    for record, archive in zip(run.inputs("benign"), run.inputs("benign_maps"), strict=True):
        with np.load(archive) as maps:
            rows += benign_rows(read(record), maps, patients, fraction, component)
    table(rows).to_csv(run.output["maxima"], sep="\t", index=False, float_format="%.10g")
    run.output["columns"].write_text(dump({"maxima": MAXIMA}))
