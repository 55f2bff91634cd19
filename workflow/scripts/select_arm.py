"""Dice of one arm on every held-out malignant development case."""

from pathlib import Path

import numpy as np
import pandas as pd

from radparity.image import load, spacing
from radparity.job import job
from radparity.record import read
from radparity.select.scores import COLUMNS, fold_rows, score_case

with job(snakemake) as run:
    outlines = {Path(path).parent.name: path for path in run.inputs("outlines")}
    rows = []
    for record, maps in zip(map(read, run.inputs("records")), run.inputs("maps"), strict=True):
        own = fold_rows(record["fold"], record, run.params["patients"])
        with np.load(maps) as probability:
            for row in own:
                if not row["left_out"]:
                    drawn, affine = load(outlines[row["breast"]], np.uint8)
                    outline, pixel = drawn[0, ..., 0] > 0, tuple(spacing(affine)[1:])
                    row |= score_case(probability[row["breast"]], outline, pixel, run.params["segment"]["component"])
        rows += own
    table = pd.DataFrame(rows, columns=list(COLUMNS)).sort_values("breast")
    table.to_csv(run.output["scores"], sep="\t", index=False, float_format="%.10g")
