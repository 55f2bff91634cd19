"""One network of one arm and fold."""

from collections import Counter
from pathlib import Path

from radparity.fold import Member, read_partition, subset
from radparity.lasting_job import lasting_job
from radparity.ledger import dump
from radparity.record import DataFault, read
from radparity.slab import open_breast

STATE = Path(".radparity", "state", snakemake.wildcards.arm, snakemake.wildcards.fold)
OF_THE_ARM = ("network", "width", "mask_prior", "coordinates")


def usable(run, role, members, channels, scaling, left_out):
    """The breasts of one role in this fold that can be trained on; why others cannot is counted in `left_out`."""
    for path, slab in zip(run.inputs("records"), run.inputs("slabs"), strict=True):
        record = read(path)
        member = members[record["case"]]
        if member["role"] != role:
            continue
        if record["status"] != "ok":
            left_out[record["code"]] += 1
            continue
        try:
            yield open_breast(record, Path(slab), member["patient"], member["label"], channels, scaling)
        except DataFault as fault:
            left_out[fault.code] += 1


def part(run, training):
    """Of the usable training breasts those that the arm's subset takes."""
    members = [Member(breast.id, breast.patient, breast.malignant) for breast in training]
    taken = subset(members, run.params["seed"], **run.params["arm"]["subset"], unit=run.params["unit"])
    return [breast for breast in training if breast.id in taken]


def make(run):
    from radparity.networks.device import choose_device
    from radparity.networks.presets import Architecture, build, count_parameters
    from radparity.scaling import Scaling
    from radparity.train import curve, weights
    from radparity.train.loop import train_fold
    from radparity.train.sampling import Pools
    from radparity.train.settings import Settings

    arm, chosen = run.params["arm"], dict(run.params["train"])
    key = (run.params["seed"], run.wildcards["arm"], run.wildcards["fold"])
    channels = tuple(arm["channels"])
    preset, width, mask_prior, coordinates = (arm[name] for name in OF_THE_ARM)
    architecture = Architecture.of(preset, len(channels), width, mask_prior, coordinates)
    device, usual = choose_device(chosen.pop("device")), chosen.pop("patch")
    patch = arm["patch"] or (usual if preset in ("paper", "released") else architecture.geometry.patch)
    # Where negatives come from is in the slabs.
    chosen = {name: value for name, value in chosen.items() if not name.startswith("negatives")}
    settings = Settings(architecture, channels=channels, patch=tuple(patch), **chosen)

    scaling = Scaling.from_json(read(run.input.scaling)).only(channels)
    members = read_partition(run.input.folds, key[2])
    left_out = {"training": Counter(), "validation": Counter()}
    sets = {role: list(usable(run, role, members, channels, scaling, left_out[role])) for role in left_out}
    sets["training"] = part(run, sets["training"])
    names = {role: tuple(breast.id for breast in breasts) for role, breasts in sets.items()}

    def report(event):
        run.progress(", ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in event.items()))

    result = train_fold(sets["training"], sets["validation"], settings, key, STATE, run.threads, device, report)
    about = weights.About(architecture, scaling, names["training"], names["validation"])
    weights.save(run.output["weights"], result.weights, about)
    weights.save(run.output["last"], result.last, about)
    run.output["curve"].write_text(curve.table(result.curve))
    title = f"{key[1]}, fold {key[2]}"
    run.output["picture"].write_bytes(curve.picture(result.curve, result.selected_step, title))
    facts = {"arm": key[1], "fold": key[2], "device": device, "machines": result.machines}
    facts |= {"selected": result.selected, "selected_step": result.selected_step, "steps": result.steps}
    facts |= {"patches": result.steps * settings.minibatch, "patch": list(patch), "divisors": list(scaling.divisors)}
    facts |= {role: list(ids) for role, ids in names.items()}
    facts |= {"negatives_from": [names["training"][place] for place in Pools.of(sets["training"]).negative]}
    facts |= {"left_out": {role: dict(sorted(count.items())) for role, count in left_out.items()}}
    facts |= {"architecture": vars(architecture), "parameters": count_parameters(build(architecture))}
    run.output["record"].write_text(dump(facts))


lasting_job(snakemake, make, STATE)
