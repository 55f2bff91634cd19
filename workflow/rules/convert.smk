rule convert:
    input:
        expand("results/convert/{exam}/convert.json", exam=study.exams),


rule convert_exam:
    """Phase by phase with dcm2niix into one RAS+ volume with the phases along the fourth axis; the T2-weighted series,
    where there is one, into another."""
    input:
        record="results/eligible/{exam}/eligible.json",
        intake="results/intake/{exam}/intake.json",
    output:
        record="results/convert/{exam}/convert.json",
        phases="results/convert/{exam}/phases.nii.gz",
        t2="results/convert/{exam}/t2.nii.gz",
    log:
        "results/logs/convert/{exam}.log",
    benchmark:
        "results/benchmarks/convert/{exam}.tsv"
    conda:
        "../../envs/dicom.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 2000 * attempt,
        runtime=20,
    params:
        folder=lambda wc: study.exams[wc.exam].folder,
        raw=lambda wc: raw_digests(study.exams[wc.exam].folder),
        code=digest("convert_exam"),
    message:
        "convert {wildcards.exam}"
    script:
        "../scripts/convert_exam.py"
