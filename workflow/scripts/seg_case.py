"""The mask of one case with one arm as DICOM SEG, on the images of the first phase after contrast."""

from pathlib import Path

import numpy as np

from radparity.batch_job import case_job
from radparity.grid import FIRST_POST, side_shown
from radparity.image import load
from radparity.intake.source import exam_files
from radparity.record import DataFault, read
from radparity.seg.native import to_native
from radparity.seg.source import read_source
from radparity.seg.write import Algorithm, Finding, write_seg


def work(run):
    mask, grid = load(run.input.mask, np.uint8)
    if not mask.any():
        raise DataFault("seg_nothing_marked", "the arm marks nothing here, and DICOM has no segmentation of nothing")
    files = exam_files(Path(snakemake.config["raw"]), run.params["folder"])
    source = read_source(files, read(run.input.intake)["phases"][FIRST_POST]["files"])
    native = to_native(mask > 0, grid, source.shape, source.affine)
    weights = ", ".join(run.digests[path] for path in run.inputs("weights"))
    return write_seg(
        run.output["seg"],
        [Finding("Lesion", run.params["side"] or side_shown(grid, mask.shape), native)],
        source.affine,
        source,
        Algorithm(
            f"radparity {run.wildcards['arm']}", run.params["version"], f"weights SHA-256 {weights}" * bool(weights)
        ),
        run.params["identity"],
        run.params["pseudonym"],
    )


case_job(snakemake, "seg", work)
