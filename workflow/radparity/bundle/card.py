"""The model card: what a site has to know before it uses the networks (sections after Mitchell et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from radparity.bundle.method import Method
from radparity.bundle.performance import Measured
from radparity.citations import PAPER
from radparity.report.tables import Table, number

MITCHELL = (
    "Mitchell M, Wu S, Zaldivar A, et al. Model cards for model reporting. Proceedings of the Conference on Fairness,"
    " Accountability, and Transparency 2019:220-229. doi:10.1145/3287560.3287596"
)
RESEARCH = "Research use only. Not a medical device: no diagnosis, no treatment and no biopsy may rest on its answer."
NONE_SEEN = "No benign breast was looked at, so nothing says how often a breast without cancer gets an answer."
MANY = 100
"""Benign breasts from which on their 95th percentile is more than a guess."""
PHANTOM = "Trained and tested on virtual exams (phantoms). Never for clinical use: it has not seen a single patient."


@dataclass(frozen=True)
class Part:
    """A section of the card: paragraphs, points, tables, in this order."""

    title: str
    paragraphs: Sequence[str] = ()
    points: Sequence[str] = ()
    tables: Sequence[Table] = ()


@dataclass(frozen=True)
class Card:
    """A model card. warnings: the sentences that stand above everything; head: what is said at each use."""

    title: str
    warnings: Sequence[str]
    parts: Sequence[Part]
    head: Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """What a card is made of.

    architecture, parameters: of a network, from its training record; folds: networks; training: tables; makers: of
    the training scanners; by_breast: folds divide breasts and not patients; below_floor: how many test cancers are, in
    a sentence; release: name and digest, or none; notes: further limits; digests: file of the bundle, or table of the
    study, to its SHA-256; versions: of software.
    """

    study: str
    method: Method
    phantom: bool
    architecture: Mapping[str, Any]
    parameters: int
    folds: int
    training: Sequence[Table]
    makers: Sequence[str]
    by_breast: bool
    below_floor: str
    release: str
    notes: Sequence[str]
    measured: Measured
    licence: str
    contact: str
    digests: Mapping[str, str]
    versions: Mapping[str, str]


def model_card(facts: Facts) -> Card:
    """The card of an arm's networks."""
    warnings = [PHANTOM] if facts.phantom else []
    parts = [
        _details(facts),
        Part("Intended use", points=USE),
        Part("Factors", points=FACTORS),
        Part("Metrics", points=_metrics(facts.method, facts.measured.references)),
        Part("Evaluation data", facts.measured.data),
        Part("Training data", [f"Release of the data: {facts.release}."], tables=facts.training),
        Part("Quantitative analyses", facts.measured.sentences, tables=facts.measured.tables),
        Part("Ethical considerations", points=ETHICS),
        Part("Caveats and recommendations", points=limits(facts)),
        Part("Licence", [facts.licence]),
        Part("Contact", [facts.contact or "none given"]),
        Part("Citation", points=[PAPER.sentence, MITCHELL]),
        Part("Digests", [DIGESTS], tables=[_digests(facts.digests)]),
    ]
    title = f"Model card: {facts.method.name} of the study {facts.study}"
    warnings.append(RESEARCH)
    head = {"title": title, "warnings": warnings, "limits": _in_short(facts), "licence": facts.licence}
    return Card(title, warnings, parts, head)


def limits(facts: Facts) -> list[str]:
    """What the networks have not been shown to do, the gravest first."""
    floor = facts.method.threshold.floor
    found = [
        "The study judged single sections that were known to hold a cancer. What a site gets is found in the whole"
        " volume by another rule, which was not compared with readers.",
        f"An answer is given wherever the probability reaches {floor.probability:g} anywhere in the breast. "
        + _of_floor(facts.method, facts.by_breast),
        f"A cancer whose probability stays below the floor is answered as no lesion. {facts.below_floor}",
        "One lesion a breast is answered: the one that holds the maximum. Others are not looked for.",
    ]
    if facts.by_breast:
        found.append(
            "The folds divide breasts and not patients: a network may have been trained on the other breast of a woman"
            " whom it was held out from, so the held-out cases and the floor look better than with new women."
        )
    if len(facts.makers) == 1:
        found.append(f"All training exams are from scanners of one manufacturer ({facts.makers[0]}).")
    found += [
        "Images after surgery, with implants, of other fields, coils, contrast agents or timing than those below were"
        " not examined, unless the tables below count them.",
        "Before use, look at cases of your own whose answer you know, and decide on a floor of your own.",
    ]
    return [*found, *facts.notes]


def _in_short(facts: Facts) -> list[str]:
    """The limits that fit beside each answer."""
    floor = facts.method.threshold.floor
    of = "" if floor.percentile is None else f", from {floor.benign_breasts} benign breasts; others can exceed it"
    return [
        "Not compared with readers in whole volumes: the study judged sections that were known to hold a cancer.",
        f"Below a probability of {floor.probability:g} nothing is answered{of}, and a cancer below is missed.",
        "One lesion a breast is answered; others are not looked for.",
        "Compare the border with the images before you use a number.",
    ]


def _of_floor(method: Method, by_breast: bool) -> str:
    floor = method.threshold.floor
    if floor.percentile is None:
        seen = f" {NONE_SEEN}" if floor.benign_breasts == "0" else ""
        return f"That floor is a number that the study's configuration fixes.{seen}"
    few = (
        "" if floor.benign_breasts.isdecimal() and int(floor.benign_breasts) >= MANY else " So few do not fix a floor."
    )
    seen = " (but perhaps her other breast)" if by_breast else ""
    return (
        f"That floor is the {floor.percentile:g}th percentile of the maxima of {floor.benign_breasts} benign breasts,"
        f" inside the breast mask of their central section, each by the one network that had not seen it{seen}. In the"
        " whole volume a maximum is higher, so more benign breasts than that get an answer; the mean of several"
        f" networks tends to be lower than one network's, so fewer do, and more cancers get none.{few}"
    )


def _details(facts: Facts) -> Part:
    method, arm = facts.method, facts.method.arm
    prior = ["breast mask"] if facts.architecture["mask_prior"] else []
    place = ["coordinates in the breast"] if facts.architecture["coordinates"] else []
    rows = [
        ["arm", method.name],
        ["network", f"{arm.network}, base width {facts.architecture['width']}"],
        ["networks", f"{facts.folds}, one a fold; the probability is their mean"],
        ["trainable parameters of each", f"{facts.parameters:,}"],
        ["input", ", ".join([*arm.channels, *prior, *place])],
        ["intensities", f"{arm.harmonization} of each exam, then the divisors that lie with the weights"],
        [
            "registration",
            f"{method.registration.method}, by {method.registration.engine}, onto the first post-contrast",
        ],
        ["breast mask", method.mask.method],
        *([name, version] for name, version in facts.versions.items()),
    ]
    return Part("Model details", tables=[Table("details", "The networks", ["", ""], rows, words=(0, 1))])


def _metrics(method: Method, references: str) -> list[str]:
    threshold = method.threshold
    tuned = "tuned on the study's tuning cases" if threshold.tuned else "fixed by the configuration"
    return [
        f"Dice of the mask with {references}.",
        f"Threshold on that section: {number(threshold.section_fraction, 2)} of its maximum, {tuned}.",
        f"In a volume, where no metric was measured: {number(threshold.fraction, 2)} of the maximum inside the breast,"
        f" the voxels connected with it (26 neighbours); below {threshold.floor.probability:g} no lesion.",
    ]


USE = (
    "Intended: segmentation of a breast cancer that is known or suspected, in dynamic contrast-enhanced MRI, in"
    " research.",
    "Users: research groups that read such exams and can judge a wrong mask.",
    "Out of scope: screening, finding out whether there is a cancer, treatment response, anything clinical.",
)
FACTORS = (
    "Scanner, field strength, resolution, number and times of the phases: the tables of the training data.",
    "Size and form of the cancer, enhancement of the gland: the subgroups below, as far as the study has them.",
    "Age, ethnicity and treatment of the women are not recorded in the study's sheets.",
)
ETHICS = (
    "The bundle holds no image, no name and no case list; counts of 1 to 4 are hidden, in each table by itself.",
    "A network can fail on women whom its training data does not show; the tables say whom they show.",
    "A wrong mask can mislead who sees it: show it beside the images, with its limits.",
)
DIGESTS = (
    "SHA-256 of the bundle's files, and of the study's tables that the numbers above stand in. The digest of the whole"
    " bundle is published beside it: compare it with sha256sum, or with radparity predict --check."
)


def _digests(digests: Mapping[str, str]) -> Table:
    return Table("digests", "Digests", ["file", "sha256"], [list(item) for item in digests.items()], words=(0, 1))


def plain(card: Card) -> Mapping[str, Any]:
    """The card for a template."""
    return {"title": card.title, "warnings": card.warnings, "parts": card.parts}
