# Not asked for by `all`: it says how long each job took, which no two runs have alike.
rule crate:
    input:
        "results/crate/ro-crate-metadata.json",


rule crate_study:
    """This run as a Provenance Run Crate, for programs that know no ledger of ours."""
    input:
        "results/report/index.html",
        expand("results/compare/{arm}/main.tsv", arm=study.compared),
    output:
        crate="results/crate/ro-crate-metadata.json",
    log:
        "results/logs/crate/study.log",
    benchmark:
        "results/benchmarks/crate/study.tsv"
    conda:
        "../../envs/crate.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        about=described_run,
        level=study.config.crate,
        code=digest("crate_study"),
    message:
        "crate"
    script:
        "../scripts/crate_study.py"
