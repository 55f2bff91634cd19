"""What was learned from the development breasts, once all of it is there."""

from pathlib import Path

from radparity.job import digest_of, job
from radparity.ledger import dump

with job(snakemake) as run:
    learned = {path: digest_of(Path(path)) for path in run.input}
    run.output["learned"].write_text(dump({"learned": learned}), encoding="utf-8")
