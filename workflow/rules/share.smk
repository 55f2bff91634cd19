# Asked for by nothing but its target.
rule share:
    input:
        "results/share/report.zip",


rule share_study:
    """A copy of the report to send away: no paths, hosts, users and dates, no small counts, searched for leaks."""
    input:
        pages=sorted({*rules.report_study.output.pages, rules.report_study.output.cases, *loaded()}),
        cases=lists("page") if study.config.share.cases == "anonymous" else [],
        main=f"results/compare/{study.config.primary_arm}/main.tsv",
        raw="results/raw/digests.tsv",
    output:
        shared="results/share/report.zip",
        said="results/share/share.json",
    log:
        "results/logs/share/study.log",
    benchmark:
        "results/benchmarks/share/study.tsv"
    conda:
        "../../envs/dicom.yaml"
    threads: 2
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        **study.params("share", "seed"),
        allow=study.config.deidentify.allow,
        people=people(),
        known=assets(),
        files={"case_pages": "cases.page", "thumbnails": "cases.thumbnail"},
        code=digest("share_study"),
    message:
        "share"
    script:
        "../scripts/share_study.py"
