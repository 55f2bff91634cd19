MASK = study.config.mask
MASK_NETWORK = MASK.method == "network"
MASK_TRAINED = bool(study.breast_masks)
MASKED_EXAMS = [study.exam_of(breast) for breast in study.breast_masks]


rule mask:
    input:
        lists("mask"),


rule mask_train:
    """The mask network, from the masks of development breasts. Only where the study asks for one and has no weights."""
    input:
        eligible=batches("eligible", MASKED_EXAMS),
        register=batches("register", MASKED_EXAMS),
    output:
        weights="results/mask/weights.pt",
        curve="results/mask/curve.tsv",
        record="results/mask/train.json",
    log:
        "results/logs/mask/train.log",
    benchmark:
        "results/benchmarks/mask/train.tsv"
    priority: 30
    retries: RETRIES
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
        files=of_cases(
            MASKED_EXAMS,
            eligible="eligible.record",
            records="register.record",
            registered="register.registered",
        ),
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
        eligible="results/eligible/batch_{batch}.json",
        register="results/register/batch_{batch}.json",
        # Not read: so that the exam chain, as one job of a cluster, needs one core and the memory of one.
        harmonize=of_batch("harmonize", harmonization=GRID),
        weights="results/mask/weights.pt" if MASK_TRAINED else [],
    output:
        batch="results/mask/batch_{batch}.json",
    log:
        "results/logs/mask/{batch}.log",
    benchmark:
        "results/benchmarks/mask/{batch}.tsv"
    retries: RETRIES
    conda:
        "../../envs/train.yaml" if MASK_NETWORK else "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 3000 * attempt,
        runtime=minutes("mask", 1),
    params:
        grid=grid_params(),
        method=MASK.method,
        fat=MASK.fat,
        weights=MASK.weights,
        raw=raw_digests(MASK.weights) if MASK.weights else {},
        unit="breast",
        cases=lambda wc: {
            breast: {"exam": study.exam_of(breast), "side": study.breasts[breast].side}
            for breast in members("mask", wc)
        },
        files={"record": ["eligible.record", "register.record"], "registered": "register.registered"},
        made={"record": "results/mask/{breast}/mask.json", "mask": "results/mask/{breast}/mask.nii.gz"},
        code=digest("mask_breast"),
    message:
        "mask {wildcards.batch}"
    script:
        "../scripts/mask_breast.py"
