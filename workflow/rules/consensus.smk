rule consensus:
    input:
        lists("consensus"),


rule consensus_case:
    """Leave-one-reader-out references of one case; of one or two raters the reference that is common to all."""
    input:
        outline="results/outline/batch_{batch}.json",
    output:
        batch="results/consensus/batch_{batch}.json",
    log:
        "results/logs/consensus/{batch}.log",
    benchmark:
        "results/benchmarks/consensus/{batch}.tsv"
    retries: RETRIES
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=minutes("consensus", 0.2),
    params:
        readers=study.config.readers.test,
        unit="breast",
        cases=lambda wc: {breast: {} for breast in members("consensus", wc)},
        files={"record": "outline.record", "outlines": "outline.outlines"},
        made={
            "record": "results/consensus/{breast}/consensus.json",
            "references": "results/consensus/{breast}/references.nii.gz",
        },
        reference=study.config.compare.reference,
        code=digest("consensus_case"),
    message:
        "consensus {wildcards.batch}"
    script:
        "../scripts/consensus_case.py"
