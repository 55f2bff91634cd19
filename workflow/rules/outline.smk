# The grid is that of any harmonization: they differ in scale only. The primary arm's is made in any case.
GRID = f"results/harmonize/{study.arms[study.config.primary_arm].harmonization}/{{breast}}"


rule outline:
    input:
        expand("results/outline/{breast}/outline.json", breast=study.outlined),
        "results/outline/shifts.tsv",


rule outline_case:
    """All readers' outlines of one case, placed by patient coordinates into the breast's grid.

    Files that refer to the exam's images (all but NIfTI and NRRD) need its headers, so the raw folder enters too. What
    the readings sheet says in `image` and `segment` is read there: it may hold identifiers, which params must not.
    """
    input:
        record=f"{GRID}/harmonize.json",
        channels=f"{GRID}/channels.nii.gz",
        phases=lambda wc: f"results/convert/{study.exam_of(wc.breast)}/phases.nii.gz",
        intake=lambda wc: f"results/intake/{study.exam_of(wc.breast)}/intake.json",
    output:
        record="results/outline/{breast}/outline.json",
        outlines="results/outline/{breast}/outlines.nii.gz",
        check="results/outline/{breast}/check.png",
    log:
        "results/logs/outline/{breast}.log",
    benchmark:
        "results/benchmarks/outline/{breast}.tsv"
    conda:
        "../../envs/dicom.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 2000 * attempt,
        runtime=20,
    params:
        files=lambda wc: study.outlines[wc.breast],
        chosen=lambda wc: study.outline_choices(wc.breast),
        folder=lambda wc: study.outlined_images(wc.breast),
        raw=lambda wc: raw_digests(
            *filter(None, [*study.outlines[wc.breast].values(), study.outlined_images(wc.breast)])
        ),
        accepted=lambda wc: study.outline_accepted(wc.breast),
        code=digest("outline_case"),
    message:
        "outline {wildcards.breast}"
    script:
        "../scripts/outline_case.py"


rule outline_study:
    """Whether all outlines, a rater's or a format's would lie better some sections away, over the study's cases.

    Cases that are excluded for their outlines alone count too: a fault of an export excludes many of them.
    """
    input:
        records=expand("results/outline/{breast}/outline.json", breast=study.outlined),
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
        patients={breast: study.patient_of(breast) for breast in study.outlined},
        code=digest("outline_study"),
    message:
        "outline: shifts of the whole study"
    script:
        "../scripts/outline_study.py"
