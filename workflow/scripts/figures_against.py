"""The figure of one arm in a study with one or two raters, from its tables."""

from radparity.figures.against import draw
from radparity.figures.drawing import Study, by_figure, write
from radparity.job import job
from radparity.report.results import read_table

with job(snakemake) as run:
    tables = [read_table(run.input.get(name)) for name in ("main", "scores", "sizes")]
    drawing = draw(*tables, run.params["readers"], Study.of(run.wildcards["arm"], run.params))
    write(drawing, by_figure(run.outputs["figures"])[drawing.name])
