rule page:
    input:
        lists("page"),


rule page_case:
    """The page of one case, for the primary arm, and the strip that judges its quality."""
    input:
        intake="results/intake/batch_{batch}.json",
        eligible="results/eligible/batch_{batch}.json",
        convert="results/convert/batch_{batch}.json",
        register="results/register/batch_{batch}.json",
        harmonize=of_batch("harmonize", harmonization=GRID),
        mask="results/mask/batch_{batch}.json",
        outline=of_batch("outline", optional=True),
        view="results/view/batch_{batch}.json",
        predict=of_batch("predict", optional=True, arm=study.config.primary_arm),
        segment=of_batch("segment", optional=True, arm=study.config.primary_arm),
        templates=[f"workflow/report/{name}.html.j2" for name in ("base", "macros", "case")],
    output:
        batch="results/report/cases/batch_{batch}.json",
    log:
        "results/logs/page/{batch}.log",
    benchmark:
        "results/benchmarks/page/{batch}.tsv"
    retries: RETRIES
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=minutes("page", 0.2),
    params:
        study=study.config.study,
        virtual=study.config.phantom is not None,
        pilot=study.whole is not study,
        arm=study.config.primary_arm,
        readers=study.config.readers.test,
        made_by=study.config.readers.made_by,
        reference=study.config.compare.reference,
        empty_reference=study.config.compare.empty_reference,
        unit="breast",
        cases=lambda wc: {
            breast: {
                "exam": study.exam_of(breast),
                "patient": study.patient_of(breast),
                "side": study.breasts[breast].side,
                "label": study.breasts[breast].label,
                "partition": study.breasts[breast].partition,
            }
            for breast in members("page", wc)
        },
        files={
            "intake": ["intake.record"],
            "eligible": ["eligible.record"],
            "convert": ["convert.record"],
            "register": ["register.record"],
            "harmonize": ["harmonize.record"],
            "mask": ["mask.record"],
            "outline": ["outline.record"],
            "outlines": ["outline.outlines"],
            "check": ["outline.check"],
            "view": ["view.record"],
            "images": ["view.view"],
            "thumbnail": ["view.thumbnail"],
            "predict": ["predict.record"],
            "probability": ["predict.probability"],
            "segment": ["segment.record"],
            "segmented": ["segment.mask"],
        },
        made={"page": "results/report/cases/{breast}.html", "thumbnail": "results/report/cases/{breast}.webp"},
        code=digest("page_case"),
    message:
        "page {wildcards.batch}"
    script:
        "../scripts/page_case.py"
