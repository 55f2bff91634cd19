# A target of its own: it reads the tuning cases, or a table, and never a test case.
rule power:
    input:
        "results/power/power.tsv",


rule power_study:
    """How many cases: studies drawn from the pilot, judged by the primary rule."""
    input:
        unpack(pilot),
    output:
        table="results/power/power.tsv",
        verdict="results/power/power.json",
        png="results/power/power.png",
        svg="results/power/power.svg",
    log:
        "results/logs/power/study.log",
    benchmark:
        "results/benchmarks/power/study.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        **study.params("compare", "power", "readers", "seed"),
        files=of_cases(
            study.cases("tuning"),
            segments="segment.record",
            masks="segment.mask",
            outline_records="outline.record",
            outlines="outline.outlines",
        ),
        patients={b: study.patient_of(b) for b in study.cases("tuning")},
        code=digest("power_study"),
    message:
        "power: how many cases"
    script:
        "../scripts/power_study.py"
