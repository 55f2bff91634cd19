rule intake:
    input:
        lists("intake"),


rule intake_exam:
    """Headers only: series roles, phases with times, faults. The raw folder enters by its content digest, and so does
    the table of times of an exam that comes as NIfTI."""
    input:
        download=of_batch("download", optional=True),
    output:
        batch="results/intake/batch_{batch}.json",
    log:
        "results/logs/intake/{batch}.log",
    benchmark:
        "results/benchmarks/intake/{batch}.tsv"
    retries: RETRIES
    conda:
        "../../envs/dicom.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 1000 * attempt,
        runtime=minutes("intake", 1),
    params:
        unit="exam",
        cases=lambda wc: {
            exam: {
                "folder": study.exams[exam].folder,
                "times": study.exams[exam].times,
                "side": study.exams[exam].side,
                "roles": study.roles(exam),
                "one_patient": study.one_patient(exam),
                "raw": raw_digests(*filter(None, [study.exams[exam].folder, study.exams[exam].times])),
                "reads": {"download": study.announced.owners(study.exams[exam].folder)},
            }
            for exam in members("intake", wc)
        },
        files={"record": "download.record"},
        made={"record": "results/intake/{exam}/intake.json"},
        code=digest("intake_exam"),
    message:
        "intake {wildcards.batch}"
    script:
        "../scripts/intake_exam.py"
