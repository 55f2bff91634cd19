"""The partition table: what every development breast is for every fold."""

from radparity.fold import Member, assign_folds, roles
from radparity.job import job

with job(snakemake) as run:
    settings, seed = run.params["fold"], run.params["seed"]
    members = [Member(breast, patient, label == "malignant") for breast, patient, label in run.params["development"]]
    folds = [str(number) for number in range(1, settings["folds"] + 1)]
    assigned = assign_folds(members, folds, seed, settings["unit"])
    lines = ["fold\tbreast\tpatient\tlabel\trole"]
    for fold in folds:
        role = roles(members, assigned, fold, settings["validation"], seed, settings["unit"])
        for m in members:
            label = "malignant" if m.malignant else "benign"
            lines.append(f"{fold}\t{m.breast}\t{m.patient}\t{label}\t{role[m.breast]}")
    run.output["folds"].write_text("\n".join(lines) + "\n")
