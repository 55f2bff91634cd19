# A study of masks that were made elsewhere: read and check them all, compare, report.
from radparity.citations import shipped, with_data
from radparity.compare.columns import TABLES as COMPARED

AMONG = ["pooled", "agreement", "references", "distances", "sizes"]
DRAWN = [
    f"results/figures/{{arm}}/figure_{number}.{kind}"
    for number in ("5a", "5b", "e6b", "e7", "e8")
    for kind in ("svg", "pdf", "png", "json")
]


rule masks:
    input:
        "results/masks/cases.tsv",


rule compare:
    input:
        expand("results/compare/readers/{table}.tsv", table=AMONG),
        expand("results/compare/{arm}/{table}.tsv", arm=study.compared, table=COMPARED),


rule figures:
    input:
        expand(DRAWN, arm=study.compared),


rule report:
    input:
        report_files(),


rule masks_study:
    """Every rater's mask of every case on one grid, or why the case leaves; one job, since a mask takes milliseconds."""
    output:
        cases="results/masks/cases.tsv",
        masks="results/masks/masks.npz",
    log:
        "results/logs/masks/study.log",
    benchmark:
        "results/benchmarks/masks/study.tsv"
    retries: RETRIES
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 4000 * attempt,
        runtime=120,
    params:
        cases=study.cases,
        raw=lambda wc: raw_digests(*study.raw_paths()),
        code=digest("masks_study"),
    message:
        "read the masks"
    script:
        "../scripts/masks_study.py"


rule masks_readers:
    """The readers among themselves: agreement, and each against references made from the others."""
    input:
        cases="results/masks/cases.tsv",
        masks="results/masks/masks.npz",
    output:
        **{table: f"results/compare/readers/{table}.tsv" for table in AMONG},
        columns="results/compare/readers/columns.json",
    log:
        "results/logs/compare/readers.log",
    benchmark:
        "results/benchmarks/compare/readers.tsv"
    retries: RETRIES
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 4000 * attempt,
        runtime=120,
    params:
        **study.params("compare", "readers", "seed"),
        raters=study.config.raters,
        code=digest("masks_readers"),
    message:
        "compare the readers with each other"
    script:
        "../scripts/masks_readers.py"


rule masks_compare:
    """The rater in the network's place against the readers: the tables that an arm of a study of exams has."""
    input:
        cases="results/masks/cases.tsv",
        masks="results/masks/masks.npz",
    output:
        **{table: f"results/compare/{{arm}}/{table}.tsv" for table in COMPARED},
        columns="results/compare/{arm}/columns.json",
        plan="results/compare/{arm}/plan.json",
    log:
        "results/logs/compare/{arm}.log",
    benchmark:
        "results/benchmarks/compare/{arm}.tsv"
    wildcard_constraints:
        arm=any_of(study.compared),
    retries: RETRIES
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 4000 * attempt,
        runtime=120,
    params:
        **study.params("compare", "readers", "seed"),
        raters=study.config.raters,
        folder=study.config.plan,
        locked=study.plan.digest if study.plan else None,
        planned=study.planned,
        groups=study.subgroups,
        code=digest("masks_compare"),
    message:
        "compare {wildcards.arm} with the readers"
    script:
        "../scripts/masks_compare.py"


rule masks_figures:
    """The paper's figures that need no image and no threshold: 5A, 5B, E6B, E7, E8."""
    input:
        masks_cases="results/masks/cases.tsv",
        masks="results/masks/masks.npz",
        cases="results/compare/{arm}/cases.tsv",
        scores="results/compare/{arm}/scores.tsv",
        main="results/compare/{arm}/main.tsv",
        equivalence="results/compare/{arm}/equivalence.tsv",
        subgroups="results/compare/{arm}/subgroups.tsv",
    output:
        figures=DRAWN,
        references="results/figures/{arm}/reference_scores.tsv",
        columns="results/figures/{arm}/reference_scores_columns.json",
    log:
        "results/logs/figures/{arm}.log",
    benchmark:
        "results/benchmarks/figures/{arm}.tsv"
    wildcard_constraints:
        arm=any_of(study.compared),
    retries: RETRIES
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=lambda wc, attempt: 4000 * attempt,
        runtime=60,
    params:
        **study.params("compare", "readers", "seed"),
        raters=study.config.raters,
        masks_of="network",
        virtual=False,
        code=digest("masks_figures"),
    message:
        "figures of {wildcards.arm}"
    script:
        "../scripts/masks_figures.py"


rule masks_report:
    """The one page that a human reads first; opens from disk, no network."""
    input:
        cases="results/masks/cases.tsv",
        among=expand("results/compare/readers/{table}.tsv", table=AMONG),
        compare=expand("results/compare/{arm}/{table}.tsv", arm=study.compared, table=COMPARED),
        plans=expand("results/compare/{arm}/plan.json", arm=study.compared),
        figures=expand([path for path in DRAWN if path.endswith((".json", ".png"))], arm=study.compared),
        templates=[f"workflow/report/{name}.html.j2" for name in ("base", "macros", "made", "masks")],
    output:
        page="results/report/index.html",
        flow="results/report/flow.tsv",
    log:
        "results/logs/report/study.log",
    benchmark:
        "results/benchmarks/report/study.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        config=study.config.model_dump(mode="json", exclude={"raw", "sheets", "audit", "crate"}),
        unused=study.unused,
        templates="workflow/report",
        data=[work.sentence for work in with_data(shipped(raw=study.config.raw))],
        code=digest("masks_report"),
    message:
        "report"
    script:
        "../scripts/masks_report.py"
