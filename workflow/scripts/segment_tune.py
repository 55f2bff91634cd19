"""The threshold fraction of one arm, tuned on the tuning cases."""

import numpy as np

from radparity.image import load
from radparity.job import job
from radparity.ledger import dump
from radparity.record import read
from radparity.segment import judged_section, tune_fraction

with job(snakemake) as run:
    settings = run.params["segment"]
    cases, sections, references = [], [], []
    rows = zip(
        run.inputs("predictions"), run.inputs("probabilities"), run.inputs("consensus"), run.inputs("references")
    )
    for prediction, probability, consensus, reference in rows:
        record = read(consensus)
        if read(prediction)["status"] == "ok" and record["status"] == "ok":
            cases.append(record["case"])
            sections.append(judged_section(load(probability)[0], read(prediction)))
            masks = load(reference, np.uint8)[0][0] > 0
            references.append([masks[..., k] for k in range(masks.shape[-1])])
    if settings["fraction"] == "tuned":
        fraction, curve = tune_fraction(sections, references, settings["component"])
    else:
        fraction, curve = settings["fraction"], []
    run.output["fraction"].write_text(dump({"fraction": fraction, "curve": curve, "cases": cases}))
