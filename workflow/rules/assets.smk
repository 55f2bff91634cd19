rule report_assets:
    """What the report's pages load: style, scripts, and the browser's libraries with their licences."""
    input:
        files=assets(),
    output:
        files=loaded(),
    log:
        "results/logs/report/assets.log",
    benchmark:
        "results/benchmarks/report/assets.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        code=digest("report_assets"),
    message:
        "what the pages load"
    script:
        "../scripts/report_assets.py"
