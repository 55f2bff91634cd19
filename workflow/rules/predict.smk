rule predict:
    input:
        [lists("predict", arm=arm) for arm in study.compared],


rule predict_case:
    """Probability map of one case, the mean over the folds' networks, and how far they disagree."""
    input:
        harmonize=of_batch("harmonize"),
        mask=of_batch("mask"),
        folds="results/fold/folds.tsv",
        outline=of_batch("outline", optional=True),
        weights=lambda wc: (
            expand("results/train/{arm}/{fold}/weights.pt", arm=wc.arm, fold=study.folds)
            if wc.arm in study.trained
            else []
        ),
    output:
        batch="results/predict/{arm}/batch_{batch}.json",
    log:
        "results/logs/predict/{arm}_{batch}.log",
    benchmark:
        "results/benchmarks/predict/{arm}_{batch}.tsv"
    wildcard_constraints:
        arm=any_of(arm for arm in study.arms if study.arms[arm].network not in ("nnunet", "external")),
    retries: RETRIES
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: (study.config.predict.memory_mb + 2500) * attempt,
        runtime=minutes("predict", 5),
    params:
        **study.params("predict"),
        device=study.config.train.device,
        readers=study.config.readers.test,
        arm=lambda wc: study.arms[wc.arm].model_dump(mode="json"),
        unit="breast",
        cases=lambda wc: {breast: {"section": study.breasts[breast].section} for breast in members("predict", wc)},
        files=lambda wc: {
            "record": ["harmonize.record", "mask.record"],
            "channels": "harmonize.channels",
            "mask": "mask.mask",
            "outline": ["outline.record"],
            "outlines": ["outline.outlines"] if study.arms[wc.arm].location_given else [],
        },
        made={
            "record": "results/predict/{arm}/{breast}/predict.json",
            "probability": "results/predict/{arm}/{breast}/probability.nii.gz",
            "disagreement": "results/predict/{arm}/{breast}/disagreement.nii.gz",
        },
        code=digest("predict_case"),
    message:
        "predict {wildcards.batch} with {wildcards.arm}"
    script:
        "../scripts/predict_case.py"


rule predict_external:
    """The map or mask of one case that was made elsewhere, in the form of predict_case."""
    input:
        harmonize=of_batch("harmonize"),
        convert="results/convert/batch_{batch}.json",
        outline=of_batch("outline", optional=True),
    output:
        batch="results/predict/{arm}/batch_{batch}.json",
    log:
        "results/logs/predict/{arm}_{batch}.log",
    benchmark:
        "results/benchmarks/predict/{arm}_{batch}.tsv"
    wildcard_constraints:
        arm=any_of(study.externals),
    retries: RETRIES
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 2000 * attempt,
        runtime=minutes("predict", 1),
    params:
        unit="breast",
        cases=lambda wc: {
            breast: {
                "exam": study.exam_of(breast),
                "given": study.external(wc.arm, breast),
                "raw": raw_digests(*filter(None, [study.external(wc.arm, breast)["file"]])),
                "section": study.breasts[breast].section,
                "accepted": study.outline_accepted(breast),
            }
            for breast in members("predict", wc)
        },
        files={
            "record": "harmonize.record",
            "channels": "harmonize.channels",
            "phases": "convert.phases",
            "outline": ["outline.record"],
            "outlines": ["outline.outlines"],
        },
        made={
            "record": "results/predict/{arm}/{breast}/predict.json",
            "probability": "results/predict/{arm}/{breast}/probability.nii.gz",
            "disagreement": "results/predict/{arm}/{breast}/disagreement.nii.gz",
        },
        arm=lambda wc: study.arms[wc.arm].model_dump(mode="json", include={"absolute", "component"}),
        component=study.config.segment.component,
        code=digest("predict_external"),
    message:
        "place {wildcards.batch} of {wildcards.arm}"
    script:
        "../scripts/predict_external.py"


rule predict_held_out:
    """The cancers that one fold holds out, on their outlined sections, by that fold's network alone."""
    input:
        folds="results/fold/folds.tsv",
        harmonize=of_the_arm("harmonize", CANCERS),
        mask=lists("mask", CANCERS),
        outline=lists("outline", CANCERS),
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
    retries: RETRIES
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
        files=of_cases(
            CANCERS,
            records="harmonize.record",
            channels="harmonize.channels",
            mask_records="mask.record",
            masks="mask.mask",
            outline_records="outline.record",
            outlines="outline.outlines",
        ),
        code=digest("predict_held_out"),
    message:
        "predict the held-out cancers of fold {wildcards.fold} with {wildcards.arm}"
    script:
        "../scripts/predict_held_out.py"


rule predict_benign:
    """The central section of some benign development breasts, each by the network of the fold that holds it out."""
    input:
        folds="results/fold/folds.tsv",
        harmonize=lambda wc: batches("harmonize", study.benign_sample, harmonization=study.arms[wc.arm].harmonization),
        mask=lambda wc: batches("mask", study.benign_sample),
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
    retries: RETRIES
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
        files=lambda wc: {
            "records": chosen("harmonize.record", study.benign_sample),
            "channels": chosen("harmonize.channels", study.benign_sample),
            "mask_records": chosen("mask.record", study.benign_sample),
            "masks": chosen("mask.mask", study.benign_sample),
        },
        code=digest("predict_benign"),
    message:
        "predict benign breasts with {wildcards.arm}"
    script:
        "../scripts/predict_benign.py"
