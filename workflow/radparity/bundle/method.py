"""Method: everything beside the weights that decides on a site's answer. The file settings.json of a bundle."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from radparity.config.imaging import Harmonize, Mask, Register
from radparity.config.networks import Arm, Predict
from radparity.config.section import Section
from radparity.criteria import Rule
from radparity.grid import GridRules
from radparity.harmonize import Settings as HarmonizeSettings


class Floor(Section):
    """The probability under which the answer is "no lesion found", and where it comes from."""

    probability: float = Field(ge=0, le=1)
    percentile: float | None = Field(
        None, description="of the benign breasts' maxima inside the breast; none: the configuration's number"
    )
    benign_breasts: str = Field("0", description="how many the study has looked at, as it may be published")


class Threshold(Section):
    """From the volume's probability map to the lesion."""

    fraction: float = Field(gt=0, lt=1, description="of the volume's maximum inside the breast")
    section_fraction: float = Field(gt=0, lt=1, description="of the section's maximum, by which the study was judged")
    tuned: bool = Field(description="the section's, on the study's tuning cases; else a number of the configuration")
    connected: Literal[26] = 26
    floor: Floor


class Method(Section):
    """The blocks of the study's configuration that a prediction goes by, and the threshold."""

    name: str = Field(description="of the arm")
    arm: Arm
    registration: Register
    harmonize: Harmonize
    mask: Mask
    predict: Predict
    threshold: Threshold
    eligible: list[Rule] = Field(default_factory=list, description="the study's rules about a fact of the images")
    scanners: list[str] = Field(default_factory=list, description="of at least 5 training exams")

    @property
    def harmonizing(self) -> HarmonizeSettings:
        """The settings of `harmonize_breast`."""
        chosen = self.harmonize
        assumed = chosen.assumed_interval_s if chosen.times_unknown == "assume" else None
        return HarmonizeSettings(self.grid, chosen.dce_in, assumed)

    @property
    def grid(self) -> GridRules:
        """What decides on a breast's grid."""
        return GridRules(self.harmonize.in_plane, self.harmonize.section_mm)
