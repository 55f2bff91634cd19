"""A study as the workflow sees it: the checked configuration, the sheets, and who belongs to whom."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from radparity.arms import arms_of
from radparity.batches import Batches
from radparity.cohort.sources import Source
from radparity.config import Arm, Config
from radparity.decisions import Decision
from radparity.download.announced import Announced
from radparity.download.wanted import Wanted
from radparity.enrolment import Enrolment
from radparity.external import External
from radparity.plan import Plan, planned, read_plan
from radparity.release.fixed import Release
from radparity.release.given import dealt, folds_given
from radparity.sheets import OWN_GRID, Breast, Exam, Reading, merged
from radparity.swept import swept
from radparity.tested_on import Settled

BENIGN_SAMPLE = 200
JUDGED = ("tuning", "test", "internal")


@dataclass(frozen=True)
class Study:
    """Everything known before a job runs. Nothing here touches an image."""

    config: Config
    exams: dict[str, Exam]
    breasts: dict[str, Breast]
    readings: list[Reading]
    decisions: list[Decision] = field(default_factory=list)
    externals: dict[str, dict[str, External]] = field(default_factory=dict)
    """arm whose masks were made elsewhere to breast to its row"""
    sample_of: Study | None = None
    """of a pilot, the study that it is a sample of"""
    release: Release | None = None
    """what train, tune and test may see; without one all that the sheets hold"""
    settled: Settled | None = None
    """of a study that trains on some cohorts and is tested on others, what that made of the sheets"""
    series: list[Wanted] = field(default_factory=list)
    """what is to be downloaded; nothing where all lies there already"""
    sources: list[Source] = field(default_factory=list)
    """whose data it is, where a sheet says so"""

    kind = "exams"

    @property
    def whole(self) -> Study:
        """The study with all its exams, also where this is a pilot."""
        return self.sample_of or self

    @cached_property
    def digests(self) -> dict[str, str]:
        """The content digest of each raw folder or file named in the sheets. Raises ConfigError as `swept` does."""
        return swept(self.raw_paths())

    @cached_property
    def announced(self) -> Announced:
        """What the sheet of series says of raw paths before they are there."""
        return Announced(self.series)

    def raw_paths(self) -> list[str]:
        """Every path of the sheets, relative to the raw folder, in order and once each."""
        exam_paths = [
            p for e in self.exams.values() for p in (e.folder, e.times, e.truth, *self.maps(e.exam).values()) if p
        ]
        given = [self.config.mask.weights] if self.config.mask.weights else list(self.breast_masks.values())
        external = [row.file for rows in self.externals.values() for row in rows.values()]
        return list(dict.fromkeys(exam_paths + [reading.file for reading in self.readings] + given + external))

    @cached_property
    def breast_masks(self) -> dict[str, str]:
        """Development breast to the mask that the mask network is trained on; none where nothing is trained."""
        if self.config.mask.method != "network" or self.config.mask.weights:
            return {}
        named = ((name, self.breasts[name].breast_mask) for name in self.cases("development"))
        return {name: path for name, path in named if path}

    def maps(self, exam: str) -> dict[str, str]:
        """The site's own maps of an exam, by column name; empty where the sheet names none."""
        row = self.exams[exam]
        named = {k: getattr(row, k) for k in ("enhancement_map", "washout_map", "tumour_volume")}
        return {k: v for k, v in named.items() if v}

    def exam_of(self, breast: str) -> str:
        """The exam that a breast was imaged in."""
        return self.breasts[breast].exam

    def patient_of(self, breast: str) -> str:
        """The patient that a breast belongs to, whatever record numbers her exams have."""
        return self.patients[self.exam_of(breast)]

    @cached_property
    def patients(self) -> dict[str, str]:
        """Exam to patient; records that `same_as` says are one patient are one."""
        if self.settled is not None:
            return {exam: self.settled.patients[exam] for exam in self.exams}
        return merged(list(self.exams.values()))

    @cached_property
    def entered(self) -> dict[str, Exam]:
        """The exams that train, tune and test may see: those of the release, all where none is named."""
        return {name: row for name, row in self.exams.items() if self.release is None or name in self.release.exams}

    @cached_property
    def batches(self) -> Batches:
        """Which patients go through the stages in one job; a pilot's jobs have the names of the whole study's."""
        if self.sample_of is not None:
            return self.sample_of.batches
        judged = {self.patient_of(b) for b in self.cases(*JUDGED, "shown")}
        return Batches({self.patients[exam] for exam in self.entered}, judged, self.config.batch)

    @cached_property
    def batch_of(self) -> dict[str, str]:
        """Exam to its batch. Exams that wait for a release are in batches of their own: those of the release stand."""
        waiting = {patient for exam, patient in self.patients.items() if exam not in self.entered}
        apart = Batches(waiting, set(), self.config.batch, "waiting")
        return {e: (self.batches if e in self.entered else apart).of(patient) for e, patient in self.patients.items()}

    def roles(self, exam: str) -> dict[str, str]:
        """Number of a series to the role that a decision gives it."""
        rows = (row for row in self.decisions if row.exam == exam and row.verdict == "role")
        return {str(row.series): str(row.role) for row in rows}

    def outline_accepted(self, breast: str) -> bool:
        """Whether a decision says that a breast's outlines lie where they should."""
        return any(row.breast == breast and row.verdict == "outline_ok" for row in self.decisions)

    def one_patient(self, exam: str) -> bool:
        """Whether a decision says that the patient ids of an exam's images are one woman's."""
        return any(row.exam == exam and row.verdict == "one_patient" for row in self.decisions)

    @cached_property
    def enrolment(self) -> Enrolment:
        """What decides on each exam and breast, for the rule eligible_exam. An exam that waits for a release takes the
        place of none that is in it."""
        apart = {exam: who if exam in self.entered else f"{who}, waiting" for exam, who in self.patients.items()}
        return Enrolment(
            self.config.eligible, list(self.exams.values()), list(self.breasts.values()), self.decisions, apart
        )

    def cases(self, *partitions: str, label: str | None = None) -> list[str]:
        """Breasts of the named partitions (all where none is named), sorted, optionally of one label; none that waits
        for a release."""
        kinds = (
            names
            for (partition, own), names in self._kinds.items()
            if (not partitions or partition in partitions) and label in (None, own)
        )
        return sorted(chain.from_iterable(kinds))

    @cached_property
    def _kinds(self) -> dict[tuple[str, str], list[str]]:
        """Partition and label to their breasts, sorted."""
        found: dict[tuple[str, str], list[str]] = {}
        for name in sorted(self.breasts):
            row = self.breasts[name]
            if row.exam not in self.entered:
                continue
            found.setdefault((row.partition, row.label), []).append(name)
        return found

    @property
    def subgroups(self) -> dict[str, dict[str, str]]:
        """Column of the breasts sheet to test case to its value; an empty cell is an empty text."""
        columns, cases = self.config.compare.subgroups, self.cases("test")
        named = {column: {b: getattr(self.breasts[b], column, None) for b in cases} for column in columns}
        return {c: {b: "" if value is None else str(value) for b, value in own.items()} for c, own in named.items()}

    @cached_property
    def paged(self) -> list[str]:
        """The breasts that get a page in the report, sorted."""
        which = self.config.report.cases
        return [] if which == "none" else self.cases() if which == "all" else self.cases(*JUDGED, "shown")

    @property
    def shifted(self) -> list[str]:
        """The cancers of the cohorts, sorted, where the network is tested on others than it was trained on; none of
        another study, nor of a pilot, which has no test case."""
        if self.settled is None or self.sample_of is not None:
            return []
        names = self.cases("development", *JUDGED, label="malignant")
        return [name for name in names if name in self.outlines]

    @cached_property
    def benign_sample(self) -> list[str]:
        """Up to 200 benign development breasts, drawn by seed and name: on these the section maximum is looked at."""
        names = self.cases("development", label="benign")
        drawn = sorted(names, key=lambda name: hashlib.sha256(f"{self.config.seed}/benign/{name}".encode()).digest())
        return sorted(drawn[:BENIGN_SAMPLE])

    @cached_property
    def outlines(self) -> dict[str, dict[str, str]]:
        """Breast to rater to outline file."""
        found: dict[str, dict[str, str]] = {}
        for row in self.readings:
            found.setdefault(row.breast, {})[row.rater] = row.file
        return found

    def outlined_images(self, breast: str) -> str | None:
        """The folder of a breast's exam where an outline refers to its images; None where all have their own grid, and
        of an exam that has no DICOM images."""
        own = all(path.lower().endswith(OWN_GRID) for path in self.outlines[breast].values())
        exam = self.exams[self.exam_of(breast)]
        return None if own or exam.times else exam.folder

    @cached_property
    def outline_choices(self) -> dict[str, dict[str, str]]:
        """Breast to rater to a digest of `image`, `segment` and `rule` of the sheet, whose words no result may hold."""
        found: dict[str, dict[str, str]] = {}
        for r in (row for row in self.readings if row.image or row.segment or row.rule):
            words = f"{r.image}\n{r.segment}" + (f"\n{r.rule}" if r.rule else "")
            chosen = hashlib.sha256(words.encode()).hexdigest()
            found.setdefault(r.breast, {})[r.rater] = chosen[:16]
        return found

    @cached_property
    def outlined(self) -> list[str]:
        """Breasts with at least one outline, sorted."""
        return sorted(self.outlines)

    def described(self, breasts: Iterable[str]) -> list[list[str]]:
        """What the report says of breasts: each with its exam, patient, side, label and partition."""
        rows = ((name, self.breasts[name]) for name in breasts)
        return [[name, r.exam, self.patient_of(name), r.side or "", r.label, r.partition] for name, r in rows]

    def predicted(self, arm: str) -> list[str]:
        """Cases that an arm is applied to; the baseline works on outlined sections only."""
        if not self.arms[arm].trained and not self.arms[arm].external:
            return self.cases("tuning", "test")
        return self.cases(*JUDGED, "shown")

    @property
    def folds(self) -> list[str]:
        """Fold names."""
        return [str(number) for number in range(1, self.config.fold.folds + 1)]

    @cached_property
    def held_out(self) -> dict[str, str]:
        """Development breast to the fold that holds it out, by `folds_given`, which raises; a pilot deals its own."""
        return folds_given(self) if self.sample_of is None else dealt(self, self.cases("development"))

    @cached_property
    def arms(self) -> dict[str, Arm]:
        """All arms: those of the configuration, their repeats, and the parts of the learning curve."""
        return self.config.arms | arms_of(self.config)

    @property
    def trained(self) -> dict[str, Arm]:
        """The arms that have networks of ours."""
        return {name: arm for name, arm in self.arms.items() if arm.trained}

    @property
    def few(self) -> bool:
        """Whether one or two raters outlined each case: no consensus then, and no test of equivalence."""
        return self.config.readers.few

    @property
    def compared(self) -> list[str]:
        """The arms that are compared with the readers on the test cases; the others never see one."""
        baselines = [name for name, arm in self.config.arms.items() if not arm.trained]
        return self.config.compare.arms or list(dict.fromkeys([self.config.primary_arm, *baselines]))

    @property
    def compared_networks(self) -> list[str]:
        """The compared arms that have networks of ours."""
        return [name for name in self.compared if self.arms[name].trained]

    @property
    def located(self) -> list[str]:
        """The compared arms that the readers' outlines tell where the lesion is."""
        return [name for name in self.compared if self.arms[name].location_given]

    def segmenting(self, arm: str) -> dict[str, Any]:
        """The block `segment` for an arm; of fuzzy c-means only the component with the largest membership is kept."""
        block: dict[str, Any] = self.params("segment")["segment"]
        own = self.arms[arm].model_dump(include={"fraction", "component"}, exclude_none=True)
        return block | own | ({"component": 1.0} if self.arms[arm].network == "fuzzy_c_means" else {})

    def external(self, arm: str, breast: str) -> dict[str, Any]:
        """What an arm that was made elsewhere says of a breast: its file (none without a row), and whether its training
        saw the patient."""
        rows = self.externals[arm]
        seen = {self.patient_of(name) for name, row in rows.items() if row.trained_on == "yes"}
        return {"file": rows[breast].file if breast in rows else None, "seen": self.patient_of(breast) in seen}

    @cached_property
    def plan(self) -> Plan | None:
        """The locked plan, or none."""
        return read_plan(Path(self.config.plan))

    @property
    def cited(self) -> list[dict[str, str]]:
        """The rows of the sheet of sources as plain JSON."""
        return [row.model_dump() for row in self.sources]

    @property
    def planned(self) -> dict[str, Any]:
        """What `lock_plan` freezes: the primary comparison, its test, the threshold rule, the subgroups, the test cases
        with the digests of their outlines. Of a pilot, that of the whole study."""
        return planned(self.whole)

    @property
    def harmonizations(self) -> list[str]:
        """Harmonizations that some arm of the configuration uses."""
        return sorted({arm.harmonization for arm in self.config.arms.values()})

    def params(self, *blocks: str) -> dict[str, Any]:
        """The named blocks of the configuration as plain JSON, for a rule's params."""
        dumped = self.config.model_dump(mode="json", by_alias=True)
        return {block: json.loads(json.dumps(dumped[block], sort_keys=True)) for block in sorted(blocks)}
