from radparity.tested_on import grouped_by


rule shift:
    input:
        shift_files(),


rule shift_breast:
    """What is measured of the cancers of a batch to tell cohorts apart: acquisition, intensities in the breast."""
    input:
        intake="results/intake/batch_{batch}.json",
        convert="results/convert/batch_{batch}.json",
        harmonize=of_batch("harmonize"),
        mask="results/mask/batch_{batch}.json",
    output:
        batch="results/shift/{harmonization}/batch_{batch}.json",
    log:
        "results/logs/shift/{harmonization}/{batch}.log",
    benchmark:
        "results/benchmarks/shift/{harmonization}/{batch}.tsv"
    retries: RETRIES
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 2000 * attempt,
        runtime=minutes("shift", 0.3),
    params:
        unit="breast",
        cases=lambda wc: {breast: {"exam": study.exam_of(breast)} for breast in members("shift", wc)},
        files={
            "intake": "intake.record",
            "convert": "convert.record",
            "harmonize": "harmonize.record",
            "channels": "harmonize.channels",
            "record": ["mask.record"],
            "mask": "mask.mask",
        },
        made={"record": "results/shift/{harmonization}/{breast}/shift.json"},
        code=digest("shift_breast"),
    message:
        "shift: facts of {wildcards.batch}, {wildcards.harmonization}"
    script:
        "../scripts/shift_breast.py"


rule shift_study:
    """The external test beside the internal one, by cohort, site and scanner, and how the cohorts differ."""
    input:
        cases="results/compare/{arm}/cases.tsv",
        shift=of_the_arm("shift"),
        segment=lambda wc: batches("segment", study.cases("internal"), arm=wc.arm),
        outline=lists("outline", study.cases("internal")),
    output:
        **{table: f"results/shift/{{arm}}/{table}.tsv" for table in SHIFT_TABLES},
        columns="results/shift/{arm}/columns.json",
        picture="results/shift/{arm}/shift.png",
    log:
        "results/logs/shift/{arm}.log",
    benchmark:
        "results/benchmarks/shift/{arm}.tsv"
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        **study.params("compare", "readers", "seed"),
        patients=lambda wc: {breast: study.patient_of(breast) for breast in study.shifted},
        tested=lambda wc: study.cases("test"),
        groups=lambda wc: grouped_by(study, study.cases("test", "internal")),
        files={"records": "shift.record"}
        | of_cases(
            study.cases("internal"),
            segments="segment.record",
            masks="segment.mask",
            outline_records="outline.record",
            outlines="outline.outlines",
        ),
        code=digest("shift_study"),
    message:
        "shift: external and internal test of {wildcards.arm}"
    script:
        "../scripts/shift_study.py"
