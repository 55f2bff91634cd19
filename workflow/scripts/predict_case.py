"""Probability map of one case with one arm."""

from pathlib import Path

import numpy as np

from radparity.config import CHANNELS
from radparity.fold import read_partition
from radparity.image import load, save
from radparity.job import case_job
from radparity.record import DataFault, read


def judged_section(run):
    """The section the readers agreed on, or the sheet's; None where neither names one."""
    records = [read(path) for path in run.inputs("outline")]
    if records and records[0]["status"] != "ok":
        raise DataFault(records[0]["code"], records[0]["sentence"])
    return records[0]["section"] if records else run.params["section"]


def networks(run, case):
    """The fold networks that may judge this case (all of them, or the one that never saw its patient), each with what
    makes its input; and how many of them were trained without this case's scanner."""
    from radparity.train import weights

    chosen, strange, harmonized = [], 0, read(run.input.record)
    for path in run.inputs("weights"):
        member = read_partition(run.input.folds, Path(path).parent.name).get(case)
        if member is None or member["role"] == "held_out":
            network, about = weights.load(Path(path))
            chosen.append((network, about.scaling.of(harmonized)))
            strange += not about.scaling.knows(harmonized["scanner"])
    return chosen, strange


def work(run):
    arm, case = run.params["arm"], run.wildcards["breast"]
    image, affine = load(run.input.channels)
    mask = load(run.input.mask, np.uint8)[0] > 0
    channels = np.moveaxis(image, -1, 0)[[CHANNELS.index(name) for name in arm["channels"]]]
    section = judged_section(run)
    if arm["network"] == "fuzzy_c_means":
        from radparity.fuzzy_c_means import cluster_section

        found = cluster_section(channels[:, section], mask[section], arm["channels"].index("dce_in"))
        probability, first, facts = found.membership[None], section, {"networks": 0}
    else:
        from radparity.networks.device import choose_device
        from radparity.networks.grid import slab_of
        from radparity.predict import predict_section, predict_volume

        models, strange = networks(run, case)
        chosen = run.params["predict"]
        how = {"memory_mb": chosen["memory_mb"], "device": choose_device(run.params["device"]), "threads": run.threads}
        if chosen["extent"] == "section" and section is not None:
            slab, prior = slab_of(channels, section), slab_of(mask, section)
            probability, first = predict_section(models, slab, prior, section, len(mask), **how)[None], section
        else:
            probability, first = predict_volume(models, channels, mask, section, **how), 0
        facts = {"networks": len(models), "networks_without_scanner": strange}
    shifted = affine.copy()
    shifted[:3, 3] += affine[:3, 0] * first
    save(run.output["probability"], probability.astype(np.float32), shifted)
    return facts | {
        "section": section,
        "first_section": first,
        "chosen_by": "readers" if run.inputs("outline") else "sheet",
    }


case_job(snakemake, "predict", snakemake.wildcards.breast, work)
