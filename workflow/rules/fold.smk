rule fold:
    input:
        "results/fold/folds.tsv",
        expand(
            "results/fold/{harmonization}/{fold}/divisors.json",
            harmonization=study.harmonizations,
            fold=study.folds,
        ),


rule fold_partition:
    """What every development breast is for every fold's network. Made from the sheets alone."""
    output:
        folds="results/fold/folds.tsv",
    log:
        "results/logs/fold/partition.log",
    benchmark:
        "results/benchmarks/fold/partition.tsv"
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        **study.params("fold", "seed"),
        development=[[b, study.patient_of(b), study.breasts[b].label] for b in study.cases("development")],
        code=digest("fold_partition"),
    message:
        "fold: partition of the development cases"
    script:
        "../scripts/fold_partition.py"


rule fold_divisors:
    """One divisor a channel, from the records of this fold's training patients only."""
    input:
        folds="results/fold/folds.tsv",
        records=lambda wc: expand(
            "results/harmonize/{harmonization}/{breast}/harmonize.json",
            harmonization=wc.harmonization,
            breast=study.cases("development"),
        ),
    output:
        divisors="results/fold/{harmonization}/{fold}/divisors.json",
    log:
        "results/logs/fold/{harmonization}_{fold}.log",
    benchmark:
        "results/benchmarks/fold/{harmonization}_{fold}.tsv"
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=digest("fold_divisors"),
    message:
        "fold {wildcards.fold}: divisors of {wildcards.harmonization}"
    script:
        "../scripts/fold_divisors.py"
