# Arms of nnU-Net on the cases, and on the cancers that a fold holds out.


rule nnunet_predict:
    """Probability map of one case: mean over the folds' nnU-Nets, in the form of predict_case."""
    input:
        harmonize=of_batch("harmonize"),
        mask=of_batch("mask"),
        outline=of_batch("outline", optional=True),
        weights=lambda wc: expand("results/nnunet/{arm}/{fold}/weights.pth", arm=wc.arm, fold=study.folds),
    output:
        batch="results/predict/{arm}/batch_{batch}.json",
    log:
        "results/logs/predict/{arm}_{batch}.log",
    benchmark:
        "results/benchmarks/predict/{arm}_{batch}.tsv"
    wildcard_constraints:
        arm=any_of(NNUNET_ARMS),
    retries: RETRIES
    conda:
        "../../envs/nnunet.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 8000 * attempt,
        runtime=minutes("predict", 20),
    params:
        **study.params("nnunet", "predict"),
        device=study.config.train.device,
        unit="breast",
        cases=lambda wc: {breast: {"section": study.breasts[breast].section} for breast in members("predict", wc)},
        files={
            "record": ["harmonize.record", "mask.record"],
            "channels": "harmonize.channels",
            "outline": ["outline.record"],
        },
        made={
            "record": "results/predict/{arm}/{breast}/predict.json",
            "probability": "results/predict/{arm}/{breast}/probability.nii.gz",
            "disagreement": "results/predict/{arm}/{breast}/disagreement.nii.gz",
        },
        code=digest("nnunet_predict"),
    message:
        "predict {wildcards.batch} with {wildcards.arm}"
    script:
        "../scripts/nnunet_predict.py"


rule nnunet_held_out:
    """The cancers that one fold holds out, on their outlined sections, in the form of predict_held_out."""
    input:
        folds="results/fold/folds.tsv",
        harmonize=of_the_arm("harmonize", CANCERS),
        mask=lists("mask", CANCERS),
        outline=lists("outline", CANCERS),
        weights="results/nnunet/{arm}/{fold}/weights.pth",
    output:
        record="results/predict/{arm}/held_out_{fold}.json",
        maps="results/predict/{arm}/held_out_{fold}.npz",
    log:
        "results/logs/predict/{arm}_held_out_{fold}.log",
    benchmark:
        "results/benchmarks/predict/{arm}_held_out_{fold}.tsv"
    wildcard_constraints:
        arm=any_of(NNUNET_ARMS),
    retries: RETRIES
    conda:
        "../../envs/nnunet.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 8000 * attempt,
        runtime=lambda wc, attempt: 1440 * attempt,
    params:
        **study.params("nnunet"),
        device=study.config.train.device,
        files=of_cases(
            CANCERS,
            records="harmonize.record",
            channels="harmonize.channels",
            mask_records="mask.record",
            outline_records="outline.record",
        ),
        code=digest("nnunet_held_out"),
    message:
        "predict the held-out cancers of fold {wildcards.fold} with {wildcards.arm}"
    script:
        "../scripts/nnunet_held_out.py"
