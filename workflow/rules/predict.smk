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
        arm=any_of(arm for arm in study.arms if study.arms[arm].network not in ("nnunet", "external")),
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


rule predict_external:
    """The map or mask of one case that was made elsewhere, in the form of predict_case."""
    input:
        record=lambda wc: f"results/harmonize/{study.arms[wc.arm].harmonization}/{wc.breast}/harmonize.json",
        channels=lambda wc: f"results/harmonize/{study.arms[wc.arm].harmonization}/{wc.breast}/channels.nii.gz",
        phases=lambda wc: f"results/convert/{study.exam_of(wc.breast)}/phases.nii.gz",
        outline=lambda wc: f"results/outline/{wc.breast}/outline.json" if wc.breast in study.outlines else [],
        outlines=lambda wc: f"results/outline/{wc.breast}/outlines.nii.gz" if wc.breast in study.outlines else [],
    output:
        record="results/predict/{arm}/{breast}/predict.json",
        probability="results/predict/{arm}/{breast}/probability.nii.gz",
        disagreement="results/predict/{arm}/{breast}/disagreement.nii.gz",
    log:
        "results/logs/predict/{arm}_{breast}.log",
    benchmark:
        "results/benchmarks/predict/{arm}_{breast}.tsv"
    wildcard_constraints:
        arm=any_of(study.externals),
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 2000 * attempt,
        runtime=20,
    params:
        given=lambda wc: study.external(wc.arm, wc.breast),
        raw=lambda wc: raw_digests(*filter(None, [study.external(wc.arm, wc.breast)["file"]])),
        arm=lambda wc: study.arms[wc.arm].model_dump(mode="json", include={"absolute", "component"}),
        component=study.config.segment.component,
        section=lambda wc: study.breasts[wc.breast].section,
        accepted=lambda wc: study.outline_accepted(wc.breast),
        code=digest("predict_external"),
    message:
        "place {wildcards.breast} of {wildcards.arm}"
    script:
        "../scripts/predict_external.py"


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
        arm=any_of(arm for arm in study.arms if study.arms[arm].network not in ("nnunet", "external")),
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


rule predict_benign:
    """The central section of some benign development breasts, each by the network of the fold that holds it out."""
    input:
        folds="results/fold/folds.tsv",
        records=lambda wc: benign(wc, "results/harmonize/{harmonization}/{breast}/harmonize.json"),
        channels=lambda wc: benign(wc, "results/harmonize/{harmonization}/{breast}/channels.nii.gz"),
        mask_records=lambda wc: benign(wc, "results/mask/{breast}/mask.json"),
        masks=lambda wc: benign(wc, "results/mask/{breast}/mask.nii.gz"),
        weights=expand("results/train/{{arm}}/{fold}/weights.pt", fold=study.folds),
    output:
        record="results/predict/{arm}/benign.json",
        maps="results/predict/{arm}/benign.npz",
    log:
        "results/logs/predict/{arm}_benign.log",
    benchmark:
        "results/benchmarks/predict/{arm}_benign.tsv"
    wildcard_constraints:
        arm=any_of(study.trained),
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
        channels=lambda wc: study.arms[wc.arm].channels,
        code=digest("predict_benign"),
    message:
        "predict benign breasts with {wildcards.arm}"
    script:
        "../scripts/predict_benign.py"
