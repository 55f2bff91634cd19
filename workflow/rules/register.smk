rule register:
    input:
        lists("register"),


rule register_exam:
    """Every phase onto the first post-contrast one. The engine's threads are a setting, so that results repeat."""
    input:
        convert="results/convert/batch_{batch}.json",
    output:
        batch="results/register/batch_{batch}.json",
    log:
        "results/logs/register/{batch}.log",
    benchmark:
        "results/benchmarks/register/{batch}.tsv"
    priority: 10
    retries: RETRIES
    conda:
        "../../envs/register.yaml"
    threads: study.config.registration.threads
    resources:
        mem_mb=lambda wc, attempt: 4000 * attempt,
        runtime=minutes("register", 20, 60),
    params:
        **study.params("register"),
        unit="exam",
        cases=lambda wc: {exam: {} for exam in members("register", wc)},
        files={"record": "convert.record", "phases": "convert.phases"},
        made={
            "record": "results/register/{exam}/register.json",
            "registered": "results/register/{exam}/registered.nii.gz",
            "fields": "results/register/{exam}/fields.nii.gz",
            "picture": "results/register/{exam}/quality.png",
        },
        code=digest("register_exam"),
    message:
        "register {wildcards.batch}"
    script:
        "../scripts/register_exam.py"
