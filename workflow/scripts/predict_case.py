"""Probability map of one case with one arm."""

from pathlib import Path

import numpy as np

from radparity.config import CHANNELS
from radparity.fold import read_roles
from radparity.image import load, save
from radparity.job import case_job
from radparity.record import DataFault, read


def judged_section(run):
    """The section the readers agreed on; None for a case that nobody outlined."""
    records = [read(path) for path in run.inputs("outline")]
    if records and records[0]["status"] != "ok":
        raise DataFault(records[0]["code"], records[0]["sentence"])
    return records[0]["section"] if records else None


def networks(run, case):
    """The fold networks that may judge this case: all of them, or the one that never saw its patient."""
    from radparity.train import weights

    chosen = []
    for path in run.inputs("weights"):
        role = read_roles(run.input.folds, Path(path).parent.name).get(case)
        if role in (None, "held_out"):
            network, about = weights.load(Path(path))
            chosen.append((network, np.array(about.divisors)))
    return chosen


def work(run):
    arm, case = run.params["arm"], run.wildcards["breast"]
    image, affine = load(run.input.channels)
    mask = load(run.input.mask, np.uint8)[0] > 0
    channels = np.moveaxis(image, -1, 0)[[CHANNELS.index(name) for name in arm["channels"]]]
    section = judged_section(run)
    if arm["network"] == "fuzzy_c_means":
        from radparity.fuzzy_c_means import cluster_section

        probability = np.zeros(mask.shape, np.float32)
        found = cluster_section(channels[:, section], mask[section], arm["channels"].index("dce_in"))
        probability[section] = found.membership
        facts = {"networks": 0}
    else:
        from radparity.networks.device import choose_device
        from radparity.predict import predict_volume

        models = networks(run, case)
        device = choose_device(run.params["device"])
        memory = run.params["predict"]["memory_mb"]
        probability = predict_volume(models, channels, mask, section, None, memory, device, run.threads)
        facts = {"networks": len(models)}
    save(run.output["probability"], probability, affine)
    return facts | {"section": section, "maximum": float(probability.max())}


case_job(snakemake, "predict", snakemake.wildcards.breast, work)
