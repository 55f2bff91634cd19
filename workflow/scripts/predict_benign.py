"""Probability of the central section of some benign breasts, each by the network of the fold that holds it out."""

from pathlib import Path

import numpy as np

from radparity.channels import channel_positions
from radparity.fold import read_partition
from radparity.image import load, spacing
from radparity.lasting_job import lasting_job
from radparity.ledger import dump
from radparity.networks.device import choose_device
from radparity.networks.grid import slab_of
from radparity.predict import predict_section
from radparity.record import DataFault, read
from radparity.train import weights


def networks(run):
    """Fold to its network, what makes its input, and the breasts that it holds out."""
    found = {}
    for path in map(Path, run.inputs("weights")):
        members = read_partition(run.input.folds, path.parent.name)
        held_out = {breast for breast, member in members.items() if member["role"] == "held_out"}
        found[path.parent.name] = (*weights.load(path), held_out)
    return found


def make(run):
    chosen, folds = run.params["predict"], networks(run)
    how = {name: chosen[name] for name in ("memory_mb", "precision")}
    how |= {"device": choose_device(run.params["device"]), "threads": run.threads}
    maps, cases, left_out = {}, {}, {}
    files = ("records", "mask_records", "channels", "masks")
    for *records, image, prior in zip(*map(run.inputs, files), strict=True):
        harmonized, masked = (read(path) for path in records)
        breast = harmonized["case"]
        fault = next((r["code"] for r in (harmonized, masked) if r["status"] != "ok"), None)
        if fault is None:
            try:
                positions = channel_positions(harmonized, run.params["channels"])
                volume, affine = load(image)
                mask, section = load(prior, np.uint8)[0] > 0, len(volume) // 2
                fold, (network, about, _) = next((f, n) for f, n in folds.items() if breast in n[2])
                channels = np.moveaxis(volume, -1, 0)[positions]
                slab, around = (slab_of(v, section, network.geometry.sections) for v in (channels, mask))
                models = [(network, about.scaling.of(harmonized))]
                made = predict_section(models, slab, around, section, len(mask), **how)
                maps[breast] = made.probability.astype(np.float32)
                inside = maps[breast][mask[section]]
                cases[breast] = {
                    "section": section,
                    "fold": fold,
                    "pixel_mm": [float(s) for s in spacing(affine)[1:]],
                    "breast_maximum": float(inside.max()) if inside.size else None,
                }
            except DataFault as found:
                fault = found.code
        if fault is not None:
            left_out[breast] = fault
    np.savez_compressed(run.output["maps"], **maps)
    run.output["record"].write_text(dump({"arm": run.wildcards["arm"], "cases": cases, "left_out": left_out}))


lasting_job(snakemake, make)
