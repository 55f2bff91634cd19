DRAWN = [
    f"results/figures/{{arm}}/{name}.{kind}"
    for name in ("figure_5a", "figure_5b", "figure_e6a", "figure_e6b", "figure_e7", "figure_e8")
    for kind in ("svg", "pdf", "png", "json")
]
SHOWN = [
    f"results/figures/{{arm}}/{name}.{kind}"
    for name in ("figure_4", "figure_6")
    for kind in ("svg", "pdf", "png", "json")
]

AGAINST = [f"results/figures/{{arm}}/figure_against.{kind}" for kind in ("svg", "pdf", "png", "json")]


rule figures:
    input:
        expand(AGAINST if study.few else [*DRAWN, *SHOWN], arm=study.compared),


rule figures_against:
    """The figure of a study with one or two raters: Dice on the reference, with its interval, and over size."""
    input:
        main="results/compare/{arm}/main.tsv",
        scores="results/compare/{arm}/scores.tsv",
        sizes="results/compare/{arm}/sizes.tsv",
    output:
        figures=AGAINST,
    log:
        "results/logs/figures/{arm}_against.log",
    benchmark:
        "results/benchmarks/figures/{arm}_against.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        **study.params("compare", "readers", "seed"),
        masks_of=lambda wc: "baseline" if study.arms[wc.arm].network == "fuzzy_c_means" else "network",
        virtual=study.config.phantom is not None,
        code=digest("figures_against"),
    message:
        "figures: Dice of {wildcards.arm} on the reference"
    script:
        "../scripts/figures_against.py"


rule figures_references:
    """Dice on references made in other ways than the study's own: what figure E6B is drawn from."""
    input:
        segment=tested("segment"),
        outline=tested("outline"),
    output:
        references="results/figures/{arm}/reference_scores.tsv",
        columns="results/figures/{arm}/reference_scores_columns.json",
    log:
        "results/logs/figures/{arm}_references.log",
    benchmark:
        "results/benchmarks/figures/{arm}_references.tsv"
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        **study.params("compare", "readers"),
        patients={b: study.patient_of(b) for b in study.cases("test")},
        files=of_cases(
            study.cases("test"),
            segments="segment.record",
            masks="segment.mask",
            outline_records="outline.record",
            outlines="outline.outlines",
        ),
        code=digest("figures_references"),
    message:
        "figures: other references of {wildcards.arm}"
    script:
        "../scripts/figures_references.py"


rule figures_tables:
    """The paper's figures that tables are enough for: 5A, 5B, E6A, E6B, E7, E8."""
    input:
        cases="results/compare/{arm}/cases.tsv",
        scores="results/compare/{arm}/scores.tsv",
        main="results/compare/{arm}/main.tsv",
        equivalence="results/compare/{arm}/equivalence.tsv",
        subgroups="results/compare/{arm}/subgroups.tsv" if "subgroups" in TABLES else [],
        curve="results/segment/{arm}/curve.tsv",
        fraction="results/segment/{arm}/fraction.json",
        references="results/figures/{arm}/reference_scores.tsv",
    output:
        figures=DRAWN,
    log:
        "results/logs/figures/{arm}_tables.log",
    benchmark:
        "results/benchmarks/figures/{arm}_tables.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        **study.params("compare", "readers", "seed"),
        masks_of=lambda wc: "baseline" if study.arms[wc.arm].network == "fuzzy_c_means" else "network",
        virtual=study.config.phantom is not None,
        code=digest("figures_tables"),
    message:
        "figures: distributions and differences of {wildcards.arm}"
    script:
        "../scripts/figures_tables.py"


rule figures_cases:
    """The paper's figures that show cases: 4 (example) and 6 (failures)."""
    input:
        cases="results/compare/{arm}/cases.tsv",
        scores="results/compare/{arm}/scores.tsv",
        outliers="results/compare/{arm}/outliers.tsv" if "outliers" in TABLES else [],
        segment=tested("segment"),
        outline=tested("outline"),
        harmonize=of_the_arm("harmonize", study.cases("test")),
    output:
        figures=SHOWN,
    log:
        "results/logs/figures/{arm}_cases.log",
    benchmark:
        "results/benchmarks/figures/{arm}_cases.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        **study.params("compare", "readers", "seed"),
        masks_of=lambda wc: "baseline" if study.arms[wc.arm].network == "fuzzy_c_means" else "network",
        virtual=study.config.phantom is not None,
        files=of_cases(
            study.cases("test"),
            segments="segment.record",
            masks="segment.mask",
            outline_records="outline.record",
            outlines="outline.outlines",
            channels="harmonize.channels",
        ),
        code=digest("figures_cases"),
    message:
        "figures: cases of {wildcards.arm}"
    script:
        "../scripts/figures_cases.py"
