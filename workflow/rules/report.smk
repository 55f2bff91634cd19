from radparity.decisions import about_decisions
from radparity.report.frame import PAGES
from radparity.tested_on import about_left_out

PARTS = ["base.html", "macros.html", "made.html", "interactive.html"]


rule report:
    input:
        report_files(),


rule report_study:
    """The pages that a human reads; they open from disk, no network."""
    input:
        **{
            f"{stage}_lists": lists(stage, study.entered if stage in OF_EXAMS else study.cases())
            for stage in ("intake", "eligible", "convert", "register", "mask")
        },
        harmonize_lists=lists("harmonize", study.cases(), harmonization=GRID),
        outline_lists=lists("outline", ENTERED_OUTLINED),
        predict_lists=lists("predict", arm=study.config.primary_arm),
        segment_lists=lists("segment", arm=study.config.primary_arm),
        kinetics_lists=lists("kinetics"),
        # Not read: so that the report comes with the pages of its cases.
        page_lists=lists("page"),
        shifts="results/outline/shifts.tsv",
        curves=expand("results/train/{arm}/{fold}/curve.tsv", arm=study.compared_networks, fold=study.folds),
        training=expand("results/train/{arm}/{fold}/train.json", arm=study.compared_networks, fold=study.folds),
        fractions=expand("results/segment/{arm}/fraction.json", arm=study.compared),
        tuning=expand("results/segment/{arm}/{table}.tsv", arm=study.compared, table=["curve", "maxima"]),
        compare=[
            *expand("results/compare/{arm}/{table}.tsv", arm=study.compared, table=TABLES),
            *expand("results/compare/{arm}/located.tsv", arm=study.located),
            *expand("results/compare/{arm}/thresholds.tsv", arm=RETHRESHOLDED),
        ],
        figures=expand(
            "results/figures/{arm}/figure_{number}.{kind}",
            arm=study.config.primary_arm,
            number=["against"] if study.few else ["5a", "5b", "e6a", "e6b", "e7", "e8"],
            kind=["json", "png"],
        ),
        plans=expand("results/compare/{arm}/plan.json", arm=study.compared),
        verify=["results/verify/summary.tsv", "results/verify/cases.tsv"] if batches("verify") else [],
        experiments=[
            f"results/select/{name}{file}"
            for name in study.config.report.experiments
            for file in (".json", ".png", ".tsv", "_tests.tsv")
        ],
        shift=shift_files(),
        power=["results/power/power.json", "results/power/power.png"] if study.config.report.power else [],
        folds="results/fold/folds.tsv",
        twins="results/fold/twins_all.json",
        published="resources/published/hirsch_2022.yaml",
        templates=[f"workflow/report/{name}.j2" for name in (*PAGES, *PARTS)],
    output:
        pages=[f"results/report/{name}" for name in PAGES],
        cases="results/report/assets/cases.js",
        flow="results/report/flow.tsv",
        exams="results/report/flow_exams.tsv",
        headline="results/report/headline.tsv",
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
        files={
            **{
                stage: f"{stage}_lists.record"
                for stage in "intake eligible convert register harmonize mask outline predict segment kinetics".split()
            },
            "kinetic_maps": "kinetics_lists.maps",
            "channels": chosen("harmonize_lists.channels", shown_cases()),
            "probabilities": chosen("predict_lists.probability", shown_cases()),
            "disagreements": chosen("predict_lists.disagreement", shown_cases()),
            "masks": chosen("segment_lists.mask", shown_cases()),
            "outlines": chosen("outline_lists.outlines", study.cases("test")),
            "checks": "outline_lists.check",
        },
        config=study.config.model_dump(
            mode="json",
            by_alias=True,
            exclude={"raw", "sheets", "keep", "scratch", "estimate", "audit", "crate", "share"},
        ),
        pilot=lambda wc: about(study),
        release=lambda wc: about_release(study),
        decided=lambda wc: about_decisions(study.decisions, study.config.sheets.decisions),
        left_out=lambda wc: about_left_out(study),
        breasts=lambda wc: study.described(study.cases()),
        sources=study.cited,
        code=digest("report_study"),
    message:
        "report"
    script:
        "../scripts/report_study.py"


# Without input and output, so that it reads whatever exists now, runs whenever it is asked for, and makes nothing else
# run. `--nolock` lets it run beside the study.
rule interim:
    """The report of a study that is not finished: what is through and what waits."""
    log:
        "results/logs/report/interim.log",
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        templates="workflow/report",
        assets=assets(),
        code=digest("report_interim"),
    message:
        "interim report"
    script:
        "../scripts/report_interim.py"
