"""Probability of the outlined section of every cancer that one fold holds out, by that fold's network alone."""

from pathlib import Path

import numpy as np

from radparity.channels import channel_positions
from radparity.fold import read_partition
from radparity.image import load, spacing
from radparity.lasting_job import lasting_job
from radparity.ledger import dump
from radparity.record import DataFault, read
from radparity.region import readers_box


def clustered(arm):
    """What fuzzy c-means makes of a section; nothing is trained, so nothing is held out either."""
    from radparity.fuzzy_c_means import tumour_map

    def judge(case, channels, mask, affine):
        where = mask[case["section"]]
        if arm["region"] == "readers_box":
            drawn = load(case["outlines"], np.uint8)[0][0] > 0
            where = readers_box(list(np.moveaxis(drawn, -1, 0)), spacing(affine)[1:])
        section = channels[:, case["section"]]
        return tumour_map(section, where, arm["channels"].index("dce_in"), arm["region"])[0]

    return judge


def predicted(run):
    """What the fold's network makes of a section."""
    from radparity.networks.device import choose_device
    from radparity.networks.grid import slab_of
    from radparity.predict import predict_section
    from radparity.train import weights

    network, about = weights.load(Path(run.input.weights))
    chosen, device = run.params["predict"], choose_device(run.params["device"])
    how = {name: chosen[name] for name in ("memory_mb", "precision")} | {"device": device, "threads": run.threads}

    def judge(case, channels, mask, affine):
        slab, prior = (slab_of(volume, case["section"], network.geometry.sections) for volume in (channels, mask))
        model = (network, about.scaling.of(case["record"]))
        return predict_section([model], slab, prior, case["section"], len(mask), **how).probability

    return judge


def make(run):
    arm, fold = run.params["arm"], run.wildcards["fold"]
    members = read_partition(run.input.folds, fold)
    judge = clustered(arm) if arm["network"] == "fuzzy_c_means" else predicted(run)
    files = ("records", "mask_records", "outline_records", "channels", "masks", "outlines")
    maps, cases, left_out = {}, {}, {}
    for row in zip(*(run.inputs(name) for name in files), strict=True):
        *records, image, prior, outlines = row
        harmonized, masked, outlined = (read(path) for path in records)
        breast = harmonized["case"]
        if members[breast]["role"] != "held_out":
            continue
        fault = next((r["code"] for r in (harmonized, masked, outlined) if r["status"] != "ok"), None)
        if fault is None:
            try:
                positions = channel_positions(harmonized, arm["channels"])
                volume, affine = load(image)
                case = {"record": harmonized, "section": outlined["section"], "outlines": outlines}
                channels = np.moveaxis(volume, -1, 0)[positions]
                maps[breast] = judge(case, channels, load(prior, np.uint8)[0] > 0, affine).astype(np.float32)
                cases[breast] = outlined["section"]
                run.progress(f"predicted {breast}")
            except DataFault as found:
                fault = found.code
        if fault is not None:
            left_out[breast] = fault
    np.savez_compressed(run.output["maps"], **maps)
    facts = {"arm": run.wildcards["arm"], "fold": fold, "cases": cases, "left_out": left_out}
    run.output["record"].write_text(dump(facts))


lasting_job(snakemake, make)
