"""Block of the bundle: the networks and a model card, for a site that only wants the network."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from radparity.config.section import Name, Section

NO_BENIGN = (
    "bundle: floor: benign: no benign breast of this study was predicted, so nothing says how high the network rises"
    " without a cancer. Write a probability instead: floor: 0.5"
)


class Bundle(Section):
    """`snakemake bundle`: one file that another site can verify and use."""

    arm: Name | None = Field(None, description="whose networks; none: the primary arm's")
    fraction: Literal["tuned"] | Annotated[float, Field(gt=0, lt=1)] = Field(
        0.5, description="of the volume's maximum that a lesion's voxels reach: a number, or the study's of sections"
    )
    floor: Literal["benign"] | Annotated[float, Field(ge=0, le=1)] = Field(
        "benign", description="probability under which no lesion is found: from the benign breasts, or a number"
    )
    percentile: float = Field(95.0, gt=0, le=100, description="of the benign breasts' maxima, for floor: benign")
    licence: str = Field("No licence given: not to be used beyond the study.", min_length=1)
    contact: str = Field("", description="whom a site may ask; as an address of a group, not a person's")
