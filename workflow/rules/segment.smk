rule segment:
    input:
        [f"results/segment/{arm}/{b}/segment.json" for arm in study.compared for b in study.predicted(arm)],


rule segment_tune:
    """The threshold fraction, from the tuning cases only."""
    input:
        predictions=tuning("results/predict/{arm}/{breast}/predict.json"),
        probabilities=tuning("results/predict/{arm}/{breast}/probability.nii.gz"),
        consensus=tuning("results/consensus/{breast}/consensus.json"),
        references=tuning("results/consensus/{breast}/references.nii.gz"),
    output:
        fraction="results/segment/{arm}/fraction.json",
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
            if study.arms[wc.arm].network != "fuzzy_c_means"
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
