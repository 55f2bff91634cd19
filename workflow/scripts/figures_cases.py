"""Figures 4 and 6 of one arm: an example, and the worst cases."""

from pathlib import Path

from radparity.figures import example, failures
from radparity.figures.drawing import Study, by_figure, write
from radparity.figures.sections import read_section
from radparity.job import job
from radparity.record import read
from radparity.report.results import read_table

with job(snakemake) as run:
    study = Study.of(run.wildcards["arm"], run.params)
    cases, scores = read_table(run.input.cases), read_table(run.input.scores)
    names = ("segments", "channels", "masks", "outlines", "outline_records")
    files = {Path(paths[0]).parent.name: paths for paths in zip(*map(run.inputs, names))}

    def section_of(case):
        segment, *rest = files[case]
        return read_section(case, read(segment)["section"], *rest, study.readers)

    chosen = example.example(cases)
    listed = [read_table(path)["case"] for path in run.inputs("outliers")]
    worst = list(listed[0]) if listed else failures.worst(cases, run.params["compare"]["outliers"])
    how = failures.LISTED if listed else failures.LOWEST
    drawings = [
        example.draw(section_of(chosen) if chosen else None, cases, scores, study),
        failures.draw([section_of(case) for case in worst], cases, study, how),
    ]
    paths = by_figure(run.outputs["figures"])
    for drawing in drawings:
        write(drawing, paths[drawing.name])
