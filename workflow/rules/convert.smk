rule convert:
    input:
        lists("convert"),


rule convert_exam:
    """Phase by phase with dcm2niix into one RAS+ volume with the phases along the fourth axis; the T2-weighted series,
    where there is one, into another."""
    input:
        eligible="results/eligible/batch_{batch}.json",
        intake="results/intake/batch_{batch}.json",
    output:
        batch="results/convert/batch_{batch}.json",
    log:
        "results/logs/convert/{batch}.log",
    benchmark:
        "results/benchmarks/convert/{batch}.tsv"
    retries: RETRIES
    conda:
        "../../envs/dicom.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 2000 * attempt,
        runtime=minutes("convert", 2),
    params:
        unit="exam",
        cases=lambda wc: {
            exam: {"folder": study.exams[exam].folder, "raw": raw_digests(study.exams[exam].folder)}
            for exam in members("convert", wc)
        },
        files={"record": "eligible.record", "intake": "intake.record"},
        made={
            "record": "results/convert/{exam}/convert.json",
            "phases": "results/convert/{exam}/phases.nii.gz",
            "t2": "results/convert/{exam}/t2.nii.gz",
        },
        code=digest("convert_exam"),
    message:
        "convert {wildcards.batch}"
    script:
        "../scripts/convert_exam.py"
