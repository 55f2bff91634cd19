"""The chain against the phantoms' truth, in two tables: per test case and in summary."""

from pathlib import Path

import numpy as np
import pandas as pd

from radparity.compare.scores import dice
from radparity.image import load
from radparity.job import job
from radparity.outline.place import place
from radparity.record import read

ROWS = [
    ("phase_time_error_s", "largest error of a phase's time, s"),
    ("displacement_before_mm", "mean displacement inside the breast without registration, mm"),
    ("displacement_after_mm", "mean displacement error inside the breast after registration, mm"),
    ("lesion_volume_change_percent", "change of lesion volume by registration, per cent (magnitude)"),
    ("dce_in_error_unregistered", "DCE-in, relative error without registration"),
    ("dce_in_error_registered", "DCE-in, relative error after registration"),
    ("dce_out_error_unregistered", "DCE-out, relative error without registration"),
    ("dce_out_error_registered", "DCE-out, relative error after registration"),
    ("breast_mask_dice", "breast mask against truth, Dice"),
]


def true_section(case, truth, outlines):
    """The true cancer on the section that the readers outlined."""
    import nibabel

    lesion, native = load(truth / "lesion.nii.gz", np.uint8)
    image = nibabel.load(outlines)
    section = round((np.linalg.inv(native) @ image.affine[:, 3])[0])
    cancer = np.zeros_like(lesion, dtype=bool)
    cancer[section] = lesion[section] == 1
    return place(cancer, native, image.affine, image.shape[:3], 0)


def summary_row(quantity, meaning, values):
    values = np.abs(np.array([v for v in values if v is not None], dtype=float))
    low, median, high = np.percentile(values, [25, 50, 75]) if values.size else (np.nan,) * 3
    return {"quantity": quantity, "meaning": meaning, "n": values.size, "median": median, "q25": low, "q75": high}


with job(snakemake) as run:
    records = [r for r in map(read, run.inputs("exams")) if r["status"] == "ok"]
    rows = []
    for name, meaning in ROWS:
        values = []
        for record in records:
            found = record.get(name, [])
            values += list(found.values()) if isinstance(found, dict) else found if isinstance(found, list) else [found]
        rows.append(summary_row(name, meaning, values))
    cases = []
    outlines = {Path(path).parent.name: path for path in run.inputs("outlines")}
    for segment, mask in zip(run.inputs("segments"), run.inputs("masks")):
        record = read(segment)
        if record["status"] != "ok":
            continue
        case, arm = record["case"], Path(segment).parts[-3]
        truth = Path(snakemake.config["raw"], run.params["truths"][case])
        true = true_section(case, truth, outlines[case])
        drawn = load(outlines[case], np.uint8)[0][0]
        raters = read(Path(outlines[case]).with_name("outline.json"))["raters"]
        readers = {f"dice_{r}": dice(drawn[..., raters.index(r)] > 0, true) for r in run.params["readers"]}
        cases.append({"arm": arm, "case": case, "dice_truth": dice(load(mask, np.uint8)[0][0] > 0, true), **readers})
    table = pd.DataFrame(cases)
    for arm in run.params["arms"]:
        values = table.loc[table.arm == arm, "dice_truth"] if len(table) else []
        given = " (location given)" if arm in run.params["located"] else ""
        meaning = f"{arm}{given} against the true cancer on the outlined section, Dice"
        rows.append(summary_row(f"dice_{arm}", meaning, values))
    pd.DataFrame(rows).to_csv(run.output["summary"], sep="\t", index=False, float_format="%.6g")
    table.to_csv(run.output["cases"], sep="\t", index=False, float_format="%.6g")
