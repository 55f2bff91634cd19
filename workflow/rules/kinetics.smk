rule kinetics:
    input:
        lists("kinetics"),


rule kinetics_exam:
    """Enhancement maps and functional tumour volume from raw phases, against the maps that the site itself made."""
    input:
        convert="results/convert/batch_{batch}.json",
    output:
        batch="results/kinetics/batch_{batch}.json",
    log:
        "results/logs/kinetics/{batch}.log",
    benchmark:
        "results/benchmarks/kinetics/{batch}.tsv"
    retries: RETRIES
    conda:
        "../../envs/dicom.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 3000 * attempt,
        runtime=minutes("kinetics", 2),
    params:
        unit="exam",
        cases=lambda wc: {
            exam: {"maps": study.maps(exam), "raw": raw_digests(*study.maps(exam).values())}
            for exam in members("kinetics", wc)
        },
        files={"record": "convert.record", "phases": "convert.phases"},
        made={
            "record": "results/kinetics/{exam}/kinetics.json",
            "maps": "results/kinetics/{exam}/maps.nii.gz",
        },
        code=digest("kinetics_exam"),
    message:
        "kinetics {wildcards.batch}"
    script:
        "../scripts/kinetics_exam.py"
