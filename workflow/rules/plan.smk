localrules:
    lock_plan,


rule lock_plan:
    """Fix the primary comparison, its test, margin, threshold rule, subgroups and test cases, before any look at them."""
    log:
        "results/logs/plan/lock.log",
    benchmark:
        "results/benchmarks/plan/lock.tsv"
    conda:
        "../../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        folder=study.config.plan,
        content=study.planned,
        code=digest("plan_lock"),
    message:
        "lock the plan"
    script:
        "../scripts/plan_lock.py"
