"""Let go of the large files of one batch that nothing reads any more."""

from radparity.job import job
from radparity.keep import STAYS, drop_batch
from radparity.ledger import dump

with job(snakemake) as run:
    lists = {stage: run.inputs(stage) for stage in STAYS}
    gone, freed = drop_batch(lists, run.params["tier"], run.params["development"])
    run.output["batch"].write_text(dump({"tier": run.params["tier"], "not_kept": gone}), encoding="utf-8")
    run.progress(f"{len(gone)} files are not kept, {freed / 1e9:.2f} GB freed")
