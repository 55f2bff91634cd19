"""The divisors of one fold, from its training patients' records."""

from radparity.fold import divisors, read_partition
from radparity.job import job
from radparity.ledger import dump
from radparity.record import read

with job(snakemake) as run:
    member = read_partition(run.input.folds, run.wildcards["fold"])
    records = [
        r for r in map(read, run.input.records) if r["status"] == "ok" and member[r["case"]]["role"] == "training"
    ]
    found = {"divisors": divisors(records), "breasts": [r["case"] for r in records]}
    run.output["divisors"].write_text(dump(found))
