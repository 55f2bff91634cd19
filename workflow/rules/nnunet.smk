# The development cases as an nnU-Net raw dataset, one a harmonization, and arms that nnU-Net trains on it.
#
# One job a breast writes its files straight into imagesTr/ and labelsTr/, so that nothing is copied and a new case costs
# one job. The files of an excluded breast are empty; dataset.json lists the usable ones, and nnU-Net reads no others.


rule nnunet:
    input:
        expand("results/nnunet/{arm}/{fold}/weights.pth", arm=NNUNET_ARMS, fold=study.folds),


rule export_nnunet:
    input:
        expand(f"{NNUNET_RAW}/{{file}}", harmonization=exported(), file=["dataset.json", "splits_final.json"]),


rule nnunet_case:
    """One development breast's images, one file a channel, and its labels."""
    input:
        harmonize="results/harmonize/{harmonization}/batch_{batch}.json",
        mask="results/mask/batch_{batch}.json",
        outline=of_batch("outline", optional=True),
    output:
        batch="results/nnunet/{harmonization}/batch_{batch}.json",
    log:
        "results/logs/nnunet/{harmonization}_{batch}.log",
    benchmark:
        "results/benchmarks/nnunet/{harmonization}_{batch}.tsv"
    retries: RETRIES
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 2000 * attempt,
        runtime=20,
    params:
        unit="breast",
        margin_mm=study.config.train.tumour_free_margin,
        cases=lambda wc: {breast: outlined_cancer(breast) for breast in members("nnunet", wc)},
        files={
            "record": ["harmonize.record", "mask.record", "outline.record"],
            "channels": "harmonize.channels",
            "outlines": ["outline.outlines"],
        },
        made={
            **{name: f"{NNUNET_RAW}/{image_name('{breast}', n)}" for n, name in enumerate(DEFAULT_CHANNELS)},
            "record": "results/nnunet/{harmonization}/{breast}/nnunet.json",
            "labels": f"{NNUNET_RAW}/{label_name('{breast}')}",
        },
        code=digest("nnunet_case"),
    message:
        "nnunet: export {wildcards.batch}, {wildcards.harmonization}"
    script:
        "../scripts/nnunet_case.py"


rule nnunet_dataset:
    """dataset.json of the usable breasts, and the study's folds in nnU-Net's words."""
    input:
        folds="results/fold/folds.tsv",
        nnunet=lambda wc: batches("nnunet", harmonization=wc.harmonization),
    output:
        dataset=f"{NNUNET_RAW}/dataset.json",
        splits=f"{NNUNET_RAW}/splits_final.json",
        record="results/nnunet/{harmonization}/export.json",
    log:
        "results/logs/nnunet/{harmonization}.log",
    benchmark:
        "results/benchmarks/nnunet/{harmonization}.tsv"
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        folds=study.folds,
        files={"records": "nnunet.record"},
        code=digest("nnunet_dataset"),
    message:
        "nnunet: dataset of {wildcards.harmonization}"
    script:
        "../scripts/nnunet_dataset.py"


rule nnunet_fold:
    """One fold's nnU-Net. What it prepares and its checkpoints lie beside results/, so that a killed job resumes."""
    input:
        dataset=lambda wc: of_the_export(wc, "dataset.json"),
        splits=lambda wc: of_the_export(wc, "splits_final.json"),
        nnunet=of_the_arm("nnunet"),
    output:
        weights="results/nnunet/{arm}/{fold}/weights.pth",
        curve="results/nnunet/{arm}/{fold}/curve.tsv",
        record="results/nnunet/{arm}/{fold}/train.json",
    log:
        "results/logs/nnunet/{arm}_{fold}.log",
    benchmark:
        "results/benchmarks/nnunet/{arm}_{fold}.tsv"
    wildcard_constraints:
        arm=any_of(NNUNET_ARMS),
    priority: 20
    retries: RETRIES
    conda:
        "../../envs/nnunet.yaml"
    threads: max(1, study.config.nnunet.workers)
    resources:
        mem_mb=lambda wc, attempt: 12000 * attempt,
        runtime=lambda wc, attempt: 2880 * attempt,
    params:
        **study.params("nnunet", "seed"),
        number=lambda wc: study.folds.index(wc.fold),
        device=study.config.train.device,
        channels=lambda wc: list(study.arms[wc.arm].channels),
        files={name: f"nnunet.{name}" for name in ("record", "labels", *DEFAULT_CHANNELS)},
        code=digest("nnunet_fold"),
    message:
        "nnunet: train {wildcards.arm}, fold {wildcards.fold}"
    script:
        "../scripts/nnunet_fold.py"
