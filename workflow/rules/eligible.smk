rule eligible:
    input:
        expand("results/eligible/{exam}/eligible.json", exam=study.exams),


rule eligible_exam:
    """The rules in order, and the decisions that override them, on one exam and its breasts.

    A `keep` rule also reads the patient's other exams that could take this one's place.
    """
    input:
        intake=lambda wc: expand("results/intake/{exam}/intake.json", exam=[wc.exam, *study.enrolment.rivals(wc.exam)]),
    output:
        record="results/eligible/{exam}/eligible.json",
    log:
        "results/logs/eligible/{exam}.log",
    benchmark:
        "results/benchmarks/eligible/{exam}.tsv"
    conda:
        "../../envs/dicom.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        sheets=lambda wc: study.enrolment.params(wc.exam),
        code=digest("eligible_exam"),
    message:
        "eligible {wildcards.exam}"
    script:
        "../scripts/eligible_exam.py"
