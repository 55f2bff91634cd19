"""Input channels of one breast, scaled per exam."""

from radparity.batch_job import case_job
from radparity.grid import GridRules
from radparity.harmonize import Settings, harmonize_breast
from radparity.image import load, save
from radparity.record import read
from radparity.scaling import scanner_name


def work(run):
    converted = read(run.input.convert)
    phases, affine = load(run.input.registered)
    chosen = run.params["harmonize"]
    settings = Settings(
        GridRules(chosen["in_plane"], chosen["section_mm"]),
        chosen["dce_in"],
        chosen["assumed_interval_s"] if chosen["times_unknown"] == "assume" else None,
    )
    channels, grid, facts = harmonize_breast(
        phases,
        affine,
        converted["times_s"],
        run.params["side"],
        scanner_name(read(run.input.intake)),
        run.wildcards["harmonization"],
        settings,
        load(run.input.t2) if converted["t2"] else None,
        converted["t2_reason"],
    )
    save(run.output["channels"], channels, grid)
    return facts


case_job(snakemake, "harmonize", work)
