"""Figures 5A, 5B, E6A, E6B, E7 and E8 of one arm, from its tables."""

import pandas as pd

from radparity.figures import correlation, dice, differences, references, subgroups, threshold
from radparity.figures.drawing import Study, by_figure, write
from radparity.job import job
from radparity.record import read
from radparity.report.results import read_table

with job(snakemake) as run:
    study = Study.of(run.wildcards["arm"], run.params)
    cases, scores, main, equivalence, curve, by_rule = (
        read_table(run.input.get(name)) for name in ("cases", "scores", "main", "equivalence", "curve", "references")
    )
    groups = [read_table(path) for path in run.inputs("subgroups")]
    drawings = [
        dice.draw(cases, scores, study),
        differences.draw(cases, scores, main, equivalence, study),
        threshold.draw(curve, read(run.input.fraction), study),
        references.draw(by_rule, study),
        subgroups.draw(groups[0] if groups else pd.DataFrame(), study),
        correlation.draw(cases, study),
    ]
    files = by_figure(run.outputs["figures"])
    for drawing in drawings:
        write(drawing, files[drawing.name])
