rule predict:
    input:
        [f"results/predict/{arm}/{b}/predict.json" for arm in study.compared for b in study.predicted(arm)],


rule predict_case:
    """Probability map of one case: mean over the folds' networks."""
    input:
        record=lambda wc: f"results/harmonize/{study.arms[wc.arm].harmonization}/{wc.breast}/harmonize.json",
        channels=lambda wc: f"results/harmonize/{study.arms[wc.arm].harmonization}/{wc.breast}/channels.nii.gz",
        mask_record="results/mask/{breast}/mask.json",
        mask="results/mask/{breast}/mask.nii.gz",
        folds="results/fold/folds.tsv",
        outline=lambda wc: f"results/outline/{wc.breast}/outline.json" if wc.breast in study.outlines else [],
        weights=lambda wc: (
            expand("results/train/{arm}/{fold}/weights.pt", arm=wc.arm, fold=study.folds)
            if wc.arm in study.trained
            else []
        ),
    output:
        record="results/predict/{arm}/{breast}/predict.json",
        probability="results/predict/{arm}/{breast}/probability.nii.gz",
    log:
        "results/logs/predict/{arm}_{breast}.log",
    benchmark:
        "results/benchmarks/predict/{arm}_{breast}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: (study.config.predict.memory_mb + 2500) * attempt,
        runtime=60,
    params:
        **study.params("predict"),
        device=study.config.train.device,
        section=lambda wc: study.breasts[wc.breast].section,
        arm=lambda wc: study.arms[wc.arm].model_dump(mode="json"),
        code=digest("predict_case"),
    message:
        "predict {wildcards.breast} with {wildcards.arm}"
    script:
        "../scripts/predict_case.py"
