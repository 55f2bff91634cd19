"""Blocks of the stages that make images: register, harmonize, mask."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from radparity.config.section import Section


class Ants(Section):
    """The engine ANTs: symmetric normalization by cross-correlation."""

    iterations: list[Annotated[int, Field(ge=0)]] = Field(
        [40, 20, 4], min_length=1, description="per level, coarse to fine"
    )
    radius: int = Field(1, ge=1, description="of the window that is correlated, voxels of the grid of spacing_mm")
    step: float = Field(0.5, gt=0, description="largest move of one iteration, voxels")
    update_variance: float = Field(8.0, ge=0, description="smoothing of each update, squared voxels")
    total_variance: float = Field(2.0, ge=0, description="smoothing of the whole field, squared voxels")


class Greedy(Section):
    """The engine greedy: greedy diffeomorphic registration by cross-correlation."""

    iterations: list[Annotated[int, Field(ge=0)]] = Field(
        [60, 40, 20], min_length=1, description="per level, coarse to fine"
    )
    radius: int = Field(2, ge=1, description="of the window that is correlated, voxels of the grid of spacing_mm")
    update_sigma: float = Field(2.5, gt=0, description="smoothing of each update, voxels")
    total_sigma: float = Field(1.0, gt=0, description="smoothing of the whole field, voxels")


class RegisterQuality(Section):
    """Beyond these an exam is flagged; it stays in the study."""

    jacobian: list[float] = Field(
        [0.3, 3.0], min_length=2, max_length=2, description="local change of volume in tissue"
    )
    volume_change: float = Field(0.1, gt=0, description="of strongly enhancing tissue, as a share")
    worse: float = Field(0.01, ge=0, description="fall of the likeness to the target")

    @model_validator(mode="after")
    def _jacobian_holds_one(self) -> RegisterQuality:
        if not 0 <= self.jacobian[0] < 1 < self.jacobian[1]:
            raise ValueError("write jacobian: [0.3, 3.0]; the first below 1 (no change), the second above")
        return self


class Register(Section):
    """Every phase onto the first post-contrast one (spec section 4)."""

    method: Literal["deformable", "affine", "off"] = "deformable"
    engine: Literal["ants", "greedy"] = "ants"
    threads: int = Field(1, ge=1, description="of one exam's job; never taken from the machine")
    spacing_mm: float = Field(2.1, gt=0, description="spacing the field is estimated at, where the images are finer")
    window_mm: float = Field(6.0, ge=0, description="window in which intensities are normalized; 0: not at all")
    ants: Ants = Ants()
    greedy: Greedy = Greedy()
    quality: RegisterQuality = RegisterQuality()


class Harmonize(Section):
    """From registered phases to one breast's channels, and to a network's input (spec sections 3, 5, 6, 7)."""

    in_plane: Literal["double", "off"] | Annotated[float, Field(gt=0)] = Field(
        "double", description="double when the spacing is above 0.6 mm; off; or a fixed spacing in mm"
    )
    section_mm: float = Field(3.0, gt=0, description="sections of exams that were not acquired sagittally")
    dce_in: Literal["difference", "rate"] = "difference"
    times_unknown: Literal["exclude", "assume"] = "exclude"
    assumed_interval_s: float | None = Field(None, gt=0, description="time between phases, for times_unknown: assume")
    divisors: Literal["fold", "published"] = Field(
        "fold", description="learned from each fold's training patients, or the authors' 40, 0.3, 0.12 and 30"
    )

    @model_validator(mode="after")
    def _combinations(self) -> Harmonize:
        if self.divisors == "published" and self.dce_in != "rate":
            raise ValueError(
                "divisors: published were made for DCE-in as a rate. Write instead: dce_in: rate (or divisors: fold)"
            )
        if self.times_unknown == "assume" and self.assumed_interval_s is None:
            raise ValueError("times_unknown: assume needs the time between phases. Add a line: assumed_interval_s: 120")
        return self


class Mask(Section):
    """The breast mask: classical, or by a network (spec section 8)."""

    method: Literal["classical", "network"] = "classical"
    fat: Literal["auto", "dark", "bright"] = Field("auto", description="classical: dark where fat is suppressed")
    weights: str | None = Field(None, description="of a trained network, relative to raw; none: trained on the masks")
    steps: int = Field(25_000, ge=1)
    minibatch: int = Field(8, ge=1)
    learning_rate: float = Field(2e-5, gt=0)
    flip_share: float = Field(0.5, ge=0, le=1)
    validate_every: int = Field(500, ge=1)
    validation: float = Field(0.1, ge=0, lt=0.5, description="share of the patients with masks kept for validation")

    @model_validator(mode="after")
    def _combinations(self) -> Mask:
        if self.weights is None:
            return self
        if self.method != "network":
            raise ValueError("weights are a network's. Write instead: method: network (or leave weights out)")
        if self.weights.startswith(("/", "~")) or ".." in self.weights.split("/"):
            raise ValueError("weights: write the path relative to the folder that `raw` names")
        return self
