TRUE_BREASTS = [b for b, row in study.breasts.items() if row.exam in study.entered and study.exams[row.exam].truth]
TRUE_TEST = [breast for breast in study.cases("test") if breast in TRUE_BREASTS]


rule verify:
    input:
        "results/verify/summary.tsv",


rule verify_exam:
    """Phase times, displacement, lesion volume and DCE slopes of one virtual exam against its truth."""
    input:
        register="results/register/batch_{batch}.json",
        convert="results/convert/batch_{batch}.json",
        mask="results/mask/batch_{batch}.json",
    output:
        batch="results/verify/batch_{batch}.json",
    log:
        "results/logs/verify/{batch}.log",
    benchmark:
        "results/benchmarks/verify/{batch}.tsv"
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=20,
    params:
        grid=grid_params(),
        unit="exam",
        cases=lambda wc: {
            exam: {
                "truth": study.exams[exam].truth,
                "raw": raw_digests(study.exams[exam].truth),
                "breasts": {b: study.breasts[b].side for b in TRUE_BREASTS if study.exam_of(b) == exam},
                "reads": {"mask": [b for b in TRUE_BREASTS if study.exam_of(b) == exam]},
            }
            for exam in members("verify", wc)
        },
        files={
            "record": "register.record",
            "convert": "convert.record",
            "phases": "convert.phases",
            "registered": "register.registered",
            "fields": "register.fields",
            "masks": ["mask.mask"],
            "mask_records": ["mask.record"],
        },
        made={"record": "results/verify/{exam}/verify.json"},
        code=digest("verify_exam"),
    message:
        "verify {wildcards.batch} against its truth"
    script:
        "../scripts/verify_exam.py"


rule verify_study:
    """What the chain measured on the phantoms, as one table; masks of every arm against the true lesion."""
    input:
        verify=lists("verify"),
        segment=lambda wc: [path for arm in study.compared for path in batches("segment", TRUE_TEST, arm=arm)],
        outline=lists("outline", TRUE_TEST),
    output:
        summary="results/verify/summary.tsv",
        cases="results/verify/cases.tsv",
    log:
        "results/logs/verify/study.log",
    benchmark:
        "results/benchmarks/verify/study.tsv"
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        files={
            "exams": "verify.record",
            "segments": chosen("segment.record", TRUE_TEST),
            "masks": chosen("segment.mask", TRUE_TEST),
            "outlines": chosen("outline.outlines", TRUE_TEST),
        },
        truths={b: study.exams[study.exam_of(b)].truth for b in TRUE_TEST},
        raw=raw_digests(*(study.exams[study.exam_of(b)].truth for b in TRUE_TEST)),
        arms=list(study.compared),
        located=study.located,
        readers=study.config.readers.test,
        code=digest("verify_study"),
    message:
        "verify the study against the phantoms' truth"
    script:
        "../scripts/verify_study.py"
