from radparity.kit.notes import TABLES as RECOMPUTED, notes


rule audit_kit:
    input:
        "results/kit/audit_kit.zip",


rule kit_pack:
    """What an outsider needs to recompute the headline numbers, free of identity; asked for by nothing but its target."""
    input:
        **{f"segment_{arm}": batches("segment", study.cases("test"), arm=arm) for arm in study.compared},
        **{
            f"tables_{arm}": expand("results/compare/{arm}/{table}.tsv", arm=arm, table=RECOMPUTED)
            for arm in study.compared
        },
        report=lambda wc: needs_three("audit_kit", "it recomputes the comparison with readers")
        or "results/report/index.html",
        outline=batches("outline", study.cases("test")),
        consensus=batches("consensus", study.cases("test")),
        crate="results/crate/ro-crate-metadata.json",
    output:
        kit="results/kit/audit_kit.zip",
        root="results/kit/root.json",
    log:
        "results/logs/kit/pack.log",
    benchmark:
        "results/benchmarks/kit/pack.tsv"
    conda:
        "../../envs/image.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        **study.params("compare", "readers", "seed"),
        arms=study.compared,
        primary=study.config.primary_arm,
        notes=notes(study),
        patients={b: study.patient_of(b) for b in study.cases("test")},
        files=of_cases(
            study.cases("test"),
            outline_records="outline.record",
            outlines="outline.outlines",
            consensus_records="consensus.record",
            references="consensus.references",
            **{f"records_{arm}": f"segment_{arm}.record" for arm in study.compared},
            **{f"masks_{arm}": f"segment_{arm}.mask" for arm in study.compared},
        ),
        code=digest("kit_pack"),
    message:
        "audit kit"
    script:
        "../scripts/kit_pack.py"
