"""One virtual exam against its truth."""

from pathlib import Path

import numpy as np

from radparity import verify
from radparity.batch_job import case_job
from radparity.compare.scores import dice
from radparity.grid import GridRules, breast_grid
from radparity.image import load, spacing
from radparity.record import read
from radparity.register import STRIDE, TARGET

CODE = {"left": 1, "right": 2}


def work(run):
    truth = Path(snakemake.config["raw"], run.params["truth"])
    facts = read(truth / "truth.json")
    times = read(run.input.convert)["times_s"]
    raw, affine = load(run.input.phases)
    registered = load(run.input.registered)[0]
    fields, true_fields = load(run.input.fields)[0], load(truth / "displacement.nii.gz")[0]
    breast, lesion = load(truth / "breast.nii.gz", np.uint8)[0], load(truth / "lesion.nii.gz", np.uint8)[0]
    inside = breast > 0
    out = {"phase_time_error_s": verify.phase_times(times, facts["times_s"])}
    pairs = verify.displacement_errors(fields, true_fields, inside[:, ::STRIDE, ::STRIDE])
    out["displacement_before_mm"] = [pair[0] for pair in pairs]
    out["displacement_after_mm"] = [pair[1] for pair in pairs]
    if (lesion == 1).any():
        out["lesion_volume_change_percent"] = verify.volume_changes(fields, true_fields, spacing(affine), lesion == 1)
    out |= verify.slope_errors(raw, registered, times, load(truth / "dce.nii.gz")[0], inside)
    for path, record in zip(run.inputs("masks"), run.inputs("mask_records"), strict=True):
        case = Path(path).parent.name
        if read(record)["status"] != "ok":
            continue
        side = run.params["breasts"][case]
        rules = GridRules(**run.params["grid"])
        grid = breast_grid(registered[..., TARGET], affine, side, rules)
        true = grid.place((breast == CODE[side]).astype(np.uint8), order=0)
        out.setdefault("breast_mask_dice", {})[case] = dice(load(path, np.uint8)[0] > 0, true > 0)
    return out


case_job(snakemake, "verify", work)
