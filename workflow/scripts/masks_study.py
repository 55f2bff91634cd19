"""All masks of a study of masks: the table of its cases, and the usable masks in one file."""

from pathlib import Path

from radparity.job import job
from radparity.masks.read import read_case, store, table_of
from radparity.record import DataFault

with job(snakemake) as run:
    rows, usable = [], {}
    for name, about in run.params["cases"].items():
        row = {"case": name, "patient": about["patient"], "partition": about["partition"]}
        files = {rater: Path(snakemake.config["raw"], path) for rater, path in about["files"].items()}
        try:
            masks, spacing = read_case(files, about["section"])
            usable[name] = masks
            blank = " ".join(rater for rater, mask in masks.items() if not mask.any())
            about = {"axes": str(next(iter(masks.values())).ndim), "blank": blank}
            rows.append(row | about | {"status": "ok", "spacing_mm": " ".join(f"{step:g}" for step in spacing or ())})
        except DataFault as fault:
            run.progress(f"{name} excluded, {fault.code}: {fault.sentence}")
            rows.append(row | {"status": "excluded", "code": fault.code, "sentence": fault.sentence})
    table_of(rows).to_csv(run.output["cases"], sep="\t", index=False)
    store(run.output["masks"], usable)
