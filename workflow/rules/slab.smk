rule slab:
    input:
        [lists("slab", harmonization=each) for each in sorted({arm.harmonization for arm in study.trained.values()})],


rule slab_breast:
    """The sections of one development breast that training draws from, for every fold and arm of a harmonization."""
    input:
        harmonize="results/harmonize/{harmonization}/batch_{batch}.json",
        mask="results/mask/batch_{batch}.json",
        outline=of_batch("outline", optional=True),
    output:
        batch="results/slab/{harmonization}/batch_{batch}.json",
    log:
        "results/logs/slab/{harmonization}/{batch}.log",
    benchmark:
        "results/benchmarks/slab/{harmonization}/{batch}.tsv"
    retries: RETRIES
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 2000 * attempt,
        runtime=minutes("slab", 0.2),
    params:
        sampling=study.config.train.sampling,
        margin_mm=study.config.train.tumour_free_margin,
        unit="breast",
        cases=lambda wc: {breast: outlined_cancer(breast) for breast in members("slab", wc)},
        files={
            "record": ["harmonize.record", "mask.record", "outline.record"],
            "channels": "harmonize.channels",
            "mask": "mask.mask",
            "outlines": ["outline.outlines"],
        },
        made={
            "record": "results/slab/{harmonization}/{breast}/slab.json",
            "slab": "results/slab/{harmonization}/{breast}/slab.npy",
        },
        code=digest("slab_breast"),
    message:
        "slabs of {wildcards.batch}, {wildcards.harmonization}"
    script:
        "../scripts/slab_breast.py"
