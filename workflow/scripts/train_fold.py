"""One network of one arm and fold."""

from pathlib import Path

import numpy as np

from radparity.fold import read_partition
from radparity.image import load
from radparity.job import job
from radparity.ledger import dump
from radparity.record import is_ok, read
from radparity.train.slab import make_breast


def breasts(run, role, positions, scaling):
    """The usable breasts of one role in this fold."""
    drawn = {
        read(p)["case"]: (read(p), image) for p, image in zip(run.inputs("outline_records"), run.inputs("outlines"))
    }
    members = read_partition(run.input.folds, run.wildcards["fold"])
    rows = zip(run.inputs("records"), run.inputs("channels"), run.inputs("mask_records"), run.inputs("masks"))
    for record, channels, mask_record, mask in rows:
        harmonized = read(record)
        case = harmonized["case"]
        member = members[case]
        label = member["label"]
        usable = is_ok(record) and is_ok(mask_record) and (label == "benign" or drawn[case][0]["status"] == "ok")
        if member["role"] != role or not usable:
            continue
        image, prior = load(channels)[0], load(mask, np.uint8)[0]
        outline = None
        if label == "malignant":
            outline = np.zeros(prior.shape, np.uint8)
            outline[drawn[case][0]["section"]] = load(drawn[case][1], np.uint8)[0][0, ..., 0]
        image = np.moveaxis(image, -1, 0)[positions]
        yield make_breast(case, member["patient"], label, image, prior, outline, scaling.of(harmonized))


with job(snakemake) as run:
    from radparity.config import CHANNELS
    from radparity.networks.device import choose_device
    from radparity.scaling import Scaling
    from radparity.train import state, weights
    from radparity.train.loop import train_fold
    from radparity.train.settings import Settings

    arm, chosen = run.params["arm"], run.params["train"]
    positions = [CHANNELS.index(channel) for channel in arm["channels"]]
    scaling = Scaling.from_json(read(run.input.scaling)).only(arm["channels"])
    training = list(breasts(run, "training", positions, scaling))
    validation = list(breasts(run, "validation", positions, scaling))
    skip = ("device", "patch")
    settings = Settings(
        preset=arm["network"],
        width=arm["width"],
        channels=tuple(arm["channels"]),
        patch=tuple(chosen["patch"]),
        **{key: value for key, value in chosen.items() if key not in skip},
    )
    folder = Path(".radparity", "state", run.wildcards["arm"], run.wildcards["fold"])
    key = (run.params["seed"], run.wildcards["arm"], run.wildcards["fold"])
    device = choose_device(chosen["device"])

    def report(event):
        run.progress(", ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in event.items()))

    result = train_fold(training, validation, settings, key, folder, run.threads, device, report)
    about = weights.About(
        preset=settings.preset,
        width=settings.base_width(),
        scaling=scaling,
        training=tuple(b.id for b in training),
        validation=tuple(b.id for b in validation),
    )
    weights.save(run.output["weights"], result.weights, about)
    columns = list(result.curve[0]) if result.curve else ["step"]
    rows = [columns, *[["" if row[c] is None else row[c] for c in columns] for row in result.curve]]
    run.output["curve"].write_text("\n".join("\t".join(map(str, row)) for row in rows) + "\n")
    facts = {"selected": result.selected, "selected_step": result.selected_step, "steps": result.steps}
    facts |= {
        "training": list(about.training),
        "validation": list(about.validation),
        "divisors": list(scaling.divisors),
    }
    run.output["record"].write_text(dump(facts | {"arm": key[1], "fold": key[2], "device": device}))
state.clear(folder)
