"""`radparity recreate`: a file that was not kept, made again from what is there, and only taken if it is the same.

It is made in a workplace of its own, where nothing but its case's chain is to be done: the study's results are read and
not touched until the file has its recorded digest.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from radparity import ledger
from radparity.config import ConfigError
from radparity.job import temporary
from radparity.keep import MAY_GO, STAYS
from radparity.kinds import open_whole
from radparity.record import read
from radparity.study import Study
from radparity.terminal import read_config

RESULTS = Path("results")
WORKPLACE = Path(".radparity", "recreate")
# Read by the rules (`members` in batched.smk): the cases that a batch's job takes, of all that it has.
ONLY = "RADPARITY_ONLY"
Entries = dict[Path, dict[str, Any]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("names", nargs="+", help="files that were not kept, or exams and breasts, for all of theirs")


def run(options: argparse.Namespace) -> str:
    """Make the files again; says what was, and raises ConfigError where that cannot be done or gives another file."""
    study = open_whole(read_config(options.config), options.config)
    if not isinstance(study, Study):
        raise ConfigError(f"{options.config}: a study of masks alone lets go of nothing")
    wanted = not_kept(options.names)
    if not wanted:
        return "all that these names stand for is there: nothing to do"
    needed = with_sources(wanted)
    try:
        _lay_out(study, needed)
        said = _make(needed, study, Path(options.config).absolute(), options.workers)
        different = [line for path, entry in needed.items() for line in _different(path, entry, said)]
        if different:
            raise ConfigError("\n".join([*different, "Nothing of the study was changed"]))
        for path, entry in wanted.items():
            _take(path, entry)
    finally:
        shutil.rmtree(WORKPLACE, ignore_errors=True)
    return "\n".join(
        f"{path}: made again, sha256 {entry['sha256'][:16]}… as recorded" for path, entry in wanted.items()
    )


def not_kept(names: Iterable[str]) -> Entries:
    """The files that names stand for and that were not kept, with their entries, in the order of the chain.

    Raises ConfigError for a name of no such file, nor of a case that ever had one.
    """
    found: Entries = {}
    for name in names:
        paths = [Path(os.path.normpath(name))] if "/" in name else _of_case(name)
        entries = {path: _entry(path) for path in paths}
        if not any(entries.values()):
            raise ConfigError(
                f"{name}: no result of that name has a ledger entry. Write a path as"
                " results/register/E0012/fields.nii.gz, or an exam or breast that files were let go of (`keep`)"
            )
        found |= {path: e for path, e in entries.items() if not path.is_file() and e.get("kept") is False}
    return dict(sorted(found.items(), key=lambda item: (list(STAYS).index(item[0].parts[1]), item[0])))


def with_sources(wanted: Mapping[Path, dict[str, Any]]) -> Entries:
    """These files and, before them, those of the files that they were made from which were not kept either."""
    found: Entries = {}
    for path, entry in wanted.items():
        gone = [source for source in map(Path, sorted(entry["inputs"])) if not source.is_file()]
        lost = [str(source) for source in gone if _entry(source).get("kept") is not False]
        if lost:
            raise ConfigError(
                f"{path}: was made from {lost[0]}, which is gone and was not let go of. Call Snakemake first"
            )
        found |= with_sources({source: _entry(source) for source in gone}) | {path: entry}
    return found


def _of_case(name: str) -> list[Path]:
    notes = [note for depth in ("*", "*/*") for note in RESULTS.glob(f"{depth}/{name}/*{ledger.SUFFIX}")]
    paths = [note.with_name(note.name.removesuffix(ledger.SUFFIX)) for note in notes]
    return sorted(path for path in paths if path.name in MAY_GO)


def _lists(study: Study, entry: Mapping[str, Any]) -> str:
    """The name of the list of the batch that a file's case is in."""
    of = entry["wildcards"]
    return f"batch_{study.batch_of[of['exam'] if 'exam' in of else study.exam_of(of['breast'])]}.json"


def _lay_out(study: Study, needed: Entries) -> None:
    """The workplace: all that the study's folder holds, but of the results only what the files are made from."""
    shutil.rmtree(WORKPLACE, ignore_errors=True)
    WORKPLACE.mkdir(parents=True)
    for beside in Path().iterdir():
        if beside.name not in (RESULTS.name, WORKPLACE.parts[0], ".snakemake", ".git"):
            (WORKPLACE / beside.name).symlink_to(beside.absolute())
    names = {_lists(study, entry) for entry in needed.values()}
    given = {path for name in names for depth in ("*", "*/*") for path in RESULTS.glob(f"{depth}/{name}")}
    given |= {Path(source) for entry in needed.values() for source in entry["inputs"]} - needed.keys()
    given |= set(RESULTS.glob("raw/*"))
    given -= {_list_of(study, path, entry) for path, entry in needed.items()}
    for path in sorted(given):
        for one in (path, ledger.sidecar(path)):
            if one.is_file() and not (WORKPLACE / one).exists():
                (WORKPLACE / one).parent.mkdir(parents=True, exist_ok=True)
                (WORKPLACE / one).symlink_to(one.absolute())


def _list_of(study: Study, path: Path, entry: Mapping[str, Any]) -> Path:
    return path.parent.parent / _lists(study, entry)


def _make(needed: Entries, study: Study, config: Path, cores: int) -> str:
    """Have Snakemake make the files in the workplace; what it said."""
    targets = sorted({_list_of(study, path, entry).as_posix() for path, entry in needed.items()})
    rules = sorted({entry["rule"] for entry in needed.values()})
    cases = sorted(
        {value for e in needed.values() for key, value in e["wildcards"].items() if key in ("exam", "breast")}
    )
    snakefile = Path(__file__).parents[2] / "Snakefile"
    command = ["snakemake", "--snakefile", str(snakefile), "--configfile", str(config), "--cores", str(cores)]
    command += ["--rerun-triggers", "mtime", "--allowed-rules", *rules, "--", *targets]
    done = subprocess.run(
        command,
        cwd=WORKPLACE,
        env={**os.environ, ONLY: " ".join(cases)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def _different(path: Path, then: Mapping[str, Any], said: str) -> list[str]:
    """What is to be said of a file that was not made, or came out another; nothing of one that is the same."""
    made = WORKPLACE / path
    if not made.is_file():
        return [f"{path}: could not be made again. Snakemake said:\n{said[-3000:]}"]
    if ledger.digest_file(made) == then["sha256"]:
        return []
    now = read(ledger.sidecar(made))
    changed = [
        line for name in ("code", "versions", "params", "inputs") for line in _changes(name, then[name], now[name])
    ]
    changed += [] if then["device"] == now["device"] else [f"device: {then['device']} then, {now['device']} now"]
    why = changed or ["code, versions, settings and inputs are those of then: the step does not repeat itself here"]
    return [
        f"{path}: came out another, sha256 {now['sha256'][:16]}… instead of {then['sha256'][:16]}…",
        *(f"  {one}" for one in why),
    ]


def _changes(name: str, then: Any, now: Any) -> Sequence[str]:
    """Each thing that differs between the entries of then and now."""
    if not (isinstance(then, dict) and isinstance(now, dict)):
        return [] if then == now else [f"{name}: {then} then, {now} now"]
    keys = [key for key in sorted({*then, *now}) if then.get(key) != now.get(key)]
    return [f"{name}, {key}: {then.get(key, 'none')} then, {now.get(key, 'none')} now" for key in keys]


def _take(path: Path, entry: Mapping[str, Any]) -> None:
    """Put a file that came out the same in its place, and say in its entry that it is there: the file first."""
    note = ledger.sidecar(path)
    written = [temporary(one) for one in (path, note)]
    shutil.copyfile(WORKPLACE / path, written[0])
    written[1].write_text(
        ledger.dump({name: value for name, value in entry.items() if name != "kept"}), encoding="utf-8"
    )
    for made, final in zip(written, (path, note), strict=True):
        with made.open("rb") as stream:
            os.fsync(stream.fileno())
        os.replace(made, final)


def _entry(path: Path) -> dict[str, Any]:
    try:
        return read(ledger.sidecar(path))
    except (OSError, ValueError):
        return {}
