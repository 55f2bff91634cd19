"""Blocks of the networks: fold, arms, train, predict."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from radparity.config.section import DEFAULT_CHANNELS, Channel, Harmonization, Section
from radparity.networks.geometry import GEOMETRIES


class Fold(Section):
    """The partition of the development cases."""

    folds: int = Field(3, ge=2)
    unit: Literal["patient", "breast"] = "patient"
    validation: float = Field(0.15, ge=0, lt=0.5, description="share of training patients kept for validation")


class Subset(Section):
    """A part of each fold's training breasts, cut by patient; a repeat's smaller parts lie in its larger ones."""

    malignant: float = Field(1.0, gt=0, le=1, description="share of the malignant training breasts")
    benign: float = Field(1.0, gt=0, le=1, description="share of the benign training breasts")
    repeat: int = Field(1, ge=1, description="another number, another draw")


class Arm(Section):
    """One way to train, or a baseline that needs no training of ours."""

    network: Literal["paper", "released", "deepmedic", "unet2d", "fuzzy_c_means", "nnunet", "external"]
    width: int | None = Field(None, ge=1, description="base width; none: the preset's own (47 paper, 32 released)")
    mask_prior: bool | None = Field(None, description="the breast mask as an input; none: as the preset")
    coordinates: bool | None = Field(None, description="the place in the breast as an input; none: as the preset")
    patch: list[int] | None = Field(None, min_length=3, max_length=3, description="input in training; none: the usual")
    channels: list[Channel] = Field(list(DEFAULT_CHANNELS), min_length=1)
    harmonization: Harmonization = "pre_p95"
    subset: Subset = Subset()
    region: Literal["section", "readers_box"] = Field("section", description="where fuzzy c-means clusters")
    sheet: str | None = Field(None, description="of external: the sheet of its masks or maps")
    fraction: float | None = Field(None, gt=0, lt=1, description="of external, instead of segment: fraction")
    absolute: float | None = Field(None, gt=0, le=1, description="of external: the map's value that marks the cancer")
    component: float | None = Field(None, gt=0, le=1, description="of external, instead of segment: component")

    @property
    def trained(self) -> bool:
        """Whether this arm has networks of ours (fuzzy c-means has none, nnU-Net its own)."""
        return self.network in GEOMETRIES

    @property
    def external(self) -> bool:
        """Whether its masks or probability maps were made elsewhere: nothing is trained for it here."""
        return self.network == "external"

    @property
    def location_given(self) -> bool:
        """Whether the readers' outlines tell this arm where the lesion is."""
        return self.region == "readers_box"

    @model_validator(mode="after")
    def _combinations(self) -> Arm:
        if len(set(self.channels)) < len(self.channels):
            raise ValueError("channels: a channel stands twice")
        if self.network == "fuzzy_c_means" and "dce_in" not in self.channels:
            raise ValueError("fuzzy c-means chooses its cluster by dce_in. Add dce_in to channels")
        if self.region != "section" and self.network != "fuzzy_c_means":
            raise ValueError("region is for network: fuzzy_c_means. Leave it out")
        if self.network == "nnunet" and not set(self.channels) <= set(DEFAULT_CHANNELS):
            raise ValueError(f"nnunet takes the channels that every breast has: {', '.join(DEFAULT_CHANNELS)}")
        if self.external and self.sheet is None:
            raise ValueError("external needs its sheet. Add a line: sheet: resources/mystudy/external.tsv")
        if self.fraction is not None and self.absolute is not None:
            raise ValueError("fraction and absolute are two thresholds. Leave one out")
        given = [name for name in ("sheet", "fraction", "absolute", "component") if getattr(self, name) is not None]
        if given and not self.external:
            raise ValueError(f"{given[0]} is for network: external. Leave it out")
        if self.patch is not None:
            if not self.trained:
                raise ValueError(f"patch: {self.network} takes none. Leave it out")
            GEOMETRIES[self.network].check(self.patch)
        if self.network not in ("paper", "released") and (self.mask_prior is not None or self.coordinates is not None):
            raise ValueError("mask_prior and coordinates are options of paper and released. Leave them out")
        return self


class Train(Section):
    """How each network is trained (spec sections 11 and 12)."""

    steps: int = Field(ge=1)
    minibatch: int = Field(16, ge=1)
    patch: list[int] = Field([19, 75, 75], min_length=3, max_length=3, description="of paper and released")
    sampling: Literal["paper", "code"] = Field("paper", description="where benign patches come from")
    negatives: Literal["benign_breasts", "tumour_free_sections"] = Field(
        "benign_breasts", description="where patches without tumour come from; the other: also from breasts with cancer"
    )
    negatives_margin_mm: float = Field(6.0, ge=0, description="of tumour_free_sections: distance from any with tumour")
    learning_rate: float = Field(1e-5, gt=0)
    schedule: Literal["constant", "cosine"] = Field("constant", description="cosine: down to zero at the last step")
    malignant_share: float = Field(0.25, gt=0, le=1)
    flip_share: float = Field(0.5, ge=0, le=1)
    loss: Literal["minibatch_dice", "sample_dice"] = "minibatch_dice"
    validate_every: int = Field(100, ge=1)
    selected_by: Literal["tumour", "both"] = Field("tumour", description="Dice of the tumour, or mean of both classes")
    batch_norm_momentum: float = Field(0.01, gt=0, le=1, description="0.01 as the paper's code; short trainings 0.1")
    precision: Literal["float32", "bfloat16"] = "float32"
    device: Literal["auto", "cpu", "cuda"] = "auto"

    @property
    def tumour_free_margin(self) -> float | None:
        """Distance in mm from any section with tumour at which a section gives negatives; None where none does."""
        return self.negatives_margin_mm if self.negatives == "tumour_free_sections" else None

    @model_validator(mode="after")
    def _negatives_can_be_drawn(self) -> Train:
        if self.negatives == "tumour_free_sections" and self.malignant_share == 1:
            raise ValueError(
                "malignant_share: 1 draws no negatives, so tumour_free_sections give none. Write a share below 1, as"
                " malignant_share: 0.5"
            )
        if self.negatives == "tumour_free_sections" and self.sampling == "code":
            raise ValueError("sampling: code is about benign breasts. With tumour_free_sections write: sampling: paper")
        return self

    @model_validator(mode="after")
    def _patch_is_legal(self) -> Train:
        sections, *in_plane = self.patch
        if sections != 19 or any(n < 43 or (n - 43) % 8 for n in in_plane):
            raise ValueError(
                "write patch: [19, 75, 75]; sections are 19 and both in-plane sizes 43, 51, 59, 67, 75 ..."
            )
        return self


class NnUnet(Section):
    """How arms with network: nnunet are trained; all else is nnU-Net's own choice."""

    configuration: Literal["2d", "3d_fullres"] = "3d_fullres"
    epochs: int = Field(1000, ge=1)
    minutes: float | None = Field(None, gt=0, description="instead of epochs: as many as fit")
    iterations: int = Field(250, ge=1, description="steps of an epoch")
    validation_iterations: int = Field(50, ge=1, description="validation minibatches looked at after each epoch")
    workers: int = Field(0, ge=0, description="processes that augment; with 0 a training can be repeated bit by bit")
    mirroring: bool = Field(True, description="predict mirrored images too, and take the mean")


class Predict(Section):
    """Inference: the mean over the folds' networks."""

    extent: Literal["volume", "section"] = Field("volume", description="section: only the one that readers outlined")
    memory_mb: int = Field(1500, ge=200, description="tiles are as large as fit in this")
    precision: Literal["float32", "bfloat16"] = "float32"


class Estimate(Section):
    """What `snakemake estimate` cannot know of the machine that the study will run on."""

    gpu_seconds_a_step: float | None = Field(None, gt=0, description="seconds of one training step on the GPU, timed")
    megabits_per_second: float | None = Field(None, gt=0, description="what the connection to the store carries")
