ENTERED_OUTLINED = [breast for breast in study.outlined if study.exam_of(breast) in study.entered]


rule outline:
    input:
        lists("outline"),
        "results/outline/shifts.tsv",


rule outline_case:
    """All readers' outlines of one case, placed by patient coordinates into the breast's grid.

    Files that refer to the exam's images (all but NIfTI and NRRD) need its headers, so the raw folder enters too. What
    the readings sheet says in `image` and `segment` is read there: it may hold identifiers, which params must not.
    """
    input:
        harmonize=of_batch("harmonize", harmonization=GRID),
        convert="results/convert/batch_{batch}.json",
        intake="results/intake/batch_{batch}.json",
        # Not read; see mask_breast.
        mask="results/mask/batch_{batch}.json",
    output:
        batch="results/outline/batch_{batch}.json",
    log:
        "results/logs/outline/{batch}.log",
    benchmark:
        "results/benchmarks/outline/{batch}.tsv"
    retries: RETRIES
    conda:
        "../../envs/dicom.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 2000 * attempt,
        runtime=minutes("outline", 1),
    params:
        unit="breast",
        cases=lambda wc: {
            breast: {
                "exam": study.exam_of(breast),
                "outlines": study.outlines[breast],
                "chosen": study.outline_choices.get(breast, {}),
                "folder": study.outlined_images(breast),
                "raw": raw_digests(*filter(None, [*study.outlines[breast].values(), study.outlined_images(breast)])),
                "accepted": study.outline_accepted(breast),
            }
            for breast in members("outline", wc)
        },
        files={
            "record": "harmonize.record",
            "channels": "harmonize.channels",
            "phases": "convert.phases",
            "intake": "intake.record",
        },
        made={
            "record": "results/outline/{breast}/outline.json",
            "outlines": "results/outline/{breast}/outlines.nii.gz",
            "check": "results/outline/{breast}/check.png",
        },
        code=digest("outline_case"),
    message:
        "outline {wildcards.batch}"
    script:
        "../scripts/outline_case.py"


rule outline_study:
    """Whether all outlines, a rater's or a format's would lie better some sections away, over the study's cases.

    Cases that are excluded for their outlines alone count too: a fault of an export excludes many of them.
    """
    input:
        outline=lists("outline", ENTERED_OUTLINED),
    output:
        table="results/outline/shifts.tsv",
        columns="results/outline/shifts.json",
    log:
        "results/logs/outline/shifts.log",
    benchmark:
        "results/benchmarks/outline/shifts.tsv"
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        patients={breast: study.patient_of(breast) for breast in ENTERED_OUTLINED},
        files={"records": "outline.record"},
        code=digest("outline_study"),
    message:
        "outline: shifts of the whole study"
    script:
        "../scripts/outline_study.py"
