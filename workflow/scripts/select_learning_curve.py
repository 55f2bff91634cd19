"""The learning curve: points, tests between neighbours, picture, verdict."""

from pathlib import Path

import numpy as np

from radparity.fold import read_partition
from radparity.job import job
from radparity.ledger import dump
from radparity.record import read
from radparity.select.columns import COLUMNS
from radparity.select.picture import curve_picture
from radparity.select.tables import Settings, curve_table, curve_tests
from radparity.select.trial import Trial, read_scores
from radparity.select.verdict import curve_verdict


def trained_on(paths, folds):
    """Arm to the mean over its folds of its numbers of malignant and benign training breasts."""
    counts = {}
    for path in map(Path, paths):
        members = read_partition(folds, path.parent.name)
        labels = [members[breast]["label"] for breast in read(path)["training"]]
        counts.setdefault(path.parts[-3], []).append([labels.count("malignant"), labels.count("benign")])
    return {arm: np.mean(own, axis=0) for arm, own in counts.items()}


with job(snakemake) as run:
    compare = run.params["compare"]
    scores = {Path(path).parent.name: read_scores(path) for path in run.inputs("scores")}
    counts = trained_on(run.inputs("training"), run.input.folds)
    curves, breasts = {}, {}
    for curve, points in run.params["curves"].items():
        for number, (malignant, benign, arms) in enumerate(points, 1):
            trial = Trial(f"{curve} {number}", [scores[arm] for arm in arms])
            curves.setdefault(curve, []).append((malignant, benign, trial))
            breasts[trial.name] = np.mean([counts[arm] for arm in arms], axis=0).round(1).tolist()
    settings = Settings(compare["alpha"], compare["bootstrap"], run.params["seed"])
    table, tests = curve_table(curves, breasts, settings), curve_tests(curves, settings)
    trials = {(curve, n): trial for curve, points in curves.items() for n, (_, _, trial) in enumerate(points, 1)}
    table.to_csv(run.output["table"], sep="\t", index=False, float_format="%.10g")
    tests.to_csv(run.output["tests"], sep="\t", index=False, float_format="%.10g")
    run.output["picture"].write_bytes(curve_picture(table, trials))
    said = curve_verdict(table, tests, compare["alpha"], compare["minimum_cases"])
    columns = {name: COLUMNS[name] for name in ("learning_curve", "learning_curve_tests")}
    run.output["verdict"].write_text(dump({"verdict": said, "arm": run.params["arm"], "columns": columns}))
