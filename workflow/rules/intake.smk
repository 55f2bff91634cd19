rule intake:
    input:
        expand("results/intake/{exam}/intake.json", exam=study.exams),


rule intake_exam:
    """Headers only: series roles, phases with times, faults. The raw folder enters by its content digest."""
    output:
        record="results/intake/{exam}/intake.json",
    log:
        "results/logs/intake/{exam}.log",
    benchmark:
        "results/benchmarks/intake/{exam}.tsv"
    conda:
        "../../envs/dicom.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 1000 * attempt,
        runtime=20,
    params:
        folder=lambda wc: study.exams[wc.exam].folder,
        side=lambda wc: study.exams[wc.exam].side,
        roles=lambda wc: study.roles(wc.exam),
        one_patient=lambda wc: study.one_patient(wc.exam),
        raw=lambda wc: raw_digests(study.exams[wc.exam].folder),
        code=digest("intake_exam"),
    message:
        "intake {wildcards.exam}"
    script:
        "../scripts/intake_exam.py"
