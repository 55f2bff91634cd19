"""The run described as a Provenance Run Crate: code, environment, inputs, parameters and duration of every file."""

from pathlib import Path

from radparity.citations import of_sources, shipped
from radparity.code import environment
from radparity.crate.build import build
from radparity.crate.package import dump
from radparity.job import job
from radparity.provenance import Ledger

with job(snakemake) as run:
    about, environments = run.params["about"], Path("envs").glob("*.yaml")
    crate = build(
        Ledger(),
        about,
        list(snakemake.input),
        {environment(path): path.as_posix() for path in sorted(environments)},
        [*shipped(about["exams"], about["raw"]), *of_sources(about["sources"])],
        run.params["level"],
    )
    run.output["crate"].write_text(dump(crate), encoding="utf-8")
    run.progress(f"{len(crate['@graph'])} entities, {run.params['level']}")
