# What is made only when it is asked for, shared by its rules: the experiments, and the export for nnU-Net with its arms.
EXPERIMENTS = {name: getattr(study.config, name) is not None for name in ("selection", "learning_curve")}
SELECTED, CURVES = selected(study.config), points(study.config)
NNUNET_ARMS = [name for name, arm in study.arms.items() if arm.network == "nnunet"]
NNUNET_DATASET = dataset_name(study.config.study)
NNUNET_RAW = f"results/nnunet/{{harmonization}}/raw/{NNUNET_DATASET}"


def experiment(name):
    """The table of an experiment; a study without that experiment is told which block to add."""
    if not EXPERIMENTS[name]:
        raise WorkflowError(advice(study.config, name))
    return f"results/select/{name}.tsv"


def described(arm):
    """An arm of the selection as its table shows it, with the names of its trainings."""
    chosen = study.arms[arm].model_dump(mode="json", include={"network", "width", "harmonization"})
    return chosen | {"channels": ", ".join(study.arms[arm].channels), "trainings": SELECTED[arm]}


def exported():
    """Harmonizations that are written for nnU-Net: those of its arms, else the primary arm's."""
    return sorted({study.arms[arm].harmonization for arm in NNUNET_ARMS or [study.config.primary_arm]})


def of_the_export(wildcards, path):
    """A file of the nnU-Net dataset that an arm trains on."""
    folder = NNUNET_RAW.format(harmonization=study.arms[wildcards.arm].harmonization)
    return f"{folder}/{path}"


def bundled():
    """The bundle that a site is given; an arm without networks of ours has none to give."""
    arm = study.config.bundle.arm or study.config.primary_arm
    if arm not in study.trained:
        raise WorkflowError(
            f"bundle: {arm} trains no network of ours, so there is nothing to give. Name an arm that does, in the"
            " configuration: bundle: {arm: NAME}"
        )
    if study.config.bundle.floor == "benign" and not study.benign_sample:
        raise WorkflowError(NO_BENIGN)
    return [f"results/bundle/{arm}.zip", f"results/bundle/{arm}.zip.sha256"]


def compared_tables(arm, *tables):
    """Tables of an arm's comparison with the readers; none of an arm that is not compared."""
    return expand("results/compare/{arm}/{table}.tsv", arm=arm, table=tables) if arm in study.compared else []


def project_version():
    """The version of radparity that runs."""
    return tomllib.loads(Path(workflow.basedir, "pyproject.toml").read_text())["project"]["version"]
