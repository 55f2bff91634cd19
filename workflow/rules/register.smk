rule register:
    input:
        expand("results/register/{exam}/register.json", exam=study.exams),


rule register_exam:
    """Every phase onto the first post-contrast one. The engine's threads are a setting, so that results repeat."""
    input:
        record="results/convert/{exam}/convert.json",
        phases="results/convert/{exam}/phases.nii.gz",
    output:
        record="results/register/{exam}/register.json",
        registered="results/register/{exam}/registered.nii.gz",
        fields="results/register/{exam}/fields.nii.gz",
        picture="results/register/{exam}/quality.png",
    log:
        "results/logs/register/{exam}.log",
    benchmark:
        "results/benchmarks/register/{exam}.tsv"
    priority: 10
    conda:
        "../../envs/register.yaml"
    threads: study.config.registration.threads
    resources:
        mem_mb=lambda wc, attempt: 3000 * attempt,
        runtime=lambda wc, attempt: 60 * attempt,
    params:
        **study.params("register"),
        code=digest("register_exam"),
    message:
        "register {wildcards.exam}"
    script:
        "../scripts/register_exam.py"
