"""One exam from its folder to the answer: lesions, numbers, and a page, all written at once or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.bundle.opened import Bundle
from radparity.ledger import dump
from radparity.record import DataFault
from radparity.register.settings import Settings
from radparity.scaling import scanner_name
from radparity.site.answer import Given, answer
from radparity.site.breast import SiteBreast, read_breast, sides_of
from radparity.site.exam import SIDES, SiteExam, read_exam
from radparity.site.patient import patient
from radparity.site.picture import picture
from radparity.site.registration import register_phases
from radparity.site.summary import summary
from radparity.site.unlike import unlike

RESULTS, PAGE = "results.json", "summary.html"


def predict_exam(
    folder: Path,
    bundle: Bundle,
    output: Path,
    given: Given,
    threads: int = 2,
    device: str = "auto",
    report: Callable[[str], None] = lambda step: None,
) -> dict[str, Any]:
    """Segment one exam and write results.json, summary.html and the lesions' files into a new folder.

    report: told of each step that begins. Returns what results.json holds. A breast that cannot be segmented is said to
    be so, beside one that can. Raises DataFault where the exam, or none of its breasts, can be used; then nothing is
    written.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".writing-{output.name}-", dir=output.parent))
    try:
        results, whose, shown = _answered(folder, bundle, made, given, threads, device, report)
        report("summary")
        (made / PAGE).write_text(summary(results, whose, picture(shown)), encoding="utf-8")
        results["files"] = sorted([RESULTS, *(path.name for path in made.iterdir())])
        (made / RESULTS).write_text(dump(results), encoding="utf-8")
        made.chmod(0o755)
        os.rename(made, output)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return results


def _answered(
    folder: Path,
    bundle: Bundle,
    made: Path,
    given: Given,
    threads: int,
    device: str,
    report: Callable[[str], None],
) -> tuple[dict[str, Any], dict[str, str], list[SiteBreast]]:
    """Results, whose exam it is, and the breasts to draw; their files lie in `made`."""
    report("reading")
    with redirect_stdout(StringIO()):  # the converter's own words
        parts, refused = read_exam(folder, named=given.identity == "original")
    answers = [_excluded(side, fault) for side, fault in refused]
    breasts, about = [], []
    for exam in parts:
        whole = exam.side or exam.intake["laterality"]
        try:
            sides = sides_of(exam, bundle.method)
            report("registration")
            phases, registered = _registered(exam, bundle, threads)
        except DataFault as fault:
            if whole not in SIDES:
                raise
            answers.append(_excluded(whole, fault))
            continue
        about.append(_about(exam, sides, registered, bundle))
        for side in sides:
            report(f"{side} breast")
            try:
                breast = read_breast(exam, phases, side, bundle, device, threads)
                answers.append(answer(exam, breast, bundle, made, given))
                breasts.append(breast)
            except DataFault as fault:
                answers.append(_excluded(side, fault))
    answers.sort(key=lambda said: SIDES.index(said["side"]))
    if not breasts:
        raise DataFault(answers[0]["code"], " ".join(dict.fromkeys(said["sentence"] for said in answers)))
    known = given.identity == "original"
    whose = patient(parts[0].files, parts[0].intake["phases"][0]["files"][0]) if known else {"exam": given.label}
    return _results(bundle, given, answers, about), whose, breasts


def _excluded(side: str, fault: DataFault) -> dict[str, Any]:
    return {"side": side, "status": "excluded", "code": fault.code, "sentence": fault.sentence}


def _registered(exam: SiteExam, bundle: Bundle, threads: int) -> tuple[NDArray[np.float32], dict[str, Any]]:
    phases = exam.phases.copy()
    settings = Settings.of(bundle.method.registration.model_dump(mode="json"))
    return phases, register_phases(phases, exam.affine, settings, threads)


def _about(exam: SiteExam, sides: list[str], registered: dict[str, Any], bundle: Bundle) -> dict[str, Any]:
    """What is true of all breasts of one part."""
    return {
        "sides": sides,
        "scanner": scanner_name(exam.intake),
        "plane": exam.intake["plane"],
        "times_s": exam.convert["times_s"],
        "timed_by": exam.intake["timed_by"],
        "registration": registered["quality"],
        "unlike": unlike(exam.intake, bundle.method),
        "flags": [*exam.intake["flags"], *exam.convert["flags"], *registered["flags"]],
    }


def _results(bundle: Bundle, given: Given, answers: list[Any], parts: list[Any]) -> dict[str, Any]:
    head = bundle.manifest["head"]
    return {
        "exam": given.label,
        "identity": given.identity,
        "radparity": given.version,
        "bundle": {key: bundle.manifest[key] for key in ("arm", "study", "network")} | {"digest": bundle.digest},
        "parts": parts,
        "breasts": answers,
        "warnings": head["warnings"],
        "limits": head["limits"],
    }
