"""Every result against its recorded digest, and searched for what identifies the patients of the source."""

from pathlib import Path

from radparity.audit import audit_study
from radparity.job import job
from radparity.kinds import open_whole
from radparity.ledger import dump

with job(snakemake) as run:
    study = open_whole(snakemake.config)
    found = audit_study(Path("results"), study, run.params["raw"], run.threads, run.params["allow"])
    run.output["audit"].write_text(dump(found), encoding="utf-8")
    leaks = sum(found["deidentification"]["leaks"].values())
    run.progress(
        f"{found['verdict']}: {found['files']} files, {found['inputs']} inputs, {len(found['faults'])} faults,"
        f" {leaks} identifiers of the source; {found['not_kept']} files not kept"
    )
