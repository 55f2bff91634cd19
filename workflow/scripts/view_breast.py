"""What a case's page shows of its images without the network."""

import numpy as np

from radparity.batch_job import case_job
from radparity.grid import GridRules, breast_grid
from radparity.image import load
from radparity.page.thumbnail import thumbnail
from radparity.page.view import plane_of, shown_section, view_of
from radparity.record import read
from radparity.register import TARGET


def work(run):
    registered, affine = load(run.input.registered)
    rules = GridRules(**run.params["grid"])
    grid = breast_grid(registered[..., TARGET], affine, run.params["side"], rules)
    breast = load(run.input.mask, np.uint8)[0] > 0
    drawn = next((read(path) for path in run.inputs("outline")), None)
    section, chosen_by = shown_section(drawn, run.params["section"], grid.shape[0])
    names, t2 = read(run.input.harmonize)["channels"], None
    if "t2" in names:
        t2 = load(run.input.channels)[0][..., names.index("t2")]
    view = view_of(registered, grid, breast, t2, section)
    view.write(run.output["view"])
    readers = {}
    if drawn and drawn["status"] == "ok":
        planes = load(run.inputs("outlines")[0], np.uint8)[0][0] > 0
        readers = {rater: planes[..., position] for position, rater in enumerate(drawn["raters"])}
    acquired = plane_of(grid.cut(load(run.input.phases)[0][..., 0]), grid.shape[0], section)
    before, after = view.phases[..., 0], view.phases[..., TARGET]
    strip = thumbnail(acquired, before, after, view.breast, readers, view.spacing_mm[1:])
    run.output["thumbnail"].write_bytes(strip)
    return {"section": section, "section_chosen_by": chosen_by, "sections": grid.shape[0]}


case_job(snakemake, "view", work)
