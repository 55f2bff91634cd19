"""dataset.json and splits_final.json of one export."""

from collections import Counter

from radparity.channels import DEFAULT_CHANNELS
from radparity.fold import read_partition
from radparity.job import job
from radparity.ledger import dump
from radparity.nnunet.dataset import dataset_json, splits
from radparity.record import read

with job(snakemake) as run:
    records = [read(path) for path in run.inputs("records")]
    cases = [record["case"] for record in records if record["status"] == "ok"]
    left_out = {record["case"]: record["code"] for record in records if record["status"] != "ok"}
    run.output["dataset"].write_text(dump(dataset_json(cases, DEFAULT_CHANNELS)))
    folds = [splits(read_partition(run.input.folds, fold), cases) for fold in run.params["folds"]]
    run.output["splits"].write_text(dump(folds))
    counted = dict(sorted(Counter(left_out.values()).items()))
    run.output["record"].write_text(dump({"cases": len(cases), "left_out": left_out, "left_out_by_code": counted}))
