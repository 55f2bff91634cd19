# The grid is that of any harmonization: they differ in scale only. The primary arm's is made in any case.
GRID = f"results/harmonize/{study.arms[study.config.primary_arm].harmonization}/{{breast}}"


rule outline:
    input:
        expand("results/outline/{breast}/outline.json", breast=study.outlined),


rule outline_case:
    """All readers' outlines of one case, placed by patient coordinates into the breast's grid."""
    input:
        record=f"{GRID}/harmonize.json",
        channels=f"{GRID}/channels.nii.gz",
        phases=lambda wc: f"results/convert/{study.exam_of(wc.breast)}/phases.nii.gz",
    output:
        record="results/outline/{breast}/outline.json",
        outlines="results/outline/{breast}/outlines.nii.gz",
    log:
        "results/logs/outline/{breast}.log",
    benchmark:
        "results/benchmarks/outline/{breast}.tsv"
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 2000 * attempt,
        runtime=20,
    params:
        files=lambda wc: study.outlines[wc.breast],
        raw=lambda wc: raw_digests(*study.outlines[wc.breast].values()),
        code=digest("outline_case"),
    message:
        "outline {wildcards.breast}"
    script:
        "../scripts/outline_case.py"
