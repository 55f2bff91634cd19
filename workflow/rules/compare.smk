TABLES = ["main", "equivalence", "tails", "cases", "scores"]


rule compare:
    input:
        expand("results/compare/{arm}/{table}.tsv", arm=study.compared, table=TABLES),


rule compare_arm:
    """Network against readers on the test cases: every table with the meaning of its columns beside it."""
    input:
        segments=lambda wc: expand("results/segment/{arm}/{b}/segment.json", arm=wc.arm, b=study.cases("test")),
        masks=lambda wc: expand("results/segment/{arm}/{b}/mask.nii.gz", arm=wc.arm, b=study.cases("test")),
        outline_records=expand("results/outline/{b}/outline.json", b=study.cases("test")),
        outlines=expand("results/outline/{b}/outlines.nii.gz", b=study.cases("test")),
        twins="results/fold/twins_all.json",
    output:
        **{table: f"results/compare/{{arm}}/{table}.tsv" for table in TABLES},
        columns="results/compare/{arm}/columns.json",
    log:
        "results/logs/compare/{arm}.log",
    benchmark:
        "results/benchmarks/compare/{arm}.tsv"
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        **study.params("compare", "readers", "seed"),
        patients={b: study.patient_of(b) for b in study.cases("test")},
        code=digest("compare_arm"),
    message:
        "compare {wildcards.arm} with the readers"
    script:
        "../scripts/compare_arm.py"
