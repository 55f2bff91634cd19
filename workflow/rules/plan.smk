localrules:
    lock_plan,


# Without any output, a benchmark too, so that a second call runs and is told that the plan is locked.
rule lock_plan:
    """Fix the primary comparison, its test, margin, threshold rule, subgroups and test cases, before any look at them."""
    log:
        "results/logs/plan/lock.log",
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
