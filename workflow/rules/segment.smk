rule segment:
    input:
        [f"results/segment/{arm}/{b}/segment.json" for arm in study.compared for b in study.predicted(arm)],
        expand("results/segment/{arm}/{table}.tsv", arm=study.compared, table=["curve", "maxima"]),


rule segment_tune:
    """The threshold fraction, from the tuning cases only, its curve, and how firmly it is chosen."""
    input:
        predictions=tuning("results/predict/{arm}/{breast}/predict.json"),
        probabilities=tuning("results/predict/{arm}/{breast}/probability.nii.gz"),
        consensus=tuning("results/consensus/{breast}/consensus.json"),
        references=tuning("results/consensus/{breast}/references.nii.gz"),
        outline_records=tuning("results/outline/{breast}/outline.json"),
        outlines=tuning("results/outline/{breast}/outlines.nii.gz"),
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
        code=digest("segment_tune"),
    message:
        "segment: tune the fraction of {wildcards.arm}"
    script:
        "../scripts/segment_tune.py"


rule segment_case:
    """The mask of one case on its outlined section (or the likeliest one, for a case that nobody outlined)."""
    input:
        record="results/predict/{arm}/{breast}/predict.json",
        probability="results/predict/{arm}/{breast}/probability.nii.gz",
        disagreement=lambda wc: (
            f"results/predict/{wc.arm}/{wc.breast}/disagreement.nii.gz"
            if study.arms[wc.arm].network not in ("fuzzy_c_means", "external")
            else []
        ),
        fraction="results/segment/{arm}/fraction.json",
    output:
        record="results/segment/{arm}/{breast}/segment.json",
        mask="results/segment/{arm}/{breast}/mask.nii.gz",
    log:
        "results/logs/segment/{arm}_{breast}.log",
    benchmark:
        "results/benchmarks/segment/{arm}_{breast}.tsv"
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        segment=lambda wc: study.segmenting(wc.arm),
        code=digest("segment_case"),
    message:
        "segment {wildcards.breast} with {wildcards.arm}"
    script:
        "../scripts/segment_case.py"


rule segment_maxima:
    """Section maxima of the test cases and of benign breasts: a relative threshold always returns a lesion."""
    input:
        segments=tested("results/segment/{arm}/{breast}/segment.json"),
        masks=tested("results/segment/{arm}/{breast}/mask.nii.gz"),
        predictions=tested("results/predict/{arm}/{breast}/predict.json"),
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
        patients={b: study.patient_of(b) for b in study.cases("test") + study.benign_sample},
        code=digest("segment_maxima"),
    message:
        "segment: maxima of {wildcards.arm}"
    script:
        "../scripts/segment_maxima.py"
