rule view:
    input:
        lists("view"),


rule view_breast:
    """What a case's page shows of its images without the network; blind to it, and kept when the phases go."""
    input:
        convert="results/convert/batch_{batch}.json",
        register="results/register/batch_{batch}.json",
        harmonize=of_batch("harmonize", harmonization=GRID),
        mask="results/mask/batch_{batch}.json",
        outline=of_batch("outline", optional=True),
    output:
        batch="results/view/batch_{batch}.json",
    log:
        "results/logs/view/{batch}.log",
    benchmark:
        "results/benchmarks/view/{batch}.tsv"
    retries: RETRIES
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 3000 * attempt,
        runtime=minutes("view", 0.5),
    params:
        grid=grid_params(),
        unit="breast",
        cases=lambda wc: {
            breast: {
                "exam": study.exam_of(breast),
                "side": study.breasts[breast].side,
                "section": study.breasts[breast].section,
            }
            for breast in members("view", wc)
        },
        files={
            "record": ["harmonize.record", "mask.record"],
            "harmonize": "harmonize.record",
            "channels": "harmonize.channels",
            "phases": "convert.phases",
            "registered": "register.registered",
            "mask": "mask.mask",
            "outline": ["outline.record"],
            "outlines": ["outline.outlines"],
        },
        made={
            "record": "results/view/{breast}/view.json",
            "view": "results/view/{breast}/view.npz",
            "thumbnail": "results/view/{breast}/thumbnail.webp",
        },
        code=digest("view_breast"),
    message:
        "view {wildcards.batch}"
    script:
        "../scripts/view_breast.py"
