# Out of fold: every score here is of a development case, by the network that never saw its patient.
PARTS = sorted({arm for own in CURVES.values() for point in own for arm in point.arms})


rule selection:
    input:
        lambda wc: experiment("selection"),


rule learning_curve:
    input:
        lambda wc: experiment("learning_curve"),


rule select:
    input:
        [f"results/select/{name}.tsv" for name, wanted in EXPERIMENTS.items() if wanted],


rule select_arm:
    """Dice of one arm on every held-out malignant development case."""
    input:
        records=lambda wc: expand("results/predict/{arm}/held_out_{fold}.json", arm=wc.arm, fold=study.folds),
        maps=lambda wc: expand("results/predict/{arm}/held_out_{fold}.npz", arm=wc.arm, fold=study.folds),
        outline=lists("outline", study.cases("development", label="malignant")),
    output:
        scores="results/select/{arm}/scores.tsv",
    log:
        "results/logs/select/{arm}.log",
    benchmark:
        "results/benchmarks/select/{arm}.tsv"
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        segment=lambda wc: study.segmenting(wc.arm),
        files={"outlines": chosen("outline.outlines", study.cases("development", label="malignant"))},
        patients={b: study.patient_of(b) for b in study.cases("development", label="malignant")},
        code=digest("select_arm"),
    message:
        "select: score {wildcards.arm} on the held-out development cases"
    script:
        "../scripts/select_arm.py"


rule select_selection:
    """The arms of the selection against one another (the paper's figure E4)."""
    input:
        scores=expand("results/select/{arm}/scores.tsv", arm=sum(SELECTED.values(), [])),
        training=[f"results/train/{arm}/{study.folds[0]}/train.json" for arm in SELECTED if arm in study.trained],
    output:
        table="results/select/selection.tsv",
        tests="results/select/selection_tests.tsv",
        picture="results/select/selection.png",
        verdict="results/select/selection.json",
    log:
        "results/logs/select/selection.log",
    benchmark:
        "results/benchmarks/select/selection.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        **study.params("compare", "seed"),
        arms={arm: described(arm) for arm in SELECTED},
        primary=study.config.primary_arm,
        # Chosen beforehand and not the best of them: against the winner of the same scores every test would be biased.
        reference=next((arm for arm in (study.config.primary_arm, *SELECTED) if arm in SELECTED), ""),
        code=digest("select_selection"),
    message:
        "select: rank the arms"
    script:
        "../scripts/select_selection.py"


rule select_learning_curve:
    """One arm trained on parts of the development cases (the paper's figure E5)."""
    input:
        folds="results/fold/folds.tsv",
        scores=expand("results/select/{arm}/scores.tsv", arm=PARTS),
        training=expand("results/train/{arm}/{fold}/train.json", arm=PARTS, fold=study.folds),
    output:
        table="results/select/learning_curve.tsv",
        tests="results/select/learning_curve_tests.tsv",
        picture="results/select/learning_curve.png",
        verdict="results/select/learning_curve.json",
    log:
        "results/logs/select/learning_curve.log",
    benchmark:
        "results/benchmarks/select/learning_curve.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        **study.params("compare", "seed"),
        arm=study.config.learning_curve.arm if study.config.learning_curve else "",
        curves={name: [list(point) for point in own] for name, own in CURVES.items()},
        code=digest("select_learning_curve"),
    message:
        "select: learning curve"
    script:
        "../scripts/select_learning_curve.py"
