rule predict:
    input:
        [f"results/predict/{arm}/{b}/predict.json" for arm in study.compared for b in study.predicted(arm)],


rule predict_case:
    """Probability map of one case, the mean over the folds' networks, and how far they disagree."""
    input:
        record=lambda wc: [
            f"results/harmonize/{study.arms[wc.arm].harmonization}/{wc.breast}/harmonize.json",
            f"results/mask/{wc.breast}/mask.json",
        ],
        channels=lambda wc: f"results/harmonize/{study.arms[wc.arm].harmonization}/{wc.breast}/channels.nii.gz",
        mask="results/mask/{breast}/mask.nii.gz",
        folds="results/fold/folds.tsv",
        outline=lambda wc: f"results/outline/{wc.breast}/outline.json" if wc.breast in study.outlines else [],
        outlines=lambda wc: (
            f"results/outline/{wc.breast}/outlines.nii.gz" if study.arms[wc.arm].location_given else []
        ),
        weights=lambda wc: (
            expand("results/train/{arm}/{fold}/weights.pt", arm=wc.arm, fold=study.folds)
            if wc.arm in study.trained
            else []
        ),
    output:
        record="results/predict/{arm}/{breast}/predict.json",
        probability="results/predict/{arm}/{breast}/probability.nii.gz",
        disagreement="results/predict/{arm}/{breast}/disagreement.nii.gz",
    log:
        "results/logs/predict/{arm}_{breast}.log",
    benchmark:
        "results/benchmarks/predict/{arm}_{breast}.tsv"
    wildcard_constraints:
        arm="|".join(arm for arm in study.arms if study.arms[arm].network != "nnunet"),
    retries: 1
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
        readers=study.config.readers.test,
        arm=lambda wc: study.arms[wc.arm].model_dump(mode="json"),
        code=digest("predict_case"),
    message:
        "predict {wildcards.breast} with {wildcards.arm}"
    script:
        "../scripts/predict_case.py"


rule predict_held_out:
    """The cancers that one fold holds out, on their outlined sections, by that fold's network alone."""
    input:
        folds="results/fold/folds.tsv",
        records=lambda wc: cancers(wc, "results/harmonize/{harmonization}/{breast}/harmonize.json"),
        channels=lambda wc: cancers(wc, "results/harmonize/{harmonization}/{breast}/channels.nii.gz"),
        mask_records=lambda wc: cancers(wc, "results/mask/{breast}/mask.json"),
        masks=lambda wc: cancers(wc, "results/mask/{breast}/mask.nii.gz"),
        outline_records=lambda wc: cancers(wc, "results/outline/{breast}/outline.json"),
        outlines=lambda wc: cancers(wc, "results/outline/{breast}/outlines.nii.gz"),
        weights=lambda wc: f"results/train/{wc.arm}/{wc.fold}/weights.pt" if wc.arm in study.trained else [],
    output:
        record="results/predict/{arm}/held_out_{fold}.json",
        maps="results/predict/{arm}/held_out_{fold}.npz",
    log:
        "results/logs/predict/{arm}_held_out_{fold}.log",
    benchmark:
        "results/benchmarks/predict/{arm}_held_out_{fold}.tsv"
    wildcard_constraints:
        arm="|".join(arm for arm in study.arms if study.arms[arm].network != "nnunet"),
    retries: 1
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: (study.config.predict.memory_mb + 2500) * attempt,
        runtime=lambda wc, attempt: 480 * attempt,
    params:
        **study.params("predict"),
        device=study.config.train.device,
        arm=lambda wc: study.arms[wc.arm].model_dump(mode="json"),
        code=digest("predict_held_out"),
    message:
        "predict the held-out cancers of fold {wildcards.fold} with {wildcards.arm}"
    script:
        "../scripts/predict_held_out.py"
