"""What one fold learns from its training patients' records: divisors, and landmarks of the scanners."""

from radparity.channels import CHANNELS
from radparity.fold import read_partition
from radparity.job import job
from radparity.ledger import dump
from radparity.record import read
from radparity.scaling import learn

with job(snakemake) as run:
    member = read_partition(run.input.folds, run.wildcards["fold"])
    records = [
        r for r in map(read, run.inputs("records")) if r["status"] == "ok" and member[r["case"]]["role"] == "training"
    ]
    run.output["scaling"].write_text(dump(learn(records, CHANNELS, run.params["divisors"]).to_json()))
