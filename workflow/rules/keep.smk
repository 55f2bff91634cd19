# Large files that nothing reads any more go, batch by batch. A file waits for all that this configuration could still
# make of it, asked for or not: making it again costs more than the disk it took.
MINIMAL = study.config.keep == "minimal"
RANKED = sorted({*sum(SELECTED.values(), []), *PARTS})
LEARNING = sorted({*study.compared, *RANKED})
LEARNED_FROM = sorted({study.arms[arm].harmonization for arm in LEARNING if arm in study.trained}) if MINIMAL else []


rule keep:
    input:
        lambda wc: kept_lists(),


rule keep_learned:
    """What is made of the development breasts of all batches: those files wait for it."""
    input:
        expand("results/train/{arm}/{fold}/weights.pt", arm=filter(study.trained.get, LEARNING), fold=study.folds),
        expand("results/nnunet/{arm}/{fold}/weights.pth", arm=set(LEARNING) & set(NNUNET_ARMS), fold=study.folds),
        expand("results/predict/{arm}/benign.json", arm=study.compared_networks if study.benign_sample else []),
        expand("results/select/{arm}/scores.tsv", arm=RANKED),
    output:
        learned="results/keep/learned.json",
    log:
        "results/logs/keep/learned.log",
    benchmark:
        "results/benchmarks/keep/learned.tsv"
    conda:
        "../../envs/dicom.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        code=digest("keep_learned"),
    message:
        "keep: all is learned from the development breasts"
    script:
        "../scripts/keep_learned.py"


rule keep_batch:
    """Let go of what does not stay of one batch."""
    input:
        convert="results/convert/batch_{batch}.json",
        register="results/register/batch_{batch}.json",
        mask=of_batch("mask", optional=True),
        harmonize=lambda wc: [
            f"results/harmonize/{each}/batch_{wc.batch}.json"
            for each in study.harmonizations
            if wc.batch in grouped("harmonize")
        ],
        slab=lambda wc: [
            f"results/slab/{each}/batch_{wc.batch}.json" for each in LEARNED_FROM if wc.batch in grouped("slab")
        ],
        outline=of_batch("outline", optional=True),
        shift=of_batch("shift", optional=True, harmonization=GRID),
        view=of_batch("view", optional=True),
        kinetics=of_batch("kinetics", optional=True),
        verify=of_batch("verify", optional=True),
        weights="results/mask/weights.pt" if MASK_TRAINED else [],
        external=lambda wc: [
            f"results/predict/{arm}/batch_{wc.batch}.json"
            for arm in study.externals
            if wc.batch in grouped("predict", arm)
        ],
        learned=lambda wc: "results/keep/learned.json" if MINIMAL and wc.batch in grouped("slab") else [],
    output:
        batch="results/keep/batch_{batch}.json",
    log:
        "results/logs/keep/{batch}.log",
    benchmark:
        "results/benchmarks/keep/{batch}.tsv"
    conda:
        "../../envs/dicom.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        tier=study.config.keep,
        development=lambda wc: [
            breast for breast in grouped("mask").get(wc.batch, []) if study.breasts[breast].partition == "development"
        ],
        code=digest("keep_batch"),
    message:
        "keep {wildcards.batch}: {params.tier}"
    script:
        "../scripts/keep_batch.py"
