"""The weights of an arm as a bundle holds them: without the names of the breasts that they were trained on."""

from pathlib import Path

from radparity.bundle.strip import stripped, stripped_mask
from radparity.job import job

with job(snakemake) as run:
    for path, made in zip(run.inputs("weights"), run.outputs["weights"], strict=True):
        made.write_bytes(stripped(Path(path)))
    given = [Path(snakemake.config["raw"], run.params["given"])] if run.params["given"] else run.inputs("mask")
    for path, made in zip(given, run.outputs.get("mask", []), strict=True):
        made.write_bytes(stripped_mask(Path(path)))
