"""A small synthetic study through the real scripts of harmonize, fold, slab and train, for test_leak.

python leak_study.py FOLDER PLAN: PLAN (JSON) names the exams to alter and how. Run in a process of its own, because a
script sends its output to its log for good.
"""

import json
import os
import runpy
import sys
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from snakemake.iocontainers import InputFiles, OutputFiles

from radparity.fold import Member, assign_folds, roles
from radparity.image import save
from radparity.ledger import digest_file

SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"
SHAPE, SECTIONS = (44, 48), 9
FOLDS, SEED, SHARE, FOLD = ["1", "2"], 7, 0.3, "1"
HARMONIZE = {
    "in_plane": "double",
    "section_mm": 3.0,
    "dce_in": "difference",
    "times_unknown": "exclude",
    "assumed_interval_s": None,
}
TRAIN = {
    "steps": 3,
    "minibatch": 2,
    "patch": [19, 43, 43],
    "sampling": "paper",
    "learning_rate": 0.01,
    "schedule": "constant",
    "malignant_share": 0.5,
    "flip_share": 0.5,
    "loss": "minibatch_dice",
    "validate_every": 2,
    "selected_by": "tumour",
    "batch_norm_momentum": 0.1,
    "precision": "float32",
    "device": "cpu",
}
ARM = {
    "network": "paper",
    "width": 2,
    "mask_prior": None,
    "coordinates": None,
    "patch": None,
    "channels": ["t1c", "dce_out"],
    "harmonization": "histogram",
    "subset": {"malignant": 1.0, "benign": 1.0, "repeat": 1},
}
# Exam: patient, sides, partition, scanner. Odd patients have cancer in the left breast of every exam.
EXAMS = {
    f"E{10 * patient + number}": (
        f"P{patient}",
        ("left", "right") if (patient + number) % 3 else ("left",),
        "test" if patient == 13 else "tuning" if patient == 14 else "development",
        "A" if patient in (1, 4, 6, 9, 10, 12, 14) else "B",
    )
    for patient in range(1, 15)
    for number in range(1 + (patient % 3 == 0))
}
BREASTS = {f"{exam}{side[0].upper()}": (exam, side) for exam, row in EXAMS.items() for side in row[1]}
DEVELOPMENT = sorted(b for b, (exam, _) in BREASTS.items() if EXAMS[exam][2] == "development")


def malignant(breast: str) -> bool:
    exam, side = BREASTS[breast]
    return side == "left" and int(EXAMS[exam][0][1:]) % 2 == 1


def partition() -> dict[str, str]:
    """Breast to role in the fold."""
    members = [Member(b, EXAMS[BREASTS[b][0]][0], malignant(b)) for b in DEVELOPMENT]
    return roles(members, assign_folds(members, FOLDS, SEED, "patient"), FOLD, SHARE, SEED, "patient")


def generator(*key: str) -> np.random.Generator:
    return np.random.default_rng([SEED, *"/".join(key).encode()])


def write_exam(exam: str, change: str | None) -> None:
    """Registered phases and the records before them; `change` is how the exam is altered."""
    patient, sides, _, scanner = EXAMS[exam]
    made = generator(exam, change or "")
    phases = made.gamma(2, 40, (SECTIONS * len(sides), *SHAPE, 1)) * np.array([1.0, 1.5, 1.4, 1.3])
    phases[:, 36:] *= 0.02  # air in front of the breast
    phases *= {"A": 1.0, "B": 9.0}[scanner] * made.uniform(0.9, 1.1, phases.shape)
    times = [0.0, 95.0, 190.0, 285.0]
    if change == "contrast":
        phases = phases**1.3
    elif change == "absurd":
        phases[:, 4:12, 6:20] *= 1e5
        times = [0.0, 1.0, 2.0, 1e6]
    elif change == "scanner":
        scanner, phases = f"never seen {exam}", phases**0.5
    elif change == "empty":
        phases *= 0
    elif change == "damaged":
        phases[0, 0, 0, 0] = np.nan
    elif change == "timeless":
        times = [None] * 4
    affine = np.diag([3.5, 0.5, 0.5, 1.0])
    affine[0, 3] = -3.5 * (SECTIONS - 0.5)
    put(f"results/register/{exam}/register.json", {"case": exam, "stage": "register", "status": "ok"})
    put(f"results/convert/{exam}/convert.json", {"times_s": times, "t2": False, "t2_reason": "none"})
    put(f"results/intake/{exam}/intake.json", {"scanner": {"manufacturer": "GE", "model": scanner, "tesla": 1.5}})
    save(Path(f"results/register/{exam}/registered.nii.gz"), phases.astype(np.float32), affine)


def write_masks(breast: str, change: str | None) -> None:
    """Breast mask and outline on the breast's grid."""
    affine = np.diag([3.5, 0.5, 0.5, 1.0])
    made = generator(breast, change or "")
    low = made.integers(2, 8)
    mask = np.zeros((SECTIONS, *SHAPE), np.uint8)
    mask[:, low:-low, low:-low] = 1
    drawn = np.zeros((1, *SHAPE, 1), np.uint8)
    a, s = made.integers(10, 30, 2)
    drawn[0, a : a + 5, s : s + 5] = 1
    put(f"results/mask/{breast}/mask.json", {"case": breast, "stage": "mask", "status": "ok"})
    put(f"results/outline/{breast}/outline.json", {"case": breast, "stage": "outline", "status": "ok", "section": 4})
    save(Path(f"results/mask/{breast}/mask.nii.gz"), mask, affine)
    save(Path(f"results/outline/{breast}/outlines.nii.gz"), drawn, affine)


def put(path: str, content: object) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(content))


def listed(stage: str, unit: str, cases: Iterable[str], files: dict[str, str]) -> str:
    """A batch's list of all cases of a stage; its path."""
    folder = Path("results", stage)
    made = {case: {name: f"{folder}/{case}/{file}" for name, file in files.items()} for case in cases}
    content = {c: {name: [path, digest_file(Path(path))] for name, path in own.items()} for c, own in made.items()}
    put(f"{folder}/batch_all.json", {"unit": unit, "cases": content})
    return f"{folder}/batch_all.json"


def named(kind: type, files: dict[str, str | list[str]]):
    """Inputs or outputs as Snakemake hands them to a script."""
    found = kind()
    for name, value in files.items():
        start = len(found)
        found.extend([value] if isinstance(value, str) else value)
        found._set_name(name, start, end=None if isinstance(value, str) else len(found))
    return found


def run(script: str, inputs: dict, outputs: dict, wildcards: dict, params: dict) -> None:
    """One job, as Snakemake would run it."""
    for path in outputs.values():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    log = Path("logs", f"{script}-{'-'.join(wildcards.values())}.log")
    log.parent.mkdir(exist_ok=True)
    stub = SimpleNamespace(
        rule=script,
        input=named(InputFiles, inputs),
        output=named(OutputFiles, outputs),
        wildcards=Wildcards(wildcards),
        params=params,
        threads=1,
        log=[str(log)],
        config={},
    )
    runpy.run_path(str(SCRIPTS / f"{script}.py"), init_globals={"snakemake": stub})


class Wildcards(dict):
    __getattr__ = dict.__getitem__


def main(folder: str, plan: dict[str, str]) -> None:
    """Harmonize every breast, then learn the scaling of the fold and train its network."""
    os.chdir(folder)
    os.fsync = lambda descriptor: None  # what a power cut would leave is not asked here, and it takes most of the time
    role = partition()
    way = "histogram"
    for exam in EXAMS:
        write_exam(exam, plan.get(exam))
    for breast in BREASTS:
        write_masks(breast, plan.get(BREASTS[breast][0]))
    registered = {"record": "register.json", "registered": "registered.nii.gz"}
    lists = {"register": listed("register", "exam", EXAMS, registered)}
    lists |= {stage: listed(stage, "exam", EXAMS, {"record": f"{stage}.json"}) for stage in ("intake", "convert")}
    lists["mask"] = listed("mask", "breast", BREASTS, {"record": "mask.json", "mask": "mask.nii.gz"})
    drawn = {"record": "outline.json", "outlines": "outlines.nii.gz"}
    lists["outline"] = listed("outline", "breast", [b for b in DEVELOPMENT if malignant(b)], drawn)
    lists["harmonize"] = f"results/harmonize/{way}/batch_all.json"
    lists["slab"] = f"results/slab/{way}/batch_all.json"
    run(
        "harmonize_breast",
        {stage: lists[stage] for stage in ("intake", "convert", "register")},
        {"batch": lists["harmonize"]},
        {"harmonization": way, "batch": "all"},
        {
            "harmonize": HARMONIZE,
            "unit": "breast",
            "cases": {breast: {"exam": exam, "side": side} for breast, (exam, side) in BREASTS.items()},
            "files": {
                "record": "register.record",
                "intake": "intake.record",
                "convert": "convert.record",
                "registered": "register.registered",
            },
            "made": {
                "record": "results/harmonize/{harmonization}/{breast}/harmonize.json",
                "channels": "results/harmonize/{harmonization}/{breast}/channels.nii.gz",
            },
        },
    )
    rows = [(FOLD, b, EXAMS[BREASTS[b][0]][0], "malignant" if malignant(b) else "benign", role[b]) for b in DEVELOPMENT]
    table = ["\t".join(row) for row in [("fold", "breast", "patient", "label", "role"), *rows]]
    put("results/fold/folds.tsv", None)
    Path("results/fold/folds.tsv").write_text("\n".join(table) + "\n")
    run(
        "fold_scaling",
        {"folds": "results/fold/folds.tsv", "harmonize": lists["harmonize"]},
        {"scaling": "scaling.json"},
        {"harmonization": way, "fold": FOLD},
        {"divisors": "fold", "files": {"records": {"file": "harmonize.record", "cases": DEVELOPMENT}}},
    )
    run(
        "slab_breast",
        {stage: lists[stage] for stage in ("harmonize", "mask", "outline")},
        {"batch": lists["slab"]},
        {"harmonization": way, "batch": "all"},
        {
            "sampling": "paper",
            "margin_mm": None,
            "unit": "breast",
            "cases": {breast: {} for breast in DEVELOPMENT},
            "files": {
                "record": ["harmonize.record", "mask.record", "outline.record"],
                "channels": "harmonize.channels",
                "mask": "mask.mask",
                "outlines": ["outline.outlines"],
            },
            "made": {
                "record": "results/slab/{harmonization}/{breast}/slab.json",
                "slab": "results/slab/{harmonization}/{breast}/slab.npy",
            },
        },
    )
    run(
        "train_fold",
        {"folds": "results/fold/folds.tsv", "scaling": "scaling.json", "slab": lists["slab"]},
        {
            "weights": "weights.pt",
            "last": "last.pt",
            "curve": "curve.tsv",
            "picture": "curve.png",
            "record": "train.json",
        },
        {"arm": "unet", "fold": FOLD},
        {
            "arm": ARM,
            "train": TRAIN,
            "seed": SEED,
            "unit": "patient",
            "files": {"records": "slab.record", "slabs": "slab.slab"},
        },
    )


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
