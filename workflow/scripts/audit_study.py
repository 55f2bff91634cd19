"""Every result against its recorded digest."""

from pathlib import Path

from radparity.audit import audit
from radparity.job import job
from radparity.ledger import dump

with job(snakemake) as run:
    found = audit(Path("results"), run.params["raw"], run.threads)
    run.output["audit"].write_text(dump(found))
    run.progress(f"{found['verdict']}: {found['files']} files, {found['inputs']} inputs, {len(found['faults'])} faults")
