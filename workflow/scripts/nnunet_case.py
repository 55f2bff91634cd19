"""One development breast for nnU-Net: a file for each channel, and its labels."""

import numpy as np

from radparity.batch_job import case_job
from radparity.channels import DEFAULT_CHANNELS, channel_positions
from radparity.image import load, save, spacing
from radparity.nnunet.dataset import CANCER, labels
from radparity.record import read
from radparity.train.tumour_free import tumour_free


def work(run):
    image, affine = load(run.input.channels)
    section, outline, free = None, None, []
    if run.inputs("outlines"):
        drawn = load(run.inputs("outlines")[0], np.uint8)[0][0]
        first = next((rater for rater in range(drawn.shape[-1]) if drawn[..., rater].any()), 0)
        record = read(run.inputs("record")[-1])
        section, outline = record["section"], drawn[..., first] > 0
        free = tumour_free(record, image.shape[0], spacing(affine)[0], run.params["margin_mm"])
    found = labels(image.shape[:3], section, outline, free)
    save(run.output["labels"], found, affine)
    for name, position in zip(
        DEFAULT_CHANNELS, channel_positions(read(run.inputs("record")[0]), DEFAULT_CHANNELS), strict=True
    ):
        save(run.output[name], np.ascontiguousarray(image[..., position]), affine)
    return {"section": section, "cancer_voxels": int((found == CANCER).sum())}


case_job(snakemake, "nnunet", work)
