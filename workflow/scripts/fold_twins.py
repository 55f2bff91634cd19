"""Whether two patients have the same pixels. Fails where they do; two exams of one patient are only noted."""

from radparity.job import job
from radparity.ledger import dump
from radparity.record import read
from radparity.twins import check_twins, find_twins

with job(snakemake) as run:
    records = [read(path) for path in run.inputs("records")]
    pixels = {record["case"]: record["pixels"] for record in records if record["status"] == "ok"}
    twins = find_twins(pixels, run.params["patients"])
    check_twins(twins, run.params["patients"])
    run.output["twins"].write_text(dump({"exams": len(pixels), "identical_pixels": twins}))
