from radparity.compare.columns import FEW_TABLES, TABLES as MANY_TABLES

# One or two raters have no consensus: other tables, and none of equivalence.
TABLES = FEW_TABLES if study.few else MANY_TABLES
RETHRESHOLDED = [] if study.few else study.compared


rule compare:
    input:
        expand("results/compare/{arm}/{table}.tsv", arm=study.compared, table=TABLES),
        expand("results/compare/{arm}/located.tsv", arm=study.located),
        expand("results/compare/{arm}/thresholds.tsv", arm=RETHRESHOLDED),


rule compare_arm:
    """Network against readers (or the one reference) on the test cases: every table with the meaning of its columns beside it."""
    input:
        segment=tested("segment"),
        outline=tested("outline"),
        twins="results/fold/twins_all.json",
    output:
        **{table: f"results/compare/{{arm}}/{table}.tsv" for table in TABLES},
        columns="results/compare/{arm}/columns.json",
        plan="results/compare/{arm}/plan.json",
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
        location_given=lambda wc: wc.arm in study.located,
        pilot=study.whole is not study,
        primary=study.config.primary_arm,
        folder=study.config.plan,
        locked=lambda wc: study.plan.digest if study.plan else None,
        planned=study.planned,
        patients={b: study.patient_of(b) for b in study.cases("test")},
        groups=study.subgroups,
        files=of_cases(
            study.cases("test"),
            segments="segment.record",
            masks="segment.mask",
            outline_records="outline.record",
            outlines="outline.outlines",
        ),
        code=digest("compare_arm"),
    message:
        "compare {wildcards.arm} with the outlines"
    script:
        "../scripts/compare_arm.py"


rule compare_located:
    """An arm that is given the location, beside the primary network and the readers inside the same box."""
    input:
        segment=tested("segment"),
        primary=batches("segment", study.cases("test"), arm=study.config.primary_arm),
        outline=tested("outline"),
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
        files=of_cases(
            study.cases("test"),
            segments="segment.record",
            masks="segment.mask",
            outline_records="outline.record",
            outlines="outline.outlines",
            primary_segments="primary.record",
            primary_masks="primary.mask",
        ),
        code=digest("compare_located"),
    message:
        "compare {wildcards.arm} inside the readers' box"
    script:
        "../scripts/compare_located.py"


rule compare_thresholds:
    """An arm on the test cases at other operating points, after the comparison, whose look at them is on record."""
    input:
        scores="results/compare/{arm}/scores.tsv",
        segment=tested("segment"),
        outline=tested("outline"),
        predict=tested("predict"),
        fraction="results/segment/{arm}/fraction.json",
    output:
        thresholds="results/compare/{arm}/thresholds.tsv",
        columns="results/compare/{arm}/thresholds_columns.json",
    log:
        "results/logs/compare/{arm}_thresholds.log",
    benchmark:
        "results/benchmarks/compare/{arm}_thresholds.tsv"
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        **study.params("compare", "readers", "seed"),
        segment=lambda wc: study.segmenting(wc.arm),
        patients={b: study.patient_of(b) for b in study.cases("test")},
        files=of_cases(
            study.cases("test"),
            segments="segment.record",
            masks="segment.mask",
            outline_records="outline.record",
            outlines="outline.outlines",
            predictions="predict.record",
            probabilities="predict.probability",
        ),
        code=digest("compare_thresholds"),
    message:
        "compare {wildcards.arm} at other thresholds"
    script:
        "../scripts/compare_thresholds.py"
