TABLES = ["main", "equivalence", "tails", "cases", "scores"]


rule compare:
    input:
        expand("results/compare/{arm}/{table}.tsv", arm=study.compared, table=TABLES),
        expand("results/compare/{arm}/located.tsv", arm=study.located),


rule compare_arm:
    """Network against readers on the test cases: every table with the meaning of its columns beside it."""
    input:
        segments=tested("results/segment/{arm}/{breast}/segment.json"),
        masks=tested("results/segment/{arm}/{breast}/mask.nii.gz"),
        outline_records=tested("results/outline/{breast}/outline.json"),
        outlines=tested("results/outline/{breast}/outlines.nii.gz"),
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
        arm=lambda wc: {
            "confirmatory": wc.arm == study.config.primary_arm,
            "location_given": wc.arm in study.located,
        },
        patients={b: study.patient_of(b) for b in study.cases("test")},
        code=digest("compare_arm"),
    message:
        "compare {wildcards.arm} with the readers"
    script:
        "../scripts/compare_arm.py"


rule compare_located:
    """An arm that is given the location, beside the primary network and the readers inside the same box."""
    input:
        segments=tested("results/segment/{arm}/{breast}/segment.json"),
        masks=tested("results/segment/{arm}/{breast}/mask.nii.gz"),
        primary_segments=tested("results/segment/{primary}/{breast}/segment.json"),
        primary_masks=tested("results/segment/{primary}/{breast}/mask.nii.gz"),
        outline_records=tested("results/outline/{breast}/outline.json"),
        outlines=tested("results/outline/{breast}/outlines.nii.gz"),
    output:
        located="results/compare/{arm}/located.tsv",
        columns="results/compare/{arm}/located_columns.json",
    log:
        "results/logs/compare/{arm}_located.log",
    benchmark:
        "results/benchmarks/compare/{arm}_located.tsv"
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        **study.params("compare", "readers", "seed"),
        patients={b: study.patient_of(b) for b in study.cases("test")},
        code=digest("compare_located"),
    message:
        "compare {wildcards.arm} inside the readers' box"
    script:
        "../scripts/compare_located.py"
