"""The threshold fraction of one arm, tuned on the tuning cases, with its curve and how firmly it is chosen."""

import numpy as np

from radparity.consensus import references_by_rule
from radparity.image import load
from radparity.job import job
from radparity.ledger import dump
from radparity.record import read
from radparity.segment import judged_section
from radparity.threshold import CURVE, TuningCase, fixed, tune

with job(snakemake) as run:
    settings, rule = run.params["segment"], run.params["reference"]
    cases = []
    files = ("predictions", "probabilities", "consensus_records", "references", "outline_records", "outlines")
    for prediction, probability, consensus, reference, outlined, outlines in zip(*map(run.inputs, files), strict=True):
        record = read(consensus)
        if read(prediction)["status"] != "ok" or record["status"] != "ok":
            continue
        drawn, raters = load(outlines, np.uint8)[0][0] > 0, read(outlined)["raters"]
        masks = {reader: drawn[..., raters.index(reader)] for reader in record["readers"]}
        made = list(np.moveaxis(load(reference, np.uint8)[0][0] > 0, -1, 0))
        references = references_by_rule(masks, rule, made)
        section = judged_section(load(probability)[0], read(prediction))
        cases.append(TuningCase(record["case"], run.params["patients"][record["case"]], section, references))
    if settings["fraction"] == "tuned":
        facts, curve = tune(cases, rule, settings["component"], draws=run.params["bootstrap"], seed=run.params["seed"])
    else:
        facts, curve = fixed(settings["fraction"], cases)
    run.output["fraction"].write_text(dump(facts))
    curve.to_csv(run.output["curve"], sep="\t", index=False, float_format="%.10g")
    run.output["columns"].write_text(dump({"curve": CURVE}))
