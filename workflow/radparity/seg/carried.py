"""What DICOM SEG under results/seg hold of the source on purpose: the one place among the results that may."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from radparity.deidentify.identifiers import Identifier
from radparity.seg.patient import Identity

WHERE = "seg/*/*/seg.dcm"
STUDY = ("StudyInstanceUID",)
PATIENT = ("PatientID", "PatientName", "PatientBirthDate", "StudyDate", "AccessionNumber", "StudyID")


def carried(identity: Identity, held: Callable[[str], Iterable[Identifier]]) -> Callable[[str, str], bool]:
    """Whether an identifier (its kind, a keyword) belongs into a file under results/.

    Into the segmentation of a breast belong the UIDs of its exam's study, series, images and space, without which no
    viewer can lay it over them; and all of its patient, where the study asks for the original identity. Into one of
    another study or patient nothing belongs. held: what the headers of a breast's exam hold.
    """

    @cache
    def of_its_exam(file: str) -> bool:
        path = Path(file)
        return path.match(WHERE) and _same(path, STUDY + PATIENT * (identity == "original"), held(path.parent.name))

    return lambda file, kind: (identity == "original" or kind.endswith("UID")) and of_its_exam(file)


def _same(path: Path, keywords: Iterable[str], held: Iterable[Identifier]) -> bool:
    """Whether a DICOM file names its study, and what it says under these keywords is among what is held."""
    import pydicom
    from pydicom import config

    with config.disable_value_validation():
        try:
            data = pydicom.dcmread(path, stop_before_pixels=True)
            said = {keyword: str(data.get(keyword) or "").strip() for keyword in keywords}
        except Exception:  # what is damaged is no segmentation of this exam
            return False
    own = {(identifier.kind, identifier.value) for identifier in held}
    return bool(said[STUDY[0]]) and all((keyword, value) in own for keyword, value in said.items() if value)
