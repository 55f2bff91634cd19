rule audit:
    input:
        "results/audit/audit.json",


rule audit_study:
    """Every file under results/ against its recorded digest, every input against the output it was."""
    input:
        "results/report/index.html",
        expand("results/compare/{arm}/main.tsv", arm=study.config.arms),
    output:
        audit="results/audit/audit.json",
    log:
        "results/logs/audit/study.log",
    benchmark:
        "results/benchmarks/audit/study.tsv"
    conda:
        "../../envs/image.yaml"
    threads: 2
    resources:
        mem_mb=1000,
        runtime=120,
    params:
        raw=raw_digests(*study.raw_paths()),
        code=digest("audit_study"),
    message:
        "audit"
    script:
        "../scripts/audit_study.py"
