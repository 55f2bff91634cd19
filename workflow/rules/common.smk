# Functions that several rules share.


def raw_digests(*paths):
    """Content digest of each raw path that a rule reads, for its params; the audit checks them against the sweep."""
    return {path: raw[path] for path in sorted(paths)}


def grid_params():
    """What decides on a breast's grid: params of every rule that puts something on it."""
    chosen = study.params("harmonize")["harmonize"]
    return {name: chosen[name] for name in ("in_plane", "section_mm")}


def development(wildcards, pattern, label=None):
    """One file of every development breast, for this arm's harmonization."""
    harmonization = study.trained[wildcards.arm].harmonization
    return expand(pattern, breast=study.cases("development", label=label), harmonization=harmonization)


def cancers(wildcards, pattern):
    """One file of every development breast with cancer, for this arm's harmonization, trained or not."""
    harmonization = study.arms[wildcards.arm].harmonization
    return expand(pattern, breast=study.cases("development", label="malignant"), harmonization=harmonization)


def benign(wildcards, pattern):
    """A file of each benign breast whose section maximum is looked at, for this arm's harmonization."""
    harmonization = study.arms[wildcards.arm].harmonization
    return expand(pattern, breast=study.benign_sample, harmonization=harmonization)


def if_benign(wildcards, pattern):
    """A file of an arm's predictions of benign breasts; none of an arm without networks of ours."""
    return [pattern.format(arm=wildcards.arm)] if wildcards.arm in study.trained and study.benign_sample else []


def if_malignant(wildcards, pattern):
    """A file that only malignant breasts have, as a list of one or none."""
    return [pattern.format(breast=wildcards.breast)] if study.breasts[wildcards.breast].label == "malignant" else []


def masked(pattern):
    """A file of each exam that has a breast with a mask to train the mask network on."""
    return [pattern.format(exam=study.exam_of(breast)) for breast in study.breast_masks]


def tuning(pattern):
    """A file of each tuning case, for the wildcard's arm."""
    return lambda wc: expand(pattern, arm=wc.arm, breast=study.cases("tuning"))


def tested(pattern):
    """A file of each test case, for the wildcard's arm; `{primary}` stands for the primary one."""
    return lambda wc: expand(pattern, arm=wc.arm, primary=study.config.primary_arm, breast=study.cases("test"))


def pilot(wildcards):
    """What the power study draws from: the tuning cases as the primary arm segmented them, or a table."""
    if study.config.power.pilot != "tuning":
        return {"pilot": study.config.power.pilot}
    named = {"breast": study.cases("tuning"), "arm": study.config.primary_arm}
    return {
        "segments": expand("results/segment/{arm}/{breast}/segment.json", **named),
        "masks": expand("results/segment/{arm}/{breast}/mask.nii.gz", **named),
        "outline_records": expand("results/outline/{breast}/outline.json", **named),
        "outlines": expand("results/outline/{breast}/outlines.nii.gz", **named),
    }


def experiment(name):
    """The table of an experiment; a study without that experiment is told which block to add."""
    if not EXPERIMENTS[name]:
        raise WorkflowError(advice(study.config, name))
    return f"results/select/{name}.tsv"


def described(arm):
    """An arm of the selection as its table shows it, with the names of its trainings."""
    chosen = study.arms[arm].model_dump(mode="json", include={"network", "width", "harmonization"})
    return chosen | {"channels": ", ".join(study.arms[arm].channels), "trainings": SELECTED[arm]}


def any_of(arms):
    """The wildcard constraint of rules that belong to these arms only; with none of them it matches nothing."""
    return "|".join(arms) or "(?!)"


def exported():
    """Harmonizations that are written for nnU-Net: those of its arms, else the primary arm's."""
    return sorted({study.arms[arm].harmonization for arm in NNUNET_ARMS or [study.config.primary_arm]})


def of_the_export(wildcards, path):
    """A file of the nnU-Net dataset that an arm trains on."""
    folder = NNUNET_RAW.format(harmonization=study.arms[wildcards.arm].harmonization)
    return f"{folder}/{path}"


def shown_cases():
    """Cases with pictures: a test case for the DCE panel and the outlines, and the cases of the partition `shown`."""
    return study.cases("test") + study.cases("shown")
