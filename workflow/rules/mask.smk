rule mask:
    input:
        expand("results/mask/{breast}/mask.json", breast=study.breasts),


rule mask_breast:
    """The breast mask on the breast's grid: the network's spatial prior."""
    input:
        record=lambda wc: f"results/register/{study.exam_of(wc.breast)}/register.json",
        registered=lambda wc: f"results/register/{study.exam_of(wc.breast)}/registered.nii.gz",
    output:
        record="results/mask/{breast}/mask.json",
        mask="results/mask/{breast}/mask.nii.gz",
    log:
        "results/logs/mask/{breast}.log",
    benchmark:
        "results/benchmarks/mask/{breast}.tsv"
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 2000 * attempt,
        runtime=20,
    params:
        **study.params("harmonize"),
        side=lambda wc: study.breasts[wc.breast].side,
        code=digest("mask_breast"),
    message:
        "mask {wildcards.breast}"
    script:
        "../scripts/mask_breast.py"
