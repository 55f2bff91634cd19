"""What goes where a patient withdraws, and what a person has to see to."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from radparity import ledger
from radparity.audit.stats import FOLDER as MEMORY
from radparity.config import ConfigError
from radparity.config.masks import is_masks
from radparity.lasting_job import KEPT
from radparity.load import load_study
from radparity.provenance import RESULTS, Entry, Ledger
from radparity.release.fixed import RELEASES
from radparity.release.given import GIVEN
from radparity.study import Study
from radparity.sweep import STATS
from radparity.swept import DIGESTS
from radparity.terminal import read_config
from radparity.trace.mentions import TEXT, about, naming, rows_without, words
from radparity.trace.subject import Subject, exams_of, of_exams
from radparity.trace.touched import Touched, touched

FORGOTTEN = "forgotten.tsv"
PRIVATE, SNAKEMAKE = Path(".radparity"), Path(".snakemake")
STATE = PRIVATE / "state"
# What ties pseudonyms to patients: no cache, and for a person to decide about.
OF_PERSONS = ("crosswalk", "key")
# Snakemake's own notes; its environments hold programs only.
NOTES = ("metadata", "log", "slurm_logs", "incomplete", "scripts", "auxiliary")
Show = Callable[[int, int], None]
# Reports without ledger entries: an unfinished one, and the copy to send away, which shows cases under other names.
COPIES = (RESULTS / "report/interim", RESULTS / "share/report")


@dataclass
class Withdrawal:
    """What goes with a patient, and what a person has to see to."""

    study: Study
    whom: Subject
    touched: Touched
    sheets: dict[Path, tuple[str, list[int]]]
    """sheet to its text without her, and the numbers of her rows"""
    kept: list[Path] = field(default_factory=list)
    """folders of kept and of unfinished trainings"""
    naming: list[Path] = field(default_factory=list)
    """further results, logs and caches that name her; copies of the report, whether they name her or not"""
    fixed: list[Path] = field(default_factory=list)
    """what names her and is not rewritten: the locked plan, the table of pseudonyms"""

    @property
    def files(self) -> list[Path]:
        """Every file that goes, sidecars included, without kept trainings."""
        made = (Path(path) for path in self.touched.paths)
        both = chain.from_iterable((path, ledger.sidecar(path)) for path in made)
        return [path for path in dict.fromkeys([*both, *self.naming]) if path.is_file()]


def withdrawal(source: str, patient: str, show: Show, search: Show) -> Withdrawal:
    """What goes with a patient of the study in a configuration file.

    Raises ConfigError where she is not in it, or where the study could not be run without her as it is configured.
    """
    config = read_config(source)
    if is_masks(config):
        raise ConfigError("this is a study of masks: take her rows out of its sheet, sweep, and run it again")
    study = load_study(config, source, everybody=True)
    exams = exams_of(study, patient)
    if not exams:
        raise ConfigError(
            f"{patient}: no patient of the exams sheet is called so. Write her id as in its column patient"
        )
    whom = of_exams(study, patient, "patient", exams)
    sheets = _sheets(study, whom)
    _check_without(config, source, sheets)
    lasting: dict[tuple[str, str], set[str]] = {}
    rules = {path.name for path in KEPT.glob("*")}

    def look(path: str, entry: Entry) -> None:
        if entry["rule"] in rules:
            lasting.setdefault((entry["rule"], "_".join(entry["wildcards"].values())), set()).add(path)

    found = Withdrawal(study, whom, touched(Ledger(RESULTS), whom, show, look), sheets)
    # One that no result stands for was made of nobody knows what.
    gone = set(found.touched.paths)
    found.kept = [
        folder
        for folder in sorted(KEPT.glob("*/*"))
        if not (of := lasting.get((folder.parent.name, folder.name), set())) or not of.isdisjoint(gone)
    ]
    if STATE.is_dir() and any(study.breasts[breast].partition == "development" for breast in whom.breasts):
        found.kept.append(STATE)
    found.naming = [path for folder in COPIES for path in files_below(folder)]
    _look_for_names(found, gone, search)
    return found


def _sheets(study: Study, whom: Subject) -> dict[Path, tuple[str, list[int]]]:
    """Each sheet that has rows of hers, and the table of places that the sweep gave to patients."""
    config, names_of = study.config, {*whom.exams, *whom.breasts}
    own = about(("exam", "breast"), names_of)
    paths = [config.sheets.exams, config.sheets.breasts, config.sheets.readings, config.sheets.decisions]
    paths += [config.sheets.series, *(arm.sheet for arm in config.arms.values() if arm.external)]
    found = {Path(path): rows_without(Path(path), own) for path in dict.fromkeys(paths) if path}
    given = Path(config.plan, GIVEN)
    if given.is_file():
        found[given] = rows_without(given, about(("patient",), whom.patients))
    return {path: made for path, made in found.items() if made[1]}


def _check_without(config: dict[str, object], source: str, sheets: dict[Path, tuple[str, list[int]]]) -> None:
    """Raises ConfigError where the sheets without her are no study any more."""
    with tempfile.TemporaryDirectory() as folder:
        instead = {}
        for number, (path, (text, _)) in enumerate(sheets.items()):
            instead[str(path)] = str(Path(folder, f"{number}_{path.name}"))
            Path(instead[str(path)]).write_text(text, encoding="utf-8", newline="")

        def put(value: object) -> object:
            if isinstance(value, dict):
                return {key: put(own) for key, own in value.items()}
            return instead.get(str(Path(value)), value) if isinstance(value, str) and value else value

        try:
            load_study({**config, "sheets": put(config["sheets"]), "arms": put(config["arms"])}, source)
        except ConfigError as error:
            said = str(error)
            for original, copy in instead.items():
                said = said.replace(copy, original)
            raise ConfigError(
                f"without her the study cannot be run as it is configured; mend that first:\n{said}"
            ) from None


def _look_for_names(found: Withdrawal, gone: set[str], show: Show) -> None:
    """Files that name her beside what was made of her: logs, notes of Snakemake, caches, leftovers; and what stays."""
    whom = found.whom
    wanted = words({*whom.exams, *whom.breasts, *whom.patients, *whom.raw})
    skip = {path for name in gone for path in (Path(name), ledger.sidecar(Path(name)))}
    results = [
        path
        for path in files_below(RESULTS)
        if (path.suffix in TEXT or path.parent.name == "audit") and path not in skip and path.parent != DIGESTS.parent
    ]
    caches = [path for path in files_below(PRIVATE) if path != STATS and not {KEPT, MEMORY} & {*path.parents}]
    notes = [path for name in NOTES for path in files_below(SNAKEMAKE / name)]
    searched = [*results, *caches, *notes]
    for path in naming(searched, wanted, show):
        persons = path.parent == PRIVATE and path.name.startswith(OF_PERSONS)
        (found.fixed if persons else found.naming).append(path)
    plan = Path(found.study.config.plan)
    decided = [
        path
        for path in (*files_below(plan), *files_below(RELEASES))
        if path.name != FORGOTTEN and path not in found.sheets
    ]
    found.fixed += naming(decided, wanted)
    # An entry that names her says what its file was made of: both go, or the file would lack one.
    both = [path.with_name(path.name.removesuffix(ledger.SUFFIX)) for path in found.naming]
    both += [ledger.sidecar(path) for path in found.naming if path.is_relative_to(RESULTS)]
    found.naming = sorted({*found.naming, *(path for path in both if path.is_file())})


def files_below(folder: Path) -> Iterator[Path]:
    """Every file below a folder; none where it is not there."""
    for top, _, inside in os.walk(folder):
        yield from (Path(top, name) for name in inside)
