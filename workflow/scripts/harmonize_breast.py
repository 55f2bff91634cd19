"""Input channels of one breast, scaled per exam."""

from radparity.harmonize import harmonize_breast
from radparity.image import load, save
from radparity.job import case_job
from radparity.record import read


def work(run):
    phases, affine = load(run.input.registered)
    chosen = run.params["harmonize"]
    channels, grid, facts = harmonize_breast(
        phases,
        affine,
        read(run.input.convert)["times_s"],
        run.params["side"],
        run.wildcards["harmonization"],
        chosen["in_plane"],
        chosen["dce_in"] == "rate",
    )
    save(run.output["channels"], channels, grid)
    return facts


case_job(snakemake, "harmonize", snakemake.wildcards.breast, work)
