"""Whom a trace starts from: an exam, a breast, a patient or a raw path, with all that belongs to them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from radparity.config import ConfigError
from radparity.kinds import open_whole
from radparity.masks.study import MasksStudy
from radparity.provenance import RESULTS, Entry
from radparity.study import Study
from radparity.terminal import read_config


@dataclass(frozen=True)
class Subject:
    """What was asked for: names of exams and breasts as in the sheets, and raw paths relative to the raw folder."""

    name: str
    kind: str
    exams: frozenset[str] = frozenset()
    breasts: frozenset[str] = frozenset()
    raw: frozenset[str] = frozenset()
    patients: frozenset[str] = frozenset()
    """her ids: several where `same_as` says that records are one patient"""

    def owns(self, entry: Entry) -> bool:
        """Whether a result is the subject's alone."""
        of = entry["wildcards"]
        return of.get("exam") in self.exams or of.get("breast") in self.breasts


def subject(source: str, name: str) -> Subject:
    """Whom a name means in the study of a configuration file.

    Raises ConfigError where it is in no sheet and nothing under results/ has it either.
    """
    study = open_whole(read_config(source), source)
    if isinstance(study, MasksStudy):
        return _of_masks(study, name)
    if name in study.exams:
        return of_exams(study, name, "exam", {name})
    if name in study.breasts:
        outlines = set(study.outlines.get(name, {}).values())
        own = {rows[name].file for rows in study.externals.values() if name in rows}
        return Subject(name, "breast", breasts=frozenset({name}), raw=frozenset(outlines | own))
    if exams := exams_of(study, name):
        return of_exams(study, name, "patient", exams)
    if name in study.raw_paths():
        return Subject(name, "raw path", raw=frozenset({name}))
    if any(RESULTS.glob(f"*/{name}")) or any(RESULTS.glob(f"*/*/{name}")):
        only = frozenset({name})
        return Subject(name, "case that is in no sheet any more", exams=only, breasts=only)
    raise ConfigError(
        f"{name}: no exam, breast, patient or raw path of the study in {source} is called so. Write it as it stands in"
        " the sheets"
    )


def exams_of(study: Study, patient: str) -> set[str]:
    """A patient's exams, under whichever of her ids they were recorded."""
    whole = {study.patients[row.exam] for row in study.exams.values() if patient in (row.patient, row.same_as)}
    return {exam for exam, own in study.patients.items() if own in whole}


def of_exams(study: Study, name: str, kind: str, exams: set[str]) -> Subject:
    """Exams with their breasts and their raw paths."""
    breasts = {breast for breast, row in study.breasts.items() if row.exam in exams}
    raw = {path for exam in exams for path in (study.exams[exam].folder, study.exams[exam].truth) if path}
    raw |= {path for exam in exams for path in study.maps(exam).values()}
    # A table of times that others share is not hers: it stays, with her rows for a person to delete.
    others = {row.times for name, row in study.exams.items() if name not in exams}
    raw |= {times for exam in exams if (times := study.exams[exam].times) and times not in others}
    raw |= {row.file for row in study.readings if row.breast in breasts}
    raw |= {path for breast, path in study.breast_masks.items() if breast in breasts}
    raw |= {row.file for rows in study.externals.values() for breast, row in rows.items() if breast in breasts}
    patients = {study.exams[exam].patient for exam in exams} | {study.patients[exam] for exam in exams}
    return Subject(name, kind, frozenset(exams), frozenset(breasts), frozenset(raw), frozenset(patients))


def _of_masks(study: MasksStudy, name: str) -> Subject:
    cases = {case for case, about in study.cases.items() if name in (case, about["patient"])}
    raw = {file for case in cases for file in study.cases[case]["files"].values()}
    if name in study.raw_paths():
        raw.add(name)
    if not raw:
        raise ConfigError(f"{name}: no case, patient or file of the sheet of masks is called so")
    return Subject(name, "case or patient", breasts=frozenset(cases), raw=frozenset(raw))


def shown(path: str) -> str:
    """The file name of a result below its stage."""
    return "/".join(Path(path).parts[2:])
