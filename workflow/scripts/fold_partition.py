"""The partition table: what every development breast is for every fold."""

from radparity.fold import Member, roles
from radparity.job import job

with job(snakemake) as run:
    settings, seed = run.params["fold"], run.params["seed"]
    rows = run.params["development"]
    members = [Member(breast, patient, label == "malignant") for breast, patient, label, _ in rows]
    assigned = {breast: fold for breast, *_, fold in rows}
    folds = [str(number) for number in range(1, settings["folds"] + 1)]
    lines = ["fold\tbreast\tpatient\tlabel\trole"]
    for fold in folds:
        role = roles(members, assigned, fold, settings["validation"], seed, settings["unit"])
        for m in members:
            label = "malignant" if m.malignant else "benign"
            lines.append(f"{fold}\t{m.breast}\t{m.patient}\t{label}\t{role[m.breast]}")
    run.output["folds"].write_text("\n".join(lines) + "\n")
