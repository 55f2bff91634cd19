"""Rules run as Snakemake runs their scripts: each in a process of its own, in a folder, from plain data."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from radparity import ledger

ROOT = Path(__file__).parents[2]


class Named(list):
    """Snakemake's lists of names: iterates over the files, and knows them by name."""

    def __init__(self, named):
        super().__init__(
            one for given in named.values() for one in (given if isinstance(given, list | dict) else [given])
        )
        self._named = dict(named)

    def items(self):
        return list(self._named.items())

    def get(self, name, default=None):
        return self._named.get(name, default)

    def __getattr__(self, name):
        try:
            return self._named[name]
        except KeyError:
            raise AttributeError(name) from None


def snakemake(rule, output, input=None, params=None, wildcards=None, log="job.log", config=None, threads=1):
    """What a script finds under that name."""
    return SimpleNamespace(
        rule=rule,
        output=Named(output),
        input=Named(input or {}),
        params=Named(params or {}),
        wildcards=Named(wildcards or {}),
        log=[log],
        config=config or {},
        threads=threads,
    )


def start(folder, script, rule, *arguments, **environment):
    """A process that runs a script in a folder. rule: the arguments of `snakemake`, which the script calls on them."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in (*Named(rule["output"]), rule.get("log", "job.log")):
        Path(folder, path).parent.mkdir(parents=True, exist_ok=True)
    (folder / "rule.json").write_text(json.dumps(rule))
    (folder / "script.py").write_text(
        f"import json, sys\nfrom jobs import snakemake as of\nsnakemake = of(**json.load(open('rule.json')))\n{script}"
    )
    python_path = {"PYTHONPATH": f"{ROOT / 'workflow'}:{ROOT / 'tests/unit'}"}
    return subprocess.Popen(
        [sys.executable, "script.py", *arguments],
        cwd=folder,
        env=os.environ | python_path | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(folder, script, rule, *arguments, **environment):
    """The same, waited for; its exit status and what it said to the terminal."""
    process = start(folder, script, rule, *arguments, **environment)
    _, said = process.communicate(timeout=120)
    return process.returncode, said


def whole(results):
    """Every file under a final name has the digest of its entry; returns the names of those that have an entry.

    A file without one does not count as made: its job was killed before it could say so.
    """
    made = set()
    for note in results.rglob(f"*{ledger.SUFFIX}"):
        path = note.with_name(note.name.removesuffix(ledger.SUFFIX))
        if note.name.startswith(".writing-"):
            continue
        entry = json.loads(note.read_text())
        if path.is_file():
            assert ledger.digest_file(path) == entry["sha256"], path
            made.add(path.relative_to(results).as_posix())
        else:
            assert entry.get("kept") is False, path
    return made


def tree(results):
    """Name to bytes of every file, but logs."""
    files = (path for path in results.rglob("*") if path.is_file() and "logs" not in path.relative_to(results).parts)
    return {path.relative_to(results).as_posix(): path.read_bytes() for path in files}
