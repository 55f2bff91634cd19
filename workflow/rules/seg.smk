SEG_ARMS = [study.config.primary_arm] if study.config.seg.arms == "primary" else study.config.seg.arms


rule seg:
    input:
        [lists("seg", arm=arm) for arm in SEG_ARMS],


rule seg_case:
    """The mask of one case as DICOM SEG on the images that the network saw; asked for by nothing but its target."""
    input:
        intake="results/intake/batch_{batch}.json",
        segment="results/segment/{arm}/batch_{batch}.json",
        weights=lambda wc: (
            expand("results/train/{arm}/{fold}/weights.pt", arm=wc.arm, fold=study.folds)
            if wc.arm in study.trained
            else []
        ),
    output:
        batch="results/seg/{arm}/batch_{batch}.json",
    log:
        "results/logs/seg/{arm}_{batch}.log",
    benchmark:
        "results/benchmarks/seg/{arm}_{batch}.tsv"
    wildcard_constraints:
        arm=any_of(SEG_ARMS),
    retries: RETRIES
    conda:
        "../../envs/seg.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 2000 * attempt,
        runtime=minutes("seg", 0.2),
    params:
        version=project_version(),
        identity=study.config.seg.identity,
        unit="breast",
        cases=lambda wc: {
            breast: {
                "exam": study.exam_of(breast),
                "side": study.breasts[breast].side,
                "pseudonym": study.patient_of(breast),
                "folder": study.exams[study.exam_of(breast)].folder,
                "raw": raw_digests(study.exams[study.exam_of(breast)].folder),
            }
            for breast in members("seg", wc)
        },
        files={"record": "segment.record", "mask": "segment.mask", "intake": "intake.record"},
        made={
            "record": "results/seg/{arm}/{breast}/seg.json",
            "seg": "results/seg/{arm}/{breast}/seg.dcm",
        },
        code=digest("seg_case"),
    message:
        "seg {wildcards.batch} of {wildcards.arm}"
    script:
        "../scripts/seg_case.py"
