CANCERS = study.cases("development", label="malignant")


rule fold:
    input:
        "results/fold/folds.tsv",
        expand(
            "results/fold/{harmonization}/{fold}/scaling.json",
            harmonization=study.harmonizations,
            fold=study.folds,
        ),


# The partition waits for the development exams only: training waits for the same ones, so a new batch of test cases
# trains nothing again. An ancient() input of all exams would not do: while the check is due, Snakemake 9.27.1 overlooks
# changed params of every job behind it.
CHECKED = ("development", "all")


rule fold_twins:
    """Fails where two patients have the same pixels: no partition (development exams) and no comparison (all) until a
    person has resolved it."""
    input:
        convert=lambda wc: batches("convert", checked_exams(wc.checked)),
    output:
        twins="results/fold/twins_{checked}.json",
    log:
        "results/logs/fold/twins_{checked}.log",
    benchmark:
        "results/benchmarks/fold/twins_{checked}.tsv"
    wildcard_constraints:
        checked="|".join(CHECKED),
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        patients=lambda wc: {exam: study.patients[exam] for exam in checked_exams(wc.checked)},
        files=lambda wc: {"records": chosen("convert.record", checked_exams(wc.checked))},
        code=digest("fold_twins"),
    message:
        "fold: the same pixels under two patients? ({wildcards.checked} exams)"
    script:
        "../scripts/fold_twins.py"


rule fold_partition:
    """What every development breast is for every fold's network: from the sheets and the folds that `radparity sweep`
    gave, once there are no twins."""
    input:
        twins="results/fold/twins_development.json",
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
        development=lambda wc: [
            [b, study.patient_of(b), study.breasts[b].label, study.held_out[b]] for b in study.cases("development")
        ],
        pilot=study.config.pilot,
        code=digest("fold_partition"),
    message:
        "fold: partition of the development cases"
    script:
        "../scripts/fold_partition.py"


rule fold_scaling:
    """Divisors and, for histogram, landmarks of each scanner: from the records of this fold's training patients only."""
    input:
        folds="results/fold/folds.tsv",
        harmonize=lambda wc: batches("harmonize", study.cases("development"), harmonization=wc.harmonization),
    output:
        scaling="results/fold/{harmonization}/{fold}/scaling.json",
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
        divisors=study.config.harmonize.divisors,
        files={"records": chosen("harmonize.record", study.cases("development"))},
        code=digest("fold_scaling"),
    message:
        "fold {wildcards.fold}: scaling of {wildcards.harmonization}"
    script:
        "../scripts/fold_scaling.py"
