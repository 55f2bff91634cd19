rule audit:
    input:
        "results/audit/audit.json",


rule audit_study:
    """Every file under results/ against its recorded digest, and searched for what identifies the source's patients."""
    input:
        "results/report/index.html",
        expand("results/compare/{arm}/main.tsv", arm=study.compared),
        lambda wc: kept_lists(),
    output:
        audit="results/audit/audit.json",
    log:
        "results/logs/audit/study.log",
    benchmark:
        "results/benchmarks/audit/study.tsv"
    conda:
        "../../envs/dicom.yaml"
    threads: 2
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        raw=lambda wc: raw_digests(*study.whole.raw_paths()),
        allow=study.config.deidentify.allow,
        code=digest("audit_study"),
    message:
        "audit"
    script:
        "../scripts/audit_study.py"
