rule report:
    input:
        "results/report/index.html",


rule report_study:
    """The one page that a human reads first; opens from disk, no network."""
    input:
        intake=expand("results/intake/{exam}/intake.json", exam=study.exams),
        eligible=expand("results/eligible/{exam}/eligible.json", exam=study.exams),
        convert=expand("results/convert/{exam}/convert.json", exam=study.exams),
        register=expand("results/register/{exam}/register.json", exam=study.exams),
        harmonize=[
            f"results/harmonize/{study.arms[study.config.primary_arm].harmonization}/{b}/harmonize.json"
            for b in study.breasts
        ],
        mask=expand("results/mask/{b}/mask.json", b=study.breasts),
        outline=expand("results/outline/{b}/outline.json", b=study.outlined),
        predict=expand(
            "results/predict/{arm}/{b}/predict.json",
            arm=study.config.primary_arm,
            b=study.predicted(study.config.primary_arm),
        ),
        segment=expand(
            "results/segment/{arm}/{b}/segment.json",
            arm=study.config.primary_arm,
            b=study.predicted(study.config.primary_arm),
        ),
        channels=[
            f"results/harmonize/{study.arms[study.config.primary_arm].harmonization}/{b}/channels.nii.gz"
            for b in shown_cases()
        ],
        probabilities=expand(
            "results/predict/{arm}/{b}/probability.nii.gz", arm=study.config.primary_arm, b=shown_cases()
        ),
        disagreements=expand(
            "results/predict/{arm}/{b}/disagreement.nii.gz", arm=study.config.primary_arm, b=shown_cases()
        ),
        masks=expand("results/segment/{arm}/{b}/mask.nii.gz", arm=study.config.primary_arm, b=shown_cases()),
        outlines=expand("results/outline/{b}/outlines.nii.gz", b=study.cases("test")),
        checks=expand("results/outline/{b}/check.png", b=study.outlined),
        shifts="results/outline/shifts.tsv",
        curves=expand("results/train/{arm}/{fold}/curve.tsv", arm=study.compared_networks, fold=study.folds),
        training=expand("results/train/{arm}/{fold}/train.json", arm=study.compared_networks, fold=study.folds),
        fractions=expand("results/segment/{arm}/fraction.json", arm=study.compared),
        tuning=expand("results/segment/{arm}/{table}.tsv", arm=study.compared, table=["curve", "maxima"]),
        compare=[
            *expand("results/compare/{arm}/{table}.tsv", arm=study.compared, table=TABLES),
            *expand("results/compare/{arm}/located.tsv", arm=study.located),
            *expand("results/compare/{arm}/thresholds.tsv", arm=study.compared),
        ],
        figures=expand(
            "results/figures/{arm}/figure_{number}.{kind}",
            arm=study.config.primary_arm,
            number=["5a", "5b", "e6a", "e6b", "e7", "e8"],
            kind=["json", "png"],
        ),
        plans=expand("results/compare/{arm}/plan.json", arm=study.compared),
        kinetics=expand("results/kinetics/{exam}/kinetics.json", exam=WITH_MAPS),
        kinetic_maps=expand("results/kinetics/{exam}/maps.nii.gz", exam=WITH_MAPS),
        verify=["results/verify/summary.tsv", "results/verify/cases.tsv"] if TRUE_EXAMS else [],
        experiments=[
            f"results/select/{name}{file}"
            for name in study.config.report.experiments
            for file in (".json", ".png", ".tsv", "_tests.tsv")
        ],
        power=["results/power/power.json", "results/power/power.png"] if study.config.report.power else [],
        twins="results/fold/twins_all.json",
        published="resources/published/hirsch_2022.yaml",
        template="workflow/report/index.html.j2",
    output:
        page="results/report/index.html",
        flow="results/report/flow.tsv",
        exams="results/report/flow_exams.tsv",
    log:
        "results/logs/report/study.log",
    benchmark:
        "results/benchmarks/report/study.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        config=study.config.model_dump(mode="json", by_alias=True, exclude={"raw", "sheets"}),
        breasts=[
            [b, r.exam, study.patient_of(b), r.side, r.label, r.partition] for b, r in sorted(study.breasts.items())
        ],
        code=digest("report_study"),
    message:
        "report"
    script:
        "../scripts/report_study.py"
