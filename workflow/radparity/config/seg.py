"""The block `seg`: what `snakemake seg` writes for the hospital."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from radparity.config.section import Name, Section
from radparity.seg.patient import Identity


class Seg(Section):
    """Masks as DICOM SEG on the exam's own images (docs/seg.md)."""

    arms: Literal["primary"] | list[Name] = Field("primary", description="whose masks: of the primary arm, or of these")
    identity: Identity = Field("pseudonymous", description="original: patient and study as in the source's headers")
