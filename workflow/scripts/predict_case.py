"""Probability map of one case with one arm, and how far its networks disagree."""

from functools import cache
from pathlib import Path

import numpy as np

from radparity.batch_job import case_job
from radparity.channels import channel_positions
from radparity.fold import read_partition
from radparity.image import load, save, spacing
from radparity.record import DataFault, read
from radparity.region import readers_box


def judged_section(run):
    """The section the readers agreed on, or the sheet's; None where neither names one."""
    records = [read(path) for path in run.inputs("outline")]
    if records and records[0]["status"] != "ok":
        raise DataFault(records[0]["code"], records[0]["sentence"])
    return records[0]["section"] if records else run.params["section"]


@cache
def loaded(path):
    """A network and what belongs to it; once for all cases of the batch."""
    from radparity.train import weights

    return weights.load(Path(path))


def networks(run, case, harmonized):
    """The fold networks that may judge this case (all of them, or the one that never saw its patient), each with what
    makes its input; and how many of them were trained without this case's scanner."""
    chosen, strange = [], 0
    for path in run.inputs("weights"):
        member = read_partition(run.input.folds, Path(path).parent.name).get(case)
        if member is None or member["role"] == "held_out":
            network, about = loaded(path)
            chosen.append((network, about.scaling.of(harmonized)))
            strange += not about.scaling.knows(harmonized["scanner"])
    return chosen, strange


def readers_region(run, affine):
    """The box around the readers' outlines on the judged section, for an arm that is given the location."""
    drawn, raters = load(run.inputs("outlines")[0], np.uint8)[0][0] > 0, read(run.inputs("outline")[0])["raters"]
    return readers_box([drawn[..., raters.index(reader)] for reader in run.params["readers"]], spacing(affine)[1:])


def clustered(run, channels, mask, section, affine):
    """Probability of the judged section by fuzzy c-means, no disagreement, the first section, facts."""
    from radparity.fuzzy_c_means import tumour_map

    arm = run.params["arm"]
    where = readers_region(run, affine) if arm["region"] == "readers_box" else mask[section]
    found, facts = tumour_map(channels[:, section], where, arm["channels"].index("dce_in"), arm["region"])
    return found[None], np.zeros_like(found)[None], section, facts | {"networks": 0}


def predicted(run, channels, mask, section, models):
    """Probability and disagreement of the networks on the judged section or everywhere, and the first section."""
    from radparity.networks.device import choose_device
    from radparity.networks.grid import slab_of
    from radparity.predict import predict_section, predict_volume

    chosen, device = run.params["predict"], choose_device(run.params["device"])
    how = {name: chosen[name] for name in ("memory_mb", "precision")} | {"device": device, "threads": run.threads}
    if chosen["extent"] == "section" and section is not None:
        slab, prior = (slab_of(volume, section, models[0][0].geometry.sections) for volume in (channels, mask))
        maps = predict_section(models, slab, prior, section, len(mask), **how)
        return maps.probability[None], maps.disagreement[None], section
    return *predict_volume(models, channels, mask, section, **how), 0


def work(run):
    arm, harmonized = run.params["arm"], read(run.inputs("record")[0])
    positions = channel_positions(harmonized, arm["channels"])
    image, affine = load(run.input.channels)
    mask = load(run.input.mask, np.uint8)[0] > 0
    channels, section = np.moveaxis(image, -1, 0)[positions], judged_section(run)
    if arm["network"] == "fuzzy_c_means":
        probability, disagreement, first, facts = clustered(run, channels, mask, section, affine)
    else:
        models, strange = networks(run, run.wildcards["breast"], harmonized)
        probability, disagreement, first = predicted(run, channels, mask, section, models)
        facts = {"networks": len(models), "networks_without_scanner": strange}
    shifted = affine.copy()
    shifted[:3, 3] += affine[:3, 0] * first
    save(run.output["probability"], probability.astype(np.float32), shifted)
    save(run.output["disagreement"], disagreement.astype(np.float32), shifted)
    chosen_by = "readers" if run.inputs("outline") else "sheet"
    return facts | {"section": section, "first_section": first, "chosen_by": chosen_by}


case_job(snakemake, "predict", work)
