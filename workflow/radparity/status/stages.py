"""What a study makes on its way to the report: the cases of each stage, and the results of each study-wide rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from radparity.masks.study import MasksStudy
from radparity.study import JUDGED, Study

RESULTS = Path("results")


@dataclass(frozen=True)
class Part:
    """A line of the status: a stage, or its part for one harmonization or arm.

    of: that harmonization or arm, else empty. unit: what is counted. cases: those that leave a record here. files: the
    study-wide results, where there are no cases.
    """

    stage: str
    of: str
    unit: str
    cases: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Where the cases' folders lie."""
        return RESULTS / self.stage / self.of

    def record(self, case: str) -> Path:
        """A case's record."""
        return self.folder / case / f"{self.stage}.json"


def parts(study: Study | MasksStudy) -> list[Part]:
    """Every part that the targets `report` and `audit` need, in order."""
    return _of_masks(study) if isinstance(study, MasksStudy) else _of_exams(study)


def _of_masks(study: MasksStudy) -> list[Part]:
    compared = [_files("compare", "tables", f"compare/{arm}/main.tsv") for arm in ["readers", *study.compared]]
    compared[0] = _files("compare", "tables", "compare/readers/pooled.tsv")
    drawn = [_files("figures", "figures", f"figures/{arm}/figure_5a.svg") for arm in study.compared]
    return [_files("masks", "tables", "masks/cases.tsv"), *_merged([*compared, *drawn]), *_last()]


def _of_exams(study: Study) -> list[Part]:
    exams, breasts, development = list(study.exams), list(study.breasts), study.cases("development")
    arms, networks = study.compared, study.compared_networks
    primary = study.config.primary_arm
    grid = study.arms[primary].harmonization
    learned = sorted({study.arms[arm].harmonization for arm in networks})
    other = sorted({study.arms[arm].harmonization for arm in arms} - {grid, *learned})
    judged = study.cases(*JUDGED, "shown")
    nnunet = [arm for arm in arms if study.arms[arm].network == "nnunet"]
    found = [Part("download", "", "exams", [exam for exam in exams if exam in study.announced.exams])]
    found += [Part(stage, "", "exams", exams) for stage in ("intake", "eligible", "convert", "register")]
    found += [Part("kinetics", "", "exams", [exam for exam in study.entered if study.maps(exam)])]
    found += [Part("harmonize", each, "breasts", breasts) for each in sorted({grid, *learned})]
    found += [Part("harmonize", each, "breasts", judged) for each in other]
    found += [_files("mask", "networks", "mask/weights.pt")] if study.breast_masks else []
    found += [Part("mask", "", "breasts", breasts), Part("outline", "", "breasts", study.outlined)]
    found += [_files("outline", "tables", "outline/shifts.tsv")]
    scalings = [f"fold/{each}/{fold}/scaling.json" for each in learned for fold in study.folds]
    found += [_files("fold", "tables", "fold/twins_development.json", "fold/folds.tsv", *scalings)]
    found += [Part("slab", each, "breasts", development) for each in learned]
    found += [_files("train", "networks", *(f"train/{arm}/{k}/weights.pt" for k in study.folds)) for arm in networks]
    found += [_files("nnunet", "networks", *(f"nnunet/{arm}/{k}/weights.pth" for k in study.folds)) for arm in nnunet]
    # Of the other arms nobody needs more than the cases that are compared, and those that the threshold is tuned on.
    shown = {primary: study.predicted(primary)}
    both, tested = study.cases("tuning", "test"), study.cases("test")
    found += [Part("predict", arm, "breasts", shown.get(arm, both)) for arm in arms]
    found += [Part("consensus", "", "breasts", study.cases("tuning"))]
    found += [_files("segment", "thresholds", *(f"segment/{arm}/fraction.json" for arm in arms))]
    found += [Part("segment", arm, "breasts", shown.get(arm, tested)) for arm in arms]
    found += [_files("compare", "tables", *(f"compare/{arm}/main.tsv" for arm in arms))]
    found += [Part("shift", grid, "breasts", study.shifted)]
    found += [_files("shift", "tables", f"shift/{primary}/groups.tsv")] if study.shifted else []
    drawn = "figure_against" if study.few else "figure_5a"
    found += [_files("figures", "figures", f"figures/{primary}/{drawn}.svg")]
    true = [exam for exam, row in study.entered.items() if row.truth]
    found += [Part("verify", "", "exams", true), _files("verify", "tables", "verify/summary.tsv")] if true else []
    found += [Part("view", "", "breasts", study.paged)]
    found += [_files("report", "case pages", *(f"report/cases/{breast}.html" for breast in study.paged))]
    return [part for part in _merged([*found, *_last()]) if part.cases or part.files]


def _files(stage: str, unit: str, *files: str) -> Part:
    return Part(stage, "", unit, files=[RESULTS / name for name in files])


def _last() -> list[Part]:
    return [_files("report", "pages", "report/index.html"), _files("audit", "tables", "audit/green.json")]


def _merged(found: list[Part]) -> list[Part]:
    """Study-wide results of one stage and unit as one part, where the first of them stands."""
    together: dict[tuple[str, str, str, bool], Part] = {}
    for part in found:
        key = (part.stage, part.of, part.unit, bool(part.files))
        before = together.get(key)
        together[key] = Part(*key[:3], part.cases, [*before.files, *part.files] if before else part.files)
    return list(together.values())
