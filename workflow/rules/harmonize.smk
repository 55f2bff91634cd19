# The grid of a breast is that of any harmonization: they differ in scale only. The primary arm's is made in any case.
GRID = study.arms[study.config.primary_arm].harmonization


rule harmonize:
    input:
        [lists("harmonize", harmonization=each) for each in study.harmonizations],


rule harmonize_breast:
    """One breast: cut, DCE-in, DCE-out, T2 where there is one, per-exam scale, resampling."""
    input:
        intake="results/intake/batch_{batch}.json",
        eligible="results/eligible/batch_{batch}.json",
        convert="results/convert/batch_{batch}.json",
        register="results/register/batch_{batch}.json",
    output:
        batch="results/harmonize/{harmonization}/batch_{batch}.json",
    log:
        "results/logs/harmonize/{harmonization}/{batch}.log",
    benchmark:
        "results/benchmarks/harmonize/{harmonization}/{batch}.tsv"
    retries: RETRIES
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 3000 * attempt,
        runtime=minutes("harmonize", 1),
    params:
        # The divisors are the folds' affair: another choice of them leaves the channels as they are.
        harmonize={k: v for k, v in study.params("harmonize")["harmonize"].items() if k != "divisors"},
        unit="breast",
        cases=lambda wc: {
            breast: {"exam": study.exam_of(breast), "side": study.breasts[breast].side}
            for breast in members("harmonize", wc)
        },
        files={
            "record": ["eligible.record", "register.record"],
            "intake": "intake.record",
            "convert": "convert.record",
            "t2": "convert.t2",
            "registered": "register.registered",
        },
        made={
            "record": "results/harmonize/{harmonization}/{breast}/harmonize.json",
            "channels": "results/harmonize/{harmonization}/{breast}/channels.nii.gz",
        },
        code=digest("harmonize_breast"),
    message:
        "harmonize {wildcards.batch} by {wildcards.harmonization}"
    script:
        "../scripts/harmonize_breast.py"
