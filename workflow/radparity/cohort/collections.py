"""The seven public collections of breast MRI: how each names its visits, its tumours and what is known of its cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from radparity.config import ConfigError

UCSF_RATER = "UCSF"
FIRST = "the first by date"
FTV: Literal["functional_tumour_volume"] = "functional_tumour_volume"


@dataclass(frozen=True)
class Outline:
    """One kind of tumour outline: who is named for it, and the descriptions of its DICOM SEG, the best first.

    `rule` makes the outline from the phases, where the object holds thresholds and a volume of interest; else the
    object is the mask.
    """

    rater: str
    descriptions: tuple[str, ...]
    rule: Literal["functional_tumour_volume"] | None = None


@dataclass(frozen=True)
class Collection:
    """How a collection is read.

    code: begins the ids. baseline: regular expression on the study's description; None: the first visit by date.
    analysed: words of the dynamic series that the outline was drawn on, where the collection has a copy for that.
    numbered: the number of a map or SEG, divided by this, is the number of the dynamic series that it was made from.
    malignant: every outlined lesion is a cancer, by the collection's own account. both: regular expression of the
    descriptions of dynamic series that show both breasts.
    """

    name: str
    code: str
    outlines: tuple[Outline, ...] = ()
    needed: str = ""
    baseline: str | None = None
    analysed: str = ""
    numbered: int | None = None
    malignant: bool = True
    both: str = r"(?i)bi-?lat"
    site: str | None = None

    @property
    def visit_rule(self) -> str:
        """The rule of the baseline visit in words."""
        return f"the visit whose study description ends with {self.baseline}" if self.baseline else FIRST


# Of the site's four objects the tissue segmentation inside the volume of interest is first: on the exam that ships, its
# private group holds phases, thresholds and volume of interest. Where none was cut, the one of the whole volume stands.
UCSF = Outline(
    UCSF_RATER, (r"VOI Breast Tissue Segmentation", r"VOI PE Segmentation.*", r"PE Segmentation.*"), rule=FTV
)
VOLSER = Outline(UCSF_RATER, (r"ISPY2: VOLSER: .*Analysis Mask",), rule=FTV)
AIMI = (
    Outline("AIMI", (r"AIMI breast-tumor AI segmentation",)),
    Outline("AIMI-R9", (r"AIMI breast-tumor radiologist 9 corrected segmentation",)),
    Outline("AIMI-R10", (r"AIMI breast-tumor radiologist 10 corrected segmentation",)),
)
ENHANCEMENT = r"(VOI )?PE Segmentation.*"
COLLECTIONS = {
    row.name: row
    for row in (
        Collection("ispy1", "ISPY1", (UCSF,), ENHANCEMENT, numbered=10000),
        Collection("breast_mri_nact_pilot", "NACT", (UCSF,), ENHANCEMENT, numbered=10000, site="UCSF"),
        Collection("ispy2", "ISPY2", (VOLSER,), baseline="MRI_T0", analysed="VOLSER: .*original DCE"),
        # Axial, both breasts in one volume: every exam of these two.
        Collection("duke_breast_cancer_mri", "DUKE", AIMI, both="", site="Duke"),
        Collection("advanced_mri_breast_lesions", "AMBL", (Outline("ROI", ("ROI",)),), both="", malignant=False),
        Collection("acrin_6698", "A6698", (VOLSER,), baseline="MRI_T0", analysed="VOLSER: .*original DCE"),
        Collection("acrin_contralateral_breast_mr", "A6667", malignant=False),
    )
}


@dataclass(frozen=True)
class Study:
    """A study of one or more collections. makers: the first word of the manufacturer, per collection; none: all."""

    name: str
    collections: tuple[str, ...]
    makers: tuple[tuple[str, str], ...] = ()

    def maker(self, collection: str) -> str | None:
        """The manufacturer that a collection is restricted to, or None."""
        return dict(self.makers).get(collection)


PUBLIC_SAGITTAL = Study("public_sagittal", ("ispy1", "breast_mri_nact_pilot"), (("ispy1", "GE"),))


def named(names: list[str]) -> Study:
    """The study that names on the command line mean: none for the default public study, `all`, or collections.

    Raises ConfigError that lists the collections for a name that is none.
    """
    if names in ([], [PUBLIC_SAGITTAL.name]):
        return PUBLIC_SAGITTAL
    wanted = list(COLLECTIONS) if names == ["all"] else list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in COLLECTIONS]
    if unknown:
        known = ", ".join([PUBLIC_SAGITTAL.name, *COLLECTIONS])
        raise ConfigError(f"{unknown[0]} is no collection that is known here. Write all, or some of: {known}")
    return Study("all" if names == ["all"] else "_and_".join(wanted), tuple(wanted))
