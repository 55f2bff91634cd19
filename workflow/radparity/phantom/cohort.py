"""The whole cohort: every exam of the design sheet, each complete or absent, and the study's sheets.

A second call with the same seed, size, design and generator finds every exam complete and writes nothing.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from radparity.phantom.design import SIZES, ExamDesign, read_cohort

if TYPE_CHECKING:
    import pandas

__all__ = ["ExamDesign", "read_cohort", "study_sheets", "write_cohort", "write_exam"]
STAMP = "stamp.json"


@lru_cache(maxsize=1)
def generator_version() -> str:
    """Digest of this package's own source: an edited generator makes new exams."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


def _key(design: ExamDesign, seed: int, size: str, motion: bool, noise: bool) -> dict[str, object]:
    return {
        "design": asdict(design),
        "seed": seed,
        "size": size,
        "motion": motion,
        "noise": noise,
        "generator": generator_version(),
    }


def outlines(design: ExamDesign) -> list[str]:
    """File names of the exam's outlines."""
    return [f"{design.breast(side)}_{rater}.nii.gz" for side in design.imaged for rater in design.raters(side)]


def _complete(design: ExamDesign, out: Path, key: dict[str, object]) -> bool:
    try:
        stamp = json.loads((out / "truth" / design.exam / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    images = sum(1 for _ in (out / "dicom" / design.exam).rglob("*.dcm"))
    drawn = all((out / "outlines" / name).is_file() for name in outlines(design))
    return bool(stamp == {**key, "images": images} and drawn)


def write_exam(
    design: ExamDesign, out: str | Path, seed: int, size: str = "demo", motion: bool = True, noise: bool = True
) -> None:
    """Write one exam below `out`: dicom/<exam>, outlines/<breast>_<rater>.nii.gz, truth/<exam>.

    The exam is made in a temporary folder and moved when complete, truth with its stamp last; one that is already
    complete for the same seed, size, design, options and generator is left alone. Raises ValueError for an unknown
    size.
    """
    from radparity.phantom.exam import make_exam

    if size not in SIZES:
        raise ValueError(f"size {size!r} is not known. Write one of {', '.join(SIZES)}")
    out = Path(out)
    key = _key(design, seed, size, motion, noise)
    if _complete(design, out, key):
        return
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".writing-{design.exam}-", dir=out) as name:
        made = Path(name)
        make_exam(design, made, seed, size, motion, noise)
        images = sum(1 for _ in (made / "dicom" / design.exam).rglob("*.dcm"))
        stamp = json.dumps({**key, "images": images}, indent=1, sort_keys=True)
        (made / "truth" / design.exam / STAMP).write_text(stamp + "\n", encoding="utf-8")
        # The stamp goes first and comes last, so that no interruption can leave a mixed exam that looks complete.
        for part in ("truth", "dicom"):
            (out / part).mkdir(exist_ok=True)
            shutil.rmtree(out / part / design.exam, ignore_errors=True)
        (out / "outlines").mkdir(exist_ok=True)
        for old in (out / "outlines").glob(f"{design.exam}[LR]_*.nii.gz"):
            old.unlink()
        for drawn in sorted((made / "outlines").iterdir()):
            drawn.rename(out / "outlines" / drawn.name)
        for part in ("dicom", "truth"):
            (made / part / design.exam).rename(out / part / design.exam)


def write_cohort(
    designs: Sequence[ExamDesign],
    out: str | Path,
    seed: int,
    size: str = "demo",
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write all exams below `out`, several at a time; `progress` is told how many of how many are there."""
    out = Path(out)
    waiting = [d for d in designs if not _complete(d, out, _key(d, seed, size, True, True))]
    done = len(designs) - len(waiting)

    def tell() -> None:
        if progress:
            progress(done, len(designs))

    tell()
    if workers <= 1 or len(waiting) <= 1:
        for design in waiting:
            write_exam(design, out, seed, size)
            done += 1
            tell()
        return
    # The largest exams first: no core waits at the end for one that began late.
    waiting.sort(key=lambda d: -d.phases * len(d.imaged) * (3 if d.resolution == "fine" else 1))
    # Forked, because the other start methods would run the calling script again in every worker.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork")) as pool:
        for future in as_completed([pool.submit(write_exam, design, out, seed, size) for design in waiting]):
            future.result()
            done += 1
            tell()


def study_sheets(designs: Sequence[ExamDesign]) -> dict[str, pandas.DataFrame]:
    """The sheets a study of this cohort starts from: exams, breasts and readings.

    Tuning and test cases of a study are outlined cancers: the benign breast of a bilateral tuning or test exam is in
    the images and in the truth, but not a case.
    """
    import pandas

    sides = [(d, s) for d in designs for s in d.imaged if d.partition == "development" or d.label(s) == "malignant"]
    exams = [(d.exam, d.patient, f"dicom/{d.exam}", f"truth/{d.exam}") for d in designs]
    breasts = [(d.breast(s), d.exam, s, d.label(s), d.partition) for d, s in sides]
    readings = [(d.breast(s), r, f"outlines/{d.breast(s)}_{r}.nii.gz") for d, s in sides for r in d.raters(s)]
    return {
        "exams": pandas.DataFrame(exams, columns=["exam", "patient", "folder", "truth"]),
        "breasts": pandas.DataFrame(breasts, columns=["breast", "exam", "side", "label", "partition"]),
        "readings": pandas.DataFrame(readings, columns=["breast", "rater", "file"]),
    }
