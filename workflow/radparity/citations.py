"""What a study stands on and has to cite: the paper, data that ships with the project, and methods of others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

CC_BY_3 = ("CC BY 3.0", "https://creativecommons.org/licenses/by/3.0/")
CC_BY_4 = ("CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/")


@dataclass(frozen=True)
class Cited:
    """A work: its reference as a sentence, its DOI, and of data the licence (name, address) and where it ships."""

    text: str
    doi: str
    licence: tuple[str, str] | None = None
    folder: str = ""

    @property
    def url(self) -> str:
        """Where the DOI leads."""
        return f"https://doi.org/{self.doi}"

    @property
    def sentence(self) -> str:
        """The reference with its DOI, and its licence where it has one."""
        return f"{self.text} doi:{self.doi}" + (f" ({self.licence[0]})." if self.licence else ".")


PAPER = Cited(
    "Hirsch L, Huang Y, Luo S, et al. Radiologist-level Performance by Using Deep Learning for Segmentation of Breast "
    "Cancers on MRI Scans. Radiology: Artificial Intelligence 2022;4(1):e200231.",
    "10.1148/ryai.200231",
)
REAL_EXAM = Cited(
    "Newitt D, Hylton N. Single site breast DCE-MRI data and segmentations from patients undergoing neoadjuvant "
    "chemotherapy. The Cancer Imaging Archive, 2016.",
    "10.7937/K9/TCIA.2016.QHsyhJKy",
    CC_BY_3,
    "resources/real_exam",
)
LIDC = Cited(
    "Armato SG III, McLennan G, Bidaut L, et al. Data from LIDC-IDRI. The Cancer Imaging Archive, 2015.",
    "10.7937/K9/TCIA.2015.LO9QL9SX",
    CC_BY_3,
    "resources/lidc",
)
LIDC_PAPER = Cited(
    "Armato SG III, McLennan G, Bidaut L, et al. The Lung Image Database Consortium (LIDC) and Image Database Resource "
    "Initiative (IDRI): a completed reference database of lung nodules on CT scans. Med Phys 2011;38:915-931.",
    "10.1118/1.3528204",
)
PYLIDC = Cited(
    "Hancock MC, Magnan JF. Lung nodule malignancy classification using only radiologist-quantified image features as "
    "inputs to statistical learning algorithms. J Med Imaging 2016;3:044504.",
    "10.1117/1.JMI.3.4.044504",
)
ARCHIVE = Cited(
    "Clark K, Vendt B, Smith K, et al. The Cancer Imaging Archive (TCIA): Maintaining and Operating a Public "
    "Information Repository. J Digit Imaging 2013;26:1045-1057.",
    "10.1007/s10278-013-9622-7",
)
METHODS = {
    "dcm2niix": Cited(
        "Li X, Morgan PS, Ashburner J, Smith J, Rorden C. The first step for neuroimaging data analysis: DICOM to "
        "NIfTI conversion. J Neurosci Methods 2016;264:47-56.",
        "10.1016/j.jneumeth.2016.03.001",
    ),
    "ants": Cited(
        "Avants BB, Tustison NJ, Song G, Cook PA, Klein A, Gee JC. A reproducible evaluation of ANTs similarity metric "
        "performance in brain image registration. NeuroImage 2011;54:2033-2044.",
        "10.1016/j.neuroimage.2010.09.025",
    ),
    "deepmedic": Cited(
        "Kamnitsas K, Ledig C, Newcombe VFJ, et al. Efficient multi-scale 3D CNN with fully connected CRF for accurate "
        "brain lesion segmentation. Med Image Anal 2017;36:61-78.",
        "10.1016/j.media.2016.10.004",
    ),
    "nnunet": Cited(
        "Isensee F, Jaeger PF, Kohl SAA, Petersen J, Maier-Hein KH. nnU-Net: a self-configuring method for deep "
        "learning-based biomedical image segmentation. Nat Methods 2021;18:203-211.",
        "10.1038/s41592-020-01008-z",
    ),
    "staple": Cited(
        "Warfield SK, Zou KH, Wells WM. Simultaneous truth and performance level estimation (STAPLE): an algorithm for "
        "the validation of image segmentation. IEEE Trans Med Imaging 2004;23:903-921.",
        "10.1109/TMI.2004.828354",
    ),
    "snakemake": Cited(
        "Mölder F, Jablonski KP, Letcher B, et al. Sustainable data analysis with Snakemake. F1000Research 2021;10:33.",
        "10.12688/f1000research.29032.2",
    ),
}
"""Methods and programs by the word that the configuration, or the ledger, has for them."""
REAL_EXAMS = {"UCSF-BR-06": REAL_EXAM}
"""Real exams that ship with the project, and whose they are."""


def shipped(exams: Collection[str] = (), raw: str = "") -> list[Cited]:
    """The data of others that ships with the project and that a study of these exams, or from this raw folder, uses."""
    found = list(dict.fromkeys(REAL_EXAMS[exam] for exam in exams if exam in REAL_EXAMS))
    return found + ([LIDC] if raw == "data/lidc" else [])


def of_sources(rows: Iterable[Mapping[str, str]]) -> list[Cited]:
    """The data that a study downloads, by the rows of its sheet of sources: citation, doi, licence, licence_address."""
    return [
        Cited(
            row["citation"].split(" https://doi.org/")[0].rstrip(". ") + ".",
            row["doi"],
            (row["licence"], row["licence_address"]),
        )
        for row in rows
    ]


def with_data(data: Collection[Cited]) -> list[Cited]:
    """These data with the articles that their collections ask to be cited beside them."""
    found = list(data)
    if LIDC in found:
        found += [LIDC_PAPER, PYLIDC]
    return [*found, ARCHIVE] if found else []
