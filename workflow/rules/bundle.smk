from radparity.config.bundle import NO_BENIGN
from radparity.kit.notes import PILOT

# For a site that only wants the network: asked for by nothing but its target (docs/bundle.md).
BUNDLE_MASK = ["results/bundle/{arm}/mask.pt"] if MASK_NETWORK else []
TRAINING_EXAMS = sorted({study.exam_of(breast) for breast in study.cases("development")})


rule bundle:
    input:
        lambda wc: bundled(),


rule bundle_weights:
    """The weights without the names of the breasts that they were trained on."""
    input:
        weights=expand("results/train/{{arm}}/{fold}/weights.pt", fold=study.folds),
        mask=["results/mask/weights.pt"] if MASK_TRAINED else [],
    output:
        weights=expand("results/bundle/{{arm}}/{fold}.pt", fold=study.folds),
        mask=BUNDLE_MASK,
    log:
        "results/logs/bundle/{arm}_weights.log",
    benchmark:
        "results/benchmarks/bundle/{arm}_weights.tsv"
    wildcard_constraints:
        arm=any_of(study.trained),
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        given=MASK.weights,
        raw=raw_digests(MASK.weights) if MASK.weights else {},
        code=digest("bundle_weights"),
    message:
        "bundle: weights of {wildcards.arm}"
    script:
        "../scripts/bundle_weights.py"


rule bundle_pack:
    """The networks of an arm, what makes their input, the threshold rule and a model card, in one file."""
    input:
        weights=expand("results/bundle/{{arm}}/{fold}.pt", fold=study.folds),
        mask=BUNDLE_MASK,
        training=expand("results/train/{{arm}}/{fold}/train.json", fold=study.folds),
        fraction="results/segment/{arm}/fraction.json",
        maxima="results/segment/{arm}/maxima.tsv",
        scores="results/select/{arm}/scores.tsv",
        compare=lambda wc: compared_tables(
            wc.arm, "main", *([] if study.few else ["equivalence", "random_readers", "subgroups"])
        ),
        intake_lists=batches("intake", TRAINING_EXAMS),
        template="workflow/report/card.html.j2",
        style="workflow/report/onepage.css",
    output:
        bundle="results/bundle/{arm}.zip",
        digest="results/bundle/{arm}.zip.sha256",
    log:
        "results/logs/bundle/{arm}.log",
    benchmark:
        "results/benchmarks/bundle/{arm}.tsv"
    wildcard_constraints:
        arm=any_of(study.trained),
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        **study.params("bundle"),
        name=study.config.study,
        study=study.params("compare", "fold", "harmonize", "mask", "phantom", "predict", "readers", "register"),
        arm=lambda wc: study.arms[wc.arm].model_dump(mode="json"),
        breasts=study.described(study.cases("development")),
        eligible=study.params("eligible")["eligible"],
        release=f"{study.release.name}, {study.release.digest}" if study.release else "none was fixed",
        notes=[PILOT] if study.whole is not study else [],
        version=project_version(),
        files={"intake": chosen("intake_lists.record", TRAINING_EXAMS)},
        code=digest("bundle_pack"),
    message:
        "bundle of {wildcards.arm}"
    script:
        "../scripts/bundle_pack.py"
