rule segment:
    input:
        [lists("segment", arm=arm) for arm in study.compared],
        expand("results/segment/{arm}/{table}.tsv", arm=study.compared, table=["curve", "maxima"]),


rule segment_tune:
    """The threshold fraction, from the tuning cases only, its curve, and how firmly it is chosen."""
    input:
        predict=tuning("predict"),
        consensus=tuning("consensus"),
        outline=tuning("outline"),
    output:
        fraction="results/segment/{arm}/fraction.json",
        curve="results/segment/{arm}/curve.tsv",
        columns="results/segment/{arm}/curve_columns.json",
    log:
        "results/logs/segment/{arm}_tune.log",
    benchmark:
        "results/benchmarks/segment/{arm}_tune.tsv"
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        segment=lambda wc: study.segmenting(wc.arm),
        reference=study.config.compare.reference,
        bootstrap=study.config.compare.bootstrap,
        seed=study.config.seed,
        patients={b: study.patient_of(b) for b in study.cases("tuning")},
        files=of_cases(
            study.cases("tuning"),
            predictions="predict.record",
            probabilities="predict.probability",
            consensus_records="consensus.record",
            references="consensus.references",
            outline_records="outline.record",
            outlines="outline.outlines",
        ),
        code=digest("segment_tune"),
    message:
        "segment: tune the fraction of {wildcards.arm}"
    script:
        "../scripts/segment_tune.py"


rule segment_case:
    """The mask of one case on its outlined section (or the likeliest one, for a case that nobody outlined)."""
    input:
        predict="results/predict/{arm}/batch_{batch}.json",
        fraction="results/segment/{arm}/fraction.json",
    output:
        batch="results/segment/{arm}/batch_{batch}.json",
    log:
        "results/logs/segment/{arm}_{batch}.log",
    benchmark:
        "results/benchmarks/segment/{arm}_{batch}.tsv"
    retries: RETRIES
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=minutes("segment", 0.2),
    params:
        segment=lambda wc: study.segmenting(wc.arm),
        unit="breast",
        cases=lambda wc: {breast: {} for breast in members("segment", wc)},
        files=lambda wc: {
            "record": "predict.record",
            "probability": "predict.probability",
            # Of one network, or none, there is no disagreement.
            "disagreement": (
                [] if study.arms[wc.arm].network in ("fuzzy_c_means", "external") else ["predict.disagreement"]
            ),
        },
        made={
            "record": "results/segment/{arm}/{breast}/segment.json",
            "mask": "results/segment/{arm}/{breast}/mask.nii.gz",
        },
        code=digest("segment_case"),
    message:
        "segment {wildcards.batch} with {wildcards.arm}"
    script:
        "../scripts/segment_case.py"


rule segment_maxima:
    """Section maxima of the test cases and of benign breasts: a relative threshold always returns a lesion."""
    input:
        segment=tested("segment"),
        predict=tested("predict"),
        fraction="results/segment/{arm}/fraction.json",
        benign=lambda wc: if_benign(wc, "results/predict/{arm}/benign.json"),
        benign_maps=lambda wc: if_benign(wc, "results/predict/{arm}/benign.npz"),
    output:
        maxima="results/segment/{arm}/maxima.tsv",
        columns="results/segment/{arm}/maxima_columns.json",
    log:
        "results/logs/segment/{arm}_maxima.log",
    benchmark:
        "results/benchmarks/segment/{arm}_maxima.tsv"
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        segment=lambda wc: study.segmenting(wc.arm),
        patients=lambda wc: {b: study.patient_of(b) for b in study.cases("test") + study.benign_sample},
        files=of_cases(
            study.cases("test"),
            segments="segment.record",
            masks="segment.mask",
            predictions="predict.record",
        ),
        code=digest("segment_maxima"),
    message:
        "segment: maxima of {wildcards.arm}"
    script:
        "../scripts/segment_maxima.py"
