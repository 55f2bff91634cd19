"""The configuration of a study: typed, closed (unknown keys are refused), with messages that print the line to write.

`config.yaml` is the demo study and documents each key where the user meets it; the models below are the truth about
types, defaults and impossible combinations. `workflow/schemas/config.schema.json` is generated from them.
"""

from __future__ import annotations

import difflib
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from radparity.criteria import Rule, check_rules

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Harmonization = Literal["pre_p95", "pre_max", "own_p95", "zscore", "histogram"]
Channel = Literal["t1c", "dce_in", "dce_out"]
CHANNELS: tuple[Channel, ...] = ("t1c", "dce_in", "dce_out")


class ConfigError(ValueError):
    """The configuration or a sheet cannot be used; the message says what to write instead."""


class Section(BaseModel):
    """A block of the configuration: no unknown keys, no silent change of type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Sheets(Section):
    """Where the sheets lie, relative to the project."""

    exams: str
    breasts: str
    readings: str
    decisions: str | None = Field(None, description="what people decided about exams, breasts and series")


class Readers(Section):
    """Who outlined the tuning and test cases."""

    test: list[Name] = Field(min_length=3, description="raters who outline every tuning and test case")
    anonymous: bool = Field(False, description="true where a name does not stand for one person (no bracket then)")


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
        "fold", description="learned from each fold's training patients, or the authors' 40, 0.3 and 0.12"
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


class Fold(Section):
    """The partition of the development cases."""

    folds: int = Field(3, ge=2)
    unit: Literal["patient", "breast"] = "patient"
    validation: float = Field(0.15, ge=0, lt=0.5, description="share of training patients kept for validation")


class Arm(Section):
    """One way to train, or the baseline that needs no training."""

    network: Literal["paper", "released", "fuzzy_c_means"]
    width: int | None = Field(None, ge=1, description="base width; none: the preset's own (47 paper, 32 released)")
    channels: list[Channel] = Field(list(CHANNELS), min_length=1)
    harmonization: Harmonization = "pre_p95"

    @property
    def trained(self) -> bool:
        """Whether this arm has networks (the fuzzy c-means baseline has none)."""
        return self.network != "fuzzy_c_means"


class Train(Section):
    """How each network is trained (spec sections 11 and 12)."""

    steps: int = Field(ge=1)
    minibatch: int = Field(16, ge=1)
    patch: list[int] = Field([19, 75, 75], min_length=3, max_length=3, description="sections, in-plane, in-plane")
    learning_rate: float = Field(1e-5, gt=0)
    malignant_share: float = Field(0.25, gt=0, le=1)
    flip_share: float = Field(0.5, ge=0, le=1)
    loss: Literal["minibatch_dice", "sample_dice"] = "minibatch_dice"
    validate_every: int = Field(100, ge=1)
    batch_norm_momentum: float = Field(0.01, gt=0, le=1, description="0.01 as the paper's code; short trainings 0.1")
    device: Literal["auto", "cpu", "cuda"] = "auto"

    @model_validator(mode="after")
    def _patch_is_legal(self) -> Train:
        sections, *in_plane = self.patch
        if sections != 19 or any(n < 43 or (n - 43) % 8 for n in in_plane):
            raise ValueError(
                "write patch: [19, 75, 75]; sections are 19 and both in-plane sizes 43, 51, 59, 67, 75 ..."
            )
        return self


class Predict(Section):
    """Inference: the mean over the folds' networks."""

    extent: Literal["volume", "section"] = Field("volume", description="section: only the one that readers outlined")
    memory_mb: int = Field(1500, ge=200, description="tiles are as large as fit in this")


class Segment(Section):
    """From probability map to mask (spec section 13)."""

    fraction: Literal["tuned"] | Annotated[float, Field(gt=0, lt=1)] = "tuned"
    component: float = Field(0.95, gt=0, le=1, description="keep components that reach this share of the maximum")


class Compare(Section):
    """Network against readers (reader_statistics, section 2)."""

    reference: Literal["intersection", "union", "majority"] = "intersection"
    empty_reference: Literal["drop", "zero"] = "drop"
    margin: float = Field(0.05, gt=0, lt=1)
    alpha: float = Field(0.05, gt=0, lt=0.5)
    bootstrap: int = Field(10_000, ge=100)
    minimum_cases: int = Field(50, ge=2, description="below this the verdict is 'too few cases'")


class Deidentify(Section):
    """The audit's search of everything under results/ for the names, ids, dates and UIDs of the source."""

    allow: list[str] = Field([], description="words that may appear although a name or id of the source equals them")


class Phantom(Section):
    """The virtual exams of the demo study; leave the block out in a study of real exams."""

    cohort: str
    size: Literal["demo", "full"] = "demo"


class Config(Section):
    """A whole study."""

    study: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    seed: int = Field(ge=0)
    raw: str = Field(description="folder that the paths in the sheets are relative to")
    sheets: Sheets
    readers: Readers
    eligible: list[Rule] = Field([], description="in order; the first that is not met is the box of the flow chart")
    # The attribute cannot be called `register`: that is a method of every pydantic model.
    registration: Register = Field(Register(), alias="register")
    harmonize: Harmonize = Harmonize()
    mask: Mask = Mask()
    fold: Fold = Fold()
    arms: dict[Name, Arm] = Field(min_length=1)
    primary_arm: Name
    train: Train
    predict: Predict = Predict()
    segment: Segment = Segment()
    compare: Compare = Compare()
    deidentify: Deidentify = Deidentify()
    phantom: Phantom | None = None

    @model_validator(mode="after")
    def _combinations(self) -> Config:
        if self.primary_arm not in self.arms:
            raise ValueError(f"primary_arm: {self.primary_arm} is not an arm. Write one of: {', '.join(self.arms)}")
        if not self.arms[self.primary_arm].trained:
            raise ValueError(f"primary_arm: {self.primary_arm} is a baseline without a network. Name a trained arm")
        if len(set(self.readers.test)) < len(self.readers.test):
            raise ValueError("readers: test: a name stands twice. Every reader has a name of his own")
        check_rules(self.eligible)
        for name, arm in self.arms.items():
            if arm.trained and self.harmonize.divisors == "published" and arm.harmonization != "pre_p95":
                raise ValueError(
                    f"arms: {name}: harmonization: {arm.harmonization}: the published divisors follow pre_p95."
                    " Write instead: harmonization: pre_p95"
                )
            if len(set(arm.channels)) < len(arm.channels):
                raise ValueError(f"arms: {name}: channels: a channel stands twice")
            if not arm.trained and "dce_in" not in arm.channels:
                raise ValueError(f"arms: {name}: fuzzy c-means chooses its cluster by dce_in. Add dce_in to channels")
        return self


def load(raw: dict[str, Any], source: str = "config.yaml") -> Config:
    """Check a parsed configuration file.

    Raises ConfigError with one paragraph a fault: where it is, what is wrong, and the line to write instead.
    """
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        faults = "\n".join(f"  {_explain(fault)}" for fault in error.errors())
        raise ConfigError(f"{source} cannot be used:\n{faults}") from None


def _fields(location: tuple[Any, ...]) -> dict[str, Any]:
    """The fields of the block that a location lies in, to name the nearest known key."""
    model: Any = Config
    for part in location[:-1]:
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            break
        known = {field.alias or name: field for name, field in model.model_fields.items()}
        if part not in known:
            continue
        kinds = str(known[part].annotation)
        found = re.findall(r"radparity\.\w+\.(\w+)", kinds)
        model = globals()[found[-1]] if found else None
    return (
        {f.alias or n: f for n, f in model.model_fields.items()}
        if isinstance(model, type) and issubclass(model, BaseModel)
        else {}
    )


def _explain(fault: Any) -> str:
    """One sentence and one line to write, for one fault."""
    location = tuple(fault["loc"])
    where = ": ".join(str(part) for part in location) or "the file"
    kind, key = fault["type"], str(location[-1]) if location else ""
    if kind == "extra_forbidden":
        known = list(_fields(location))
        close = difflib.get_close_matches(key, known, n=1)
        mend = f"Write instead: {close[0]}: {fault['input']}" if close else f"Known keys here: {', '.join(known)}"
        return f"{where} is not a key of the configuration. {mend}"
    if kind == "missing":
        return f"{where} is missing. Add a line: {key}: ..."
    message = fault["msg"].removeprefix("Value error, ")
    if kind == "literal_error":
        options = fault["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        close = difflib.get_close_matches(str(fault["input"]), options, n=1)
        line = f"{key}: {(close or options)[0]}   # {', '.join(options)}"
        return f"{where}: {fault['input']!r} is not offered. Write instead: {line}"
    if kind == "value_error":
        return f"{where}: {message}"
    return f"{where}: {fault['input']!r} cannot be used here: {message}"
