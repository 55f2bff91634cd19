"""The jobs of a study as Snakemake plans them, one a line of JSON: which would run and why, and what each is made from.

Beside the library, since it asks Snakemake: `radparity why` calls it in a process of its own. Nothing runs, nothing is
locked, and nothing is written.
"""

import argparse
import contextlib
import io
import json
import sys
from pathlib import Path

from snakemake.api import SnakemakeApi
from snakemake.exceptions import WorkflowError
from snakemake.settings.enums import Quietness, RerunTrigger
from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings

# As the profiles say.
TRIGGERS = frozenset({RerunTrigger.MTIME, RerunTrigger.PARAMS, RerunTrigger.INPUT})
LOOKED_INTO = 4_000_000


def plan(configfile, overwritten, targets):
    """Print the jobs that lead to the targets, each after those that it needs."""
    given = ConfigSettings(config=overwritten, configfiles=[Path(configfile)] if configfile else [])
    with SnakemakeApi(OutputSettings(quiet=frozenset({Quietness.ALL}))) as api:
        workflow = api.workflow(ResourceSettings(cores=1), config_settings=given, snakefile=Path("Snakefile"))
        settings = DAGSettings(
            targets=frozenset(targets),
            force_incomplete=True,
            rerun_triggers=TRIGGERS,
            max_checksum_file_size=LOOKED_INTO,
        )
        try:
            # Of what Snakemake offers this makes the plan with the least beside it.
            with contextlib.redirect_stdout(io.StringIO()):
                workflow.dag(settings).printrulegraph()
        except WorkflowError as error:
            sys.exit(str(error))
        dag = workflow._workflow.dag
        for level in dag.toposorted():
            for job in sorted(level, key=str):
                if not job.rule.norun:
                    print(json.dumps(described(dag, job), default=str))


def described(dag, job):
    """A job as plain data."""
    reason = dag.reason(job)
    return {
        "rule": job.rule.name,
        "message": str(job.message or job.rule.name),
        "wildcards": dict(job.wildcards.items()),
        "inputs": named(job.input),
        "outputs": [str(path) for path in job.output],
        "params": dict(job.params.items()),
        "runs": dag.needrun(job),
        "known": bool(job.output) and dag.workflow.persistence.has_metadata(job),
        "missing": sorted(map(str, reason.missing_output)),
        "unfinished": sorted(map(str, reason.incomplete_output)),
        "newer": sorted(map(str, reason.updated_input)),
        "environment": str(job.conda_env.file) if job.conda_env else str(job.rule.conda_env or ""),
        "script": str(job.rule.script or ""),
        "benchmark": str(job.benchmark or ""),
    }


def named(files):
    """Name to paths; files without a name are under an empty one."""
    found = {name: [paths] if isinstance(paths, str) else list(paths) for name, paths in files.items()}
    held = {path for paths in found.values() for path in paths}
    rest = [path for path in files if path not in held]
    return {name: [str(p) for p in paths] for name, paths in found.items()} | (
        {"": list(map(str, rest))} if rest else {}
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configfile")
    parser.add_argument("--pilot", type=int)
    parser.add_argument("targets", nargs="*")
    options = parser.parse_args()
    plan(options.configfile, {} if options.pilot is None else {"pilot": options.pilot}, options.targets)
