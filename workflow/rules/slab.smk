rule slab:
    input:
        expand(
            "results/slab/{harmonization}/{breast}/slab.json",
            harmonization=sorted({arm.harmonization for arm in study.trained.values()}),
            breast=study.cases("development"),
        ),


rule slab_breast:
    """The sections of one development breast that training draws from, for every fold and arm of a harmonization."""
    input:
        record=lambda wc: [
            f"results/harmonize/{wc.harmonization}/{wc.breast}/harmonize.json",
            f"results/mask/{wc.breast}/mask.json",
            *if_malignant(wc, "results/outline/{breast}/outline.json"),
        ],
        channels="results/harmonize/{harmonization}/{breast}/channels.nii.gz",
        mask="results/mask/{breast}/mask.nii.gz",
        outlines=lambda wc: if_malignant(wc, "results/outline/{breast}/outlines.nii.gz"),
    output:
        record="results/slab/{harmonization}/{breast}/slab.json",
        slab="results/slab/{harmonization}/{breast}/slab.npy",
    log:
        "results/logs/slab/{harmonization}/{breast}.log",
    benchmark:
        "results/benchmarks/slab/{harmonization}/{breast}.tsv"
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 2000 * attempt,
        runtime=20,
    params:
        sampling=study.config.train.sampling,
        code=digest("slab_breast"),
    message:
        "slab of {wildcards.breast}, {wildcards.harmonization}"
    script:
        "../scripts/slab_breast.py"
