"""Figures 5A, 5B, E6B, E7 and E8 of the rater in the network's place, and the scores that E6B is drawn from."""

from dataclasses import replace
from pathlib import Path

from radparity.figures import correlation, dice, differences, references, subgroups
from radparity.figures.drawing import Study, by_figure, write
from radparity.job import job
from radparity.ledger import dump
from radparity.masks.read import stored
from radparity.report.results import read_table

with job(snakemake) as run:
    chosen, readers = run.params["compare"], run.params["readers"]["test"]
    study = replace(Study.of(run.wildcards["arm"], run.params), tuned=False)
    tables = ("masks_cases", "cases", "scores", "main", "equivalence", "subgroups")
    listed, cases, scores, main, equivalence, groups = (read_table(run.input.get(name)) for name in tables)
    masks = stored(Path(run.input.masks), listed, run.params["raters"], readers, study.arm)
    by_rule = references.scores_by_rule(masks, references.rules(chosen["reference"]), chosen["empty_reference"])
    by_rule.to_csv(run.output["references"], sep="\t", index=False, float_format="%.10g")
    run.output["columns"].write_text(dump({"reference_scores": references.COLUMNS}))
    files = by_figure(run.outputs["figures"])
    for drawing in (
        dice.draw(cases, scores, study),
        differences.draw(cases, scores, main, equivalence, study),
        references.draw(by_rule, study),
        subgroups.draw(groups, study),
        correlation.draw(cases, study),
    ):
        write(drawing, files[drawing.name])
