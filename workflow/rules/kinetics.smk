WITH_MAPS = [exam for exam in study.exams if study.maps(exam)]


rule kinetics:
    input:
        expand("results/kinetics/{exam}/kinetics.json", exam=WITH_MAPS),


rule kinetics_exam:
    """Enhancement maps and functional tumour volume from raw phases, against the maps that the site itself made."""
    input:
        record="results/convert/{exam}/convert.json",
        phases="results/convert/{exam}/phases.nii.gz",
    output:
        record="results/kinetics/{exam}/kinetics.json",
        maps="results/kinetics/{exam}/maps.nii.gz",
    log:
        "results/logs/kinetics/{exam}.log",
    benchmark:
        "results/benchmarks/kinetics/{exam}.tsv"
    conda:
        "../../envs/dicom.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 3000 * attempt,
        runtime=20,
    params:
        maps=lambda wc: study.maps(wc.exam),
        raw=lambda wc: raw_digests(*study.maps(wc.exam).values()),
        code=digest("kinetics_exam"),
    message:
        "kinetics {wildcards.exam}"
    script:
        "../scripts/kinetics_exam.py"
