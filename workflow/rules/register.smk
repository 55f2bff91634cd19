rule register:
    input:
        expand("results/register/{exam}/register.json", exam=study.exams),


rule register_exam:
    """Every phase onto the first post-contrast one, deformable. One thread: repeats bit for bit."""
    input:
        record="results/convert/{exam}/convert.json",
        phases="results/convert/{exam}/phases.nii.gz",
    output:
        record="results/register/{exam}/register.json",
        registered="results/register/{exam}/registered.nii.gz",
        fields="results/register/{exam}/fields.nii.gz",
    log:
        "results/logs/register/{exam}.log",
    benchmark:
        "results/benchmarks/register/{exam}.tsv"
    priority: 10
    conda:
        "../../envs/register.yaml"
    threads: 1
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
