# The nodes of a cluster have no way out as a rule: this runs where Snakemake runs.
localrules:
    download_exam,


rule download:
    input:
        lists("download"),


rule download_exam:
    """Series from a public store, object by object, each verified on arrival. The addresses stay in the sheet."""
    output:
        batch="results/download/batch_{batch}.json",
    log:
        "results/logs/download/{batch}.log",
    benchmark:
        "results/benchmarks/download/{batch}.tsv"
    conda:
        "../../envs/download.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=minutes("download", 30),
    params:
        unit="exam",
        cases=lambda wc: {exam: {"announced": study.announced.exam(exam)} for exam in members("download", wc)},
        files={},
        made={"record": "results/download/{exam}/download.json"},
        code=digest("download_exam"),
    message:
        "download {wildcards.batch}"
    script:
        "../scripts/download_exam.py"
