"""One nnU-Net of one arm and fold, on the fold's part of the export."""

import hashlib
from pathlib import Path

from radparity.lasting_job import lasting_job
from radparity.ledger import digest_file, dump, sidecar
from radparity.nnunet.environment import set_environment
from radparity.record import read

STATE = Path(".radparity", "state", "nnunet", snakemake.wildcards.arm, snakemake.wildcards.fold)
OF_PREDICTION = ("mirroring",)


def of_the_fold(run, split):
    """dataset.json of the breasts that the fold trains and validates on, with the arm's channels; absolute paths."""
    from radparity.channels import DEFAULT_CHANNELS
    from radparity.nnunet.dataset import dataset_json

    found = dataset_json(sorted({*split["train"], *split["val"]}), DEFAULT_CHANNELS, run.params["channels"])
    folder = Path(run.input.dataset).parent.absolute()
    for files in found["dataset"].values():
        files["images"] = [str(folder / name) for name in files["images"]]
        files["label"] = str(folder / files["label"])
    return found


def state_folder(run, dataset, split):
    """Beside results/, one for each content: changed data or settings never resume an older training."""
    files = sorted(name for case in dataset["dataset"].values() for name in (*case["images"], case["label"]))
    notes = [sidecar(Path(name)) for name in files]
    digests = [read(n)["sha256"] if n.is_file() else digest_file(Path(f)) for n, f in zip(notes, files, strict=True)]
    content = hashlib.sha256(dump({"files": digests, "params": run.params, "split": split}).encode()).hexdigest()
    return STATE / content[:16]


def make(run):
    chosen = {name: value for name, value in run.params["nnunet"].items() if name not in OF_PREDICTION}
    split = read(run.input.splits)[run.params["number"]]
    dataset = of_the_fold(run, split)
    folder = state_folder(run, dataset, split)
    set_environment(folder, run.threads)

    import torch

    from radparity.networks.device import choose_device
    from radparity.nnunet import plan, train, weights

    torch.set_num_threads(run.threads)
    name, device = Path(run.input.dataset).parent.name, choose_device(run.params["device"])
    plans = plan.prepare(folder, name, dataset, [split], chosen["configuration"], run.threads)
    key = (run.params["seed"], run.wildcards["arm"], run.wildcards["fold"])
    result = train.train(plans, dataset, train.Settings(**chosen), key, folder, device)
    kept = {key: value for key, value in dataset.items() if key != "dataset"}
    sets = {"training": tuple(split["train"]), "validation": tuple(split["val"])}
    channels = tuple(run.params["channels"])
    about = weights.About(chosen["configuration"], plans, kept, channels, result.mirroring, **sets)
    weights.save(run.output["weights"], result.weights, about)
    rows = [list(result.curve[0]), *[list(row.values()) for row in result.curve]]
    run.output["curve"].write_text("\n".join("\t".join(map(str, row)) for row in rows) + "\n")
    facts = {"arm": key[1], "fold": key[2], "device": device, "epochs": result.epochs}
    facts |= {"reproducible": device == "cpu" and chosen["workers"] == 0 and chosen["minutes"] is None}
    run.output["record"].write_text(dump(facts | {role: list(cases) for role, cases in sets.items()}))


lasting_job(snakemake, make, STATE)
