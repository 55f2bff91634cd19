TRUE_EXAMS = [exam for exam, row in study.exams.items() if row.truth]
TRUE_BREASTS = [breast for breast in study.breasts if study.exam_of(breast) in TRUE_EXAMS]
TRUE_TEST = [breast for breast in study.cases("test") if breast in TRUE_BREASTS]


rule verify:
    input:
        "results/verify/summary.tsv",


rule verify_exam:
    """Phase times, displacement, lesion volume and DCE slopes of one virtual exam against its truth."""
    input:
        record="results/register/{exam}/register.json",
        convert="results/convert/{exam}/convert.json",
        phases="results/convert/{exam}/phases.nii.gz",
        registered="results/register/{exam}/registered.nii.gz",
        fields="results/register/{exam}/fields.nii.gz",
        masks=lambda wc: [
            f"results/mask/{b}/{f}"
            for b in TRUE_BREASTS
            if study.exam_of(b) == wc.exam
            for f in ("mask.json", "mask.nii.gz")
        ],
    output:
        record="results/verify/{exam}/verify.json",
    log:
        "results/logs/verify/{exam}.log",
    benchmark:
        "results/benchmarks/verify/{exam}.tsv"
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=20,
    params:
        grid=grid_params(),
        truth=lambda wc: study.exams[wc.exam].truth,
        raw=lambda wc: raw_digests(study.exams[wc.exam].truth),
        breasts=lambda wc: {b: study.breasts[b].side for b in TRUE_BREASTS if study.exam_of(b) == wc.exam},
        code=digest("verify_exam"),
    message:
        "verify {wildcards.exam} against its truth"
    script:
        "../scripts/verify_exam.py"


rule verify_study:
    """What the chain measured on the phantoms, as one table; masks of every arm against the true lesion."""
    input:
        exams=expand("results/verify/{exam}/verify.json", exam=TRUE_EXAMS),
        segments=expand("results/segment/{arm}/{b}/segment.json", arm=study.compared, b=TRUE_TEST),
        masks=expand("results/segment/{arm}/{b}/mask.nii.gz", arm=study.compared, b=TRUE_TEST),
        outlines=expand("results/outline/{b}/outlines.nii.gz", b=TRUE_TEST),
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
