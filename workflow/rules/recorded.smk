# What rules record of themselves: code, environment, raw data; and what audit and crate are told of all of them.
import tomllib
from functools import cache


def digest(script):
    """Digests of a script's code and of its environment, for its rule's params.

    They take the reading of 100 modules, so only where the rule has a job.
    """
    return lambda wildcards: {"script": code_digest(script), "environment": environment(environment_of(script))}


@cache
def environment_of(script):
    """The environment file of the rule that runs a script."""
    user = next(one for one in workflow.rules if Path(str(one.script or "")).stem == script)
    return Path(workflow.basedir, "workflow/rules", str(user.conda_env))


def raw_digests(*paths):
    """Content digest of each raw path that a rule reads, for its params; the audit checks them against the sweep."""
    return {path: raw[path] for path in sorted(paths)}


def audited():
    """What the audit compares results with; see `radparity.audit.study.audit_study`."""
    return {
        "raw": lambda wc: raw_digests(*study.whole.raw_paths()),
        "rules": lambda wc: rules_here(),
        "allow": study.config.deidentify.allow,
        "full": study.config.audit == "full",
        "template": "workflow/report/audit.html",
    }


def rules_here():
    """Of all rules that make results: digests of code and environment, their files, the versions that they ask for."""
    found = {}
    for one in workflow.rules:
        script = Path(str(one.script or "")).stem
        files = [strip_wildcard_constraints(str(path)) for path in one.output]
        if script and files:
            made = one.params.get("made") or {}
            pinned = pins(environment_of(script))
            found[one.name] = digest(script)(None) | {"files": sorted({*files, *made.values()}), "pins": pinned}
    return found


def described_run(wildcards):
    """What the crate says of the study beside the ledger: its rules, the files that it was given, whose data it uses."""
    given = [source, *(str(sheet) for sheet in study.config.sheets.model_dump().values() if sheet)]
    rules = {
        one.name: {
            "does": " ".join((one.docstring or one.name).split()),
            "benchmark": strip_wildcard_constraints(str(one.benchmark)),
            "log": strip_wildcard_constraints(str(next(iter(one.log)))),
        }
        for one in workflow.rules
        if one.script and one.benchmark
    }
    return {
        "study": study.config.study,
        "version": tomllib.loads(Path(workflow.basedir, "pyproject.toml").read_text())["project"]["version"],
        "snakemake": snakemake_version,
        "given": [os.path.relpath(path) for path in given],
        "exams": [] if study.kind == "masks" else sorted(study.exams),
        "raw": study.config.raw,
        "sources": [] if study.kind == "masks" else study.cited,
        "rules": rules,
    }
