rule harmonize:
    input:
        expand(
            "results/harmonize/{harmonization}/{breast}/harmonize.json",
            harmonization=study.harmonizations,
            breast=study.breasts,
        ),


rule harmonize_breast:
    """One breast: cut, DCE-in, DCE-out, T2 where there is one, per-exam scale, resampling."""
    input:
        record=lambda wc: expand(
            "results/{stage}/{exam}/{stage}.json", stage=["eligible", "register"], exam=study.exam_of(wc.breast)
        ),
        intake=lambda wc: f"results/intake/{study.exam_of(wc.breast)}/intake.json",
        convert=lambda wc: f"results/convert/{study.exam_of(wc.breast)}/convert.json",
        t2=lambda wc: f"results/convert/{study.exam_of(wc.breast)}/t2.nii.gz",
        registered=lambda wc: f"results/register/{study.exam_of(wc.breast)}/registered.nii.gz",
    output:
        record="results/harmonize/{harmonization}/{breast}/harmonize.json",
        channels="results/harmonize/{harmonization}/{breast}/channels.nii.gz",
    log:
        "results/logs/harmonize/{harmonization}/{breast}.log",
    benchmark:
        "results/benchmarks/harmonize/{harmonization}/{breast}.tsv"
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 3000 * attempt,
        runtime=20,
    params:
        # The divisors are the folds' affair: another choice of them leaves the channels as they are.
        harmonize={k: v for k, v in study.params("harmonize")["harmonize"].items() if k != "divisors"},
        side=lambda wc: study.breasts[wc.breast].side,
        code=digest("harmonize_breast"),
    message:
        "harmonize {wildcards.breast} by {wildcards.harmonization}"
    script:
        "../scripts/harmonize_breast.py"
