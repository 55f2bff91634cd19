rule eligible:
    input:
        lists("eligible"),


rule eligible_exam:
    """The rules in order, and the decisions that override them, on one exam and its breasts.

    A `keep` rule also reads the patient's other exams that could take this one's place.
    """
    input:
        intake="results/intake/batch_{batch}.json",
    output:
        batch="results/eligible/batch_{batch}.json",
    log:
        "results/logs/eligible/{batch}.log",
    benchmark:
        "results/benchmarks/eligible/{batch}.tsv"
    conda:
        "../../envs/dicom.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        unit="exam",
        cases=lambda wc: {
            exam: {
                "sheets": study.enrolment.params(exam),
                "reads": {"intake": [exam, *study.enrolment.rivals(exam)]},
            }
            for exam in members("eligible", wc)
        },
        files={"intake": ["intake.record"]},
        made={"record": "results/eligible/{exam}/eligible.json"},
        code=digest("eligible_exam"),
    message:
        "eligible {wildcards.batch}"
    script:
        "../scripts/eligible_exam.py"
