rule train:
    input:
        expand("results/train/{arm}/{fold}/weights.pt", arm=study.compared_networks, fold=study.folds),


rule train_fold:
    """One network per arm and fold, on one GPU where there is one. State lives beside results/ so that a killed job
    resumes."""
    input:
        folds="results/fold/folds.tsv",
        scaling=lambda wc: f"results/fold/{study.trained[wc.arm].harmonization}/{wc.fold}/scaling.json",
        slab=of_the_arm("slab"),
    output:
        weights="results/train/{arm}/{fold}/weights.pt",
        last="results/train/{arm}/{fold}/last.pt",
        curve="results/train/{arm}/{fold}/curve.tsv",
        picture="results/train/{arm}/{fold}/curve.png",
        record="results/train/{arm}/{fold}/train.json",
    log:
        "results/logs/train/{arm}_{fold}.log",
    benchmark:
        "results/benchmarks/train/{arm}_{fold}.tsv"
    priority: 20
    retries: RETRIES
    conda:
        "../../envs/train.yaml"
    # Folds and arms run side by side: on two cores two folds at one thread are faster than one at two.
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 6000 * attempt,
        runtime=lambda wc, attempt: 2880 * attempt,
    params:
        **study.params("train", "seed"),
        unit=study.config.fold.unit,
        arm=lambda wc: study.trained[wc.arm].model_dump(mode="json"),
        files={"records": "slab.record", "slabs": "slab.slab"},
        code=digest("train_fold"),
    message:
        "train {wildcards.arm}, fold {wildcards.fold}"
    script:
        "../scripts/train_fold.py"
