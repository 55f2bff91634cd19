"""The mask network, from the masks of development breasts."""

from pathlib import Path

from radparity.lasting_job import lasting_job
from radparity.ledger import dump
from radparity.record import DataFault, is_ok

STATE = Path(".radparity", "state", "mask")


def make(run):
    from radparity.grid import GridRules
    from radparity.image import load
    from radparity.networks.device import choose_device
    from radparity.register import TARGET
    from radparity.train import mask_weights
    from radparity.train.mask_breasts import masked_breast, split
    from radparity.train.mask_loop import MaskSettings, train_mask

    device = choose_device(run.params["device"])
    chosen, rules = run.params["mask"], GridRules(**run.params["grid"])
    breasts, left_out = [], {}
    rows = zip(run.params["breasts"], run.inputs("eligible"), run.inputs("records"), run.inputs("registered"))
    for (breast, patient, side, path), eligible, record, registered in rows:
        if not (is_ok(eligible) and is_ok(record)):
            continue
        phases, affine = load(registered)
        try:
            file = Path(snakemake.config["raw"], path)
            breasts.append(masked_breast(breast, patient, side, phases[..., TARGET], affine, file, rules))
        except DataFault as fault:
            left_out[breast] = {"code": fault.code, "sentence": fault.sentence}
            run.progress(f"{breast} is left out, {fault.code}: {fault.sentence}")
    training, validation = split(breasts, chosen["validation"], run.params["seed"])
    skip = ("method", "fat", "weights", "validation")
    settings = MaskSettings(**{key: value for key, value in chosen.items() if key not in skip})

    def report(event):
        run.progress(", ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in event.items()))

    result = train_mask(training, validation, settings, run.params["seed"], STATE, run.threads, device, report)
    facts = {"selected_step": result.selected_step, "steps": settings.steps, "seed": run.params["seed"]}
    sets = {"training": tuple(b.id for b in training), "validation": tuple(b.id for b in validation)}
    mask_weights.save(run.output["weights"], result.weights, mask_weights.MaskAbout(**sets, record=facts))
    columns = list(result.curve[0])
    rows = [columns, *[["" if row[c] is None else row[c] for c in columns] for row in result.curve]]
    run.output["curve"].write_text("\n".join("\t".join(map(str, row)) for row in rows) + "\n")
    facts |= {name: list(ids) for name, ids in sets.items()} | {"left_out": left_out, "device": device}
    run.output["record"].write_text(dump(facts))


lasting_job(snakemake, make, STATE)
