# Without input and output, so that it looks at what stands, whenever it is asked, and makes nothing else run first.
rule audit:
    """The audit of what stands now."""
    log:
        "results/logs/audit/study.log",
    conda:
        "../../envs/dicom.yaml"
    threads: 2
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        **audited(),
        code=digest("audit_study"),
    message:
        "audit what stands"
    script:
        "../scripts/audit_study.py"


# It leaves audit.json and index.html whatever it finds, and ends well only where that is green: so the call of a study
# with a fault fails, and the next one audits again.
rule audit_study:
    """Every file under results/ against its recorded digest, and searched for what identifies the source's patients."""
    input:
        report_files(),
        expand("results/compare/{arm}/main.tsv", arm=study.compared),
        lambda wc: kept_lists(),
        lambda wc: waiting_lists(),
    output:
        green="results/audit/green.json",
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
        **audited(),
        code=digest("audit_study"),
    message:
        "audit"
    script:
        "../scripts/audit_study.py"
