MASK = study.config.mask
MASK_NETWORK = MASK.method == "network"
MASK_TRAINED = bool(study.breast_masks)


rule mask:
    input:
        expand("results/mask/{breast}/mask.json", breast=study.breasts),


rule mask_train:
    """The mask network, from the masks of development breasts. Only where the study asks for one and has no weights."""
    input:
        eligible=masked("results/eligible/{exam}/eligible.json"),
        records=masked("results/register/{exam}/register.json"),
        registered=masked("results/register/{exam}/registered.nii.gz"),
    output:
        weights="results/mask/weights.pt",
        curve="results/mask/curve.tsv",
        record="results/mask/train.json",
    log:
        "results/logs/mask/train.log",
    benchmark:
        "results/benchmarks/mask/train.tsv"
    priority: 30
    retries: 1
    conda:
        "../../envs/train.yaml"
    threads: 2
    resources:
        mem_mb=lambda wc, attempt: (4000 + 50 * len(study.breast_masks)) * attempt,
        runtime=lambda wc, attempt: 2880 * attempt,
    params:
        **study.params("mask", "seed"),
        grid=grid_params(),
        device=study.config.train.device,
        breasts=[[b, study.patient_of(b), study.breasts[b].side, path] for b, path in study.breast_masks.items()],
        raw=raw_digests(*study.breast_masks.values()) if MASK_TRAINED else {},
        code=digest("mask_train"),
    message:
        "mask: training the network"
    script:
        "../scripts/mask_train.py"


rule mask_breast:
    """The breast mask on the breast's grid: the network's spatial prior."""
    input:
        record=lambda wc: expand(
            "results/{stage}/{exam}/{stage}.json", stage=["eligible", "register"], exam=study.exam_of(wc.breast)
        ),
        registered=lambda wc: f"results/register/{study.exam_of(wc.breast)}/registered.nii.gz",
        weights="results/mask/weights.pt" if MASK_TRAINED else [],
    output:
        record="results/mask/{breast}/mask.json",
        mask="results/mask/{breast}/mask.nii.gz",
    log:
        "results/logs/mask/{breast}.log",
    benchmark:
        "results/benchmarks/mask/{breast}.tsv"
    conda:
        "../../envs/train.yaml" if MASK_NETWORK else "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 3000 * attempt,
        runtime=30,
    params:
        grid=grid_params(),
        method=MASK.method,
        fat=MASK.fat,
        weights=MASK.weights,
        raw=raw_digests(MASK.weights) if MASK.weights else {},
        side=lambda wc: study.breasts[wc.breast].side,
        code=digest("mask_breast"),
    message:
        "mask {wildcards.breast}"
    script:
        "../scripts/mask_breast.py"
