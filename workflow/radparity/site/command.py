"""The command `predict`: one DICOM exam and a bundle in, lesions and a page out."""

from __future__ import annotations

import argparse
import logging
import re
import sys
import time
import warnings
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from radparity.config.section import ConfigError

if TYPE_CHECKING:
    from radparity.bundle.opened import Bundle

LABEL = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,23}")


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument("exam", nargs="?", type=Path, help="folder of one exam, as the archive exports it")
    command.add_argument("--weights", type=Path, metavar="BUNDLE", help="the bundle that you were sent")
    command.add_argument("--digest", metavar="SHA256", help="of the bundle, as its sender has published it")
    command.add_argument("--check", type=Path, metavar="BUNDLE", help="only say whether a bundle can be used, and how")
    command.add_argument("--output", type=Path, default=Path("prediction"), help="a new folder; default: prediction")
    command.add_argument(
        "--identity",
        choices=("original", "pseudonymous"),
        default="original",
        help="whose name the results bear: the patient's, for her record (default), or the label's",
    )
    command.add_argument("--label", default="exam", help="the exam's pseudonym; default: exam")
    command.add_argument("--nifti", action="store_true", help="masks and probabilities as NIfTI too")
    command.add_argument("--threads", type=int, default=2, help="cores to use; default: 2")
    command.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto")


def run(options: argparse.Namespace) -> str:
    """Predict, or check a bundle; what to print.

    Raises ConfigError for options or a bundle that cannot be used, and SystemExit (1) with one message for an exam that
    cannot be.
    """
    from radparity.bundle.opened import open_bundle

    if options.check is not None:
        return _checked(open_bundle(options.check, options.digest))
    _refuse(options)
    # pydicom quotes the values that it warns of.
    warnings.filterwarnings("ignore", module="pydicom")
    logging.getLogger("pydicom").setLevel(logging.ERROR)
    from radparity.record import DataFault
    from radparity.site.answer import Given
    from radparity.site.predict import PAGE, predict_exam
    from radparity.site.summary import cautions, sentence

    started = time.monotonic()

    def report(step: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {step}", file=sys.stderr)

    given = Given(options.identity, options.label, metadata.version("radparity"), options.nifti)
    bundle = open_bundle(options.weights, options.digest)
    try:
        results = predict_exam(options.exam, bundle, options.output, given, options.threads, options.device, report)
    except DataFault as fault:
        raise SystemExit(f"This exam cannot be used ({fault.code}): {fault.sentence}") from fault
    report("written")
    answers = [sentence(breast) for breast in results["breasts"]]
    return "\n".join([*results["warnings"], *answers, *cautions(results), f"See {options.output / PAGE}"])


def _refuse(options: argparse.Namespace) -> None:
    """Raises ConfigError for options that cannot be used together, or at all."""
    if options.exam is None or options.weights is None:
        raise ConfigError("write: radparity predict EXAM_FOLDER --weights BUNDLE (or --check BUNDLE)")
    if not options.exam.exists():
        raise ConfigError(f"{options.exam} is not there. Name the folder that the exam was exported to")
    if not LABEL.fullmatch(options.label):
        raise ConfigError(
            f"--label {options.label}: write 1 to 24 letters, digits and hyphens, beginning with a letter; no name"
        )
    if options.threads < 1:
        raise ConfigError("--threads: write 1 or more")
    output = options.output.resolve()
    if output.exists():
        raise ConfigError(f"{options.output} is there already. Name a new folder: --output")
    if output.is_relative_to(options.exam.resolve()):
        raise ConfigError(
            f"{options.output} lies in the exam's own folder, which stays as it is. Name another: --output"
        )


def _checked(bundle: Bundle) -> str:
    head = bundle.manifest["head"]
    return "\n".join(
        [
            head["title"],
            *head["warnings"],
            *(f"- {limit}" for limit in head["limits"]),
            f"Licence: {head['licence']}",
            f"{len(bundle.networks)} networks; made by radparity {bundle.manifest['radparity']}",
            f"SHA-256 {bundle.digest}",
            "Whole, and of one piece. Compare the digest with the one that its sender has published.",
        ]
    )
