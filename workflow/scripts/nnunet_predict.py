"""Probability map of one case with an nnU-Net arm, and how far its networks disagree."""

from functools import cache
from pathlib import Path

import numpy as np

from radparity.batch_job import case_job
from radparity.channels import channel_positions
from radparity.image import load, save, spacing
from radparity.nnunet.environment import set_environment
from radparity.record import DataFault, read


def judged_section(run):
    """The section the readers agreed on, or the sheet's; None where neither names one."""
    records = [read(path) for path in run.inputs("outline")]
    if records and records[0]["status"] != "ok":
        raise DataFault(records[0]["code"], records[0]["sentence"])
    return records[0]["section"] if records else run.params["section"]


@cache
def loaded(paths):
    """The folds' networks; once for all cases of the batch."""
    from radparity.nnunet import weights

    return [weights.load(Path(path)) for path in paths]


def work(run):
    set_environment(Path(".radparity", "state", "nnunet"), run.threads)
    import torch

    from radparity.networks.device import choose_device
    from radparity.nnunet.predict import predict

    torch.set_num_threads(run.threads)
    models = loaded(tuple(run.inputs("weights")))
    image, affine = load(run.input.channels)
    positions = channel_positions(read(run.inputs("record")[0]), models[0][1].channels)
    channels, section, first = np.moveaxis(image, -1, 0)[positions], judged_section(run), 0
    mirroring, device = run.params["nnunet"]["mirroring"], choose_device(run.params["device"])
    maps = predict(models, channels, spacing(affine), mirroring, device)
    if run.params["predict"]["extent"] == "section" and section is not None:
        first, maps = section, [found[section : section + 1] for found in maps]
    shifted = affine.copy()
    shifted[:3, 3] += affine[:3, 0] * first
    for name, found in zip(("probability", "disagreement"), maps, strict=True):
        save(run.output[name], found, shifted)
    chosen_by = "readers" if run.inputs("outline") else "sheet"
    facts = {"networks": len(models), "networks_without_scanner": 0}
    return facts | {"section": section, "first_section": first, "chosen_by": chosen_by}


case_job(snakemake, "predict", work)
