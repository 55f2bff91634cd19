"""Probability of the outlined section of every cancer that one fold holds out, by that fold's nnU-Net alone."""

from pathlib import Path

import numpy as np

from radparity.channels import channel_positions
from radparity.fold import read_partition
from radparity.image import load, spacing
from radparity.job import job
from radparity.ledger import dump
from radparity.nnunet.environment import set_environment
from radparity.record import read

with job(snakemake) as run:
    set_environment(Path(".radparity", "state", "nnunet"), run.threads)
    import torch

    from radparity.networks.device import choose_device
    from radparity.nnunet import weights
    from radparity.nnunet.predict import predict

    torch.set_num_threads(run.threads)
    model = weights.load(Path(run.input.weights))
    mirroring, device = run.params["nnunet"]["mirroring"], choose_device(run.params["device"])
    members = read_partition(run.input.folds, run.wildcards["fold"])
    maps, cases, left_out = {}, {}, {}
    files = ("records", "mask_records", "outline_records", "channels")
    for *records, image in zip(*(run.inputs(name) for name in files), strict=True):
        harmonized, masked, outlined = (read(path) for path in records)
        breast = harmonized["case"]
        if members[breast]["role"] != "held_out":
            continue
        fault = next((r["code"] for r in (harmonized, masked, outlined) if r["status"] != "ok"), None)
        if fault is not None:
            left_out[breast] = fault
            continue
        volume, affine = load(image)
        channels = np.moveaxis(volume, -1, 0)[channel_positions(harmonized, model[1].channels)]
        cases[breast] = outlined["section"]
        maps[breast] = predict([model], channels, spacing(affine), mirroring, device)[0][cases[breast]]
        run.progress(f"predicted {breast}")
    np.savez_compressed(run.output["maps"], **maps)
    facts = {"arm": run.wildcards["arm"], "fold": run.wildcards["fold"], "cases": cases, "left_out": left_out}
    run.output["record"].write_text(dump(facts))
