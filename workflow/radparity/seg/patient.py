"""Whose segmentation it is: the patient and study of the source, or a pseudonym in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pydicom

Identity = Literal["pseudonymous", "original"]
# What the modules Patient, General Study and Patient Study say of a source, with what stands where it says nothing.
PATIENT = """PatientName PatientID IssuerOfPatientID OtherPatientIDs PatientBirthDate PatientSex PatientAge PatientSize
    PatientWeight EthnicGroup""".split()
STUDY = "StudyDate StudyTime AccessionNumber StudyID StudyDescription ReferringPhysicianName".split()
REQUIRED = """PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime AccessionNumber StudyID
    ReferringPhysicianName""".split()
SEXES = ("M", "F", "O")
REMOVED = "patient and study replaced by a pseudonym; UIDs kept"
# A segmentation must carry the day and time of its content; a pseudonymous one tells none of the source's.
NO_DAY, NO_TIME = "19000101", "000000"


def describe(data: pydicom.Dataset, source: pydicom.Dataset, identity: Identity, pseudonym: str) -> None:
    """Write into a header whose it is: what the source's header says, or the pseudonym and nothing else.

    Raises ValueError for a pseudonymous one without a pseudonym.
    """
    for keyword in REQUIRED:
        setattr(data, keyword, "")
    if identity == "pseudonymous":
        if not pseudonym:
            raise ValueError("a pseudonymous segmentation needs the pseudonym")
        # The caret ends the family name: without it a name is taken for the retired form.
        data.PatientName, data.PatientID = f"{pseudonym}^", pseudonym
        data.PatientIdentityRemoved, data.DeidentificationMethod = "YES", REMOVED
        return
    for keyword in ("SpecificCharacterSet", *PATIENT, *STUDY):
        if keyword in source:
            data[keyword] = source[keyword]
    if data.PatientSex not in SEXES:
        data.PatientSex = ""


def moment(source: pydicom.Dataset, identity: Identity) -> tuple[str, str]:
    """Day and time of the content, as DICOM writes them: those of the source's images, so that they do not vary."""
    if identity == "original":
        for part in ("Content", "Acquisition", "Series", "Study"):
            day = str(source.get(f"{part}Date") or "")
            if day:
                return day, str(source.get(f"{part}Time") or "") or NO_TIME
    return NO_DAY, NO_TIME
