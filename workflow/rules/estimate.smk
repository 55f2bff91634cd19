from radparity.estimate import demands, made_harmonizations, raw_megabytes, trainings


localrules:
    estimate,
    estimate_study,


# Without any output, so that every call prints it, beside the free space of that moment.
rule estimate:
    """Hours, disk and files that the study will take, from its sheets and what was measured for two exams."""
    input:
        table="results/estimate/estimate.tsv",
    log:
        "results/logs/estimate/shown.log",
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        code=digest("estimate_shown"),
    message:
        "estimate"
    script:
        "../scripts/estimate_shown.py"


rule estimate_study:
    """The estimate as a table."""
    input:
        measured="resources/estimate/measured.tsv",
        steps="resources/estimate/steps.tsv",
    output:
        table="results/estimate/estimate.tsv",
    log:
        "results/logs/estimate/study.log",
    benchmark:
        "results/benchmarks/estimate/study.tsv"
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        cases=lambda wc: [list(one) for one in demands(study, raw_megabytes())],
        trainings=lambda wc: [list(one) for one in trainings(study)],
        download=study.announced.totals(),
        megabits_per_second=study.config.estimate.megabits_per_second,
        jobs=batch_jobs,
        gpu_seconds_a_step=study.config.estimate.gpu_seconds_a_step,
        code=digest("estimate_study"),
    message:
        "estimate: count"
    script:
        "../scripts/estimate_study.py"
