READ = study.cases("tuning", "test")


rule consensus:
    input:
        expand("results/consensus/{breast}/consensus.json", breast=READ),


rule consensus_case:
    """Leave-one-reader-out references of one case."""
    input:
        record="results/outline/{breast}/outline.json",
        outlines="results/outline/{breast}/outlines.nii.gz",
    output:
        record="results/consensus/{breast}/consensus.json",
        references="results/consensus/{breast}/references.nii.gz",
    log:
        "results/logs/consensus/{breast}.log",
    benchmark:
        "results/benchmarks/consensus/{breast}.tsv"
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        readers=study.config.readers.test,
        reference=study.config.compare.reference,
        code=digest("consensus_case"),
    message:
        "consensus {wildcards.breast}"
    script:
        "../scripts/consensus_case.py"
