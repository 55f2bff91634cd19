"""Methods: the paragraphs of a paper, from the configuration and the results, with numbered references.

A sentence is written only where the configuration has what it speaks of, and with the configuration's own numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from radparity.citations import METHODS, PAPER, REAL_EXAMS, Cited, of_sources, shipped, with_data
from radparity.raters import few
from radparity.report import methods_against
from radparity.report import methods_networks as networks
from radparity.report.flow import LABELS, OK, Outcome
from radparity.report.results import Results
from radparity.report.software import Used, versions
from radparity.sheets import INTERNAL

PURPOSES = {
    "tuning": "to tune on",
    "test": "for the comparison",
    INTERNAL: "for the internal test",
    "shown": "shown and in no statistic",
}
SCALES = {
    "pre_p95": "the 95th percentile of the phase before contrast",
    "pre_max": "the maximum of the phase before contrast",
    "own_p95": "the 95th percentile of its own magnitude",
    "zscore": "its own standard deviation, after its mean was taken away",
    "histogram": "the 95th percentile of the phase before contrast, and then matched to the histogram of all scanners",
}
REFERENCES = {
    "intersection": "all other readers had marked it",
    "union": "any of the other readers had marked it",
    "majority": "more than half of the other readers had marked it",
    "staple": "STAPLE found it likelier cancer than not from the outlines of the other readers",
}


EMPTY = {"drop": "pairs with an empty reference were left out", "zero": "an empty reference counted 0"}


@dataclass
class Writer:
    """Sentences under headings, and the works that they cite, numbered as they come."""

    references: list[Cited] = field(default_factory=list)

    def cite(self, work: Cited) -> str:
        """The number of a work, in brackets with a blank before."""
        if work not in self.references:
            self.references.append(work)
        return f" [{self.references.index(work) + 1}]"


@dataclass(frozen=True)
class Methods:
    """Paragraphs as (heading, text), the references that they cite, and the data of others with what to cite of it."""

    paragraphs: list[tuple[str, str]]
    references: list[str]
    data: list[str]


def methods(results: Results, ends: Sequence[Outcome], exams: Mapping[str, str], software: Sequence[Used]) -> Methods:
    """The methods of a finished study. ends: where each breast ended. exams: exam to the status that it ended with."""
    writer, config = Writer(), results.config
    paragraphs = [
        ("Data", [*_design(results, writer), *_cases(results, ends, exams), *_readers(config)]),
        ("Images", [*_conversion(writer, software), *_registration(config, writer, software)]),
        ("Harmonization", [*_mask(config), *_harmonization(results)]),
        ("Network", networks.sentences(results, writer.cite)),
        ("Segmentation", networks.threshold(results)),
        ("Comparison", [*_comparison(results, writer), *networks.beside(results, writer.cite)]),
        ("Software", _software(results, software, writer)),
    ]
    used = with_data([*shipped(exams, ""), *of_sources(results.sources)])
    return Methods(
        [(heading, " ".join(said)) for heading, said in paragraphs if said],
        [work.sentence for work in writer.references],
        [work.sentence for work in used],
    )


def _design(results: Results, writer: Writer) -> Iterable[str]:
    yield f"The study follows the design of Hirsch et al.{writer.cite(PAPER)}."
    if results.config.get("phantom"):
        real = [exam for exam in sorted({breast.exam for breast in results.breasts}) if exam in REAL_EXAMS]
        cited = "".join(writer.cite(REAL_EXAMS[exam]) for exam in real)
        drawn = "outlines" if results.few else "readers"
        with_real = f", with {_some(len(real), 'real exam')}{cited} beside them" if real else ""
        yield (
            f"It runs on virtual exams (phantoms) and simulated {drawn}{with_real}: nothing measured here is a clinical"
            " result."
        )
    if results.sources:
        cited = "".join(writer.cite(work) for work in of_sources(results.sources))
        yield f"The images are public{cited}."
    if release := results.config.get("release"):
        yield f"Training, tuning and test saw the exams of release {release} only."
    if (trained := results.config.get("train_on")) and not results.pilot:
        elsewhere = results.config["arms"][results.primary]["network"] == "external"
        learned = "The threshold was tuned" if elsewhere else "The network was trained and tuned"
        tested = _list(results.config["test_on"])
        yield f"{learned} on {_list(trained)} and {'the network ' * elsewhere}tested on {tested}: an external test."
    if results.pilot:
        yield f"This is a pilot of {results.pilot['exams']:,} of {results.pilot['of']:,} exams, without any test case."


def _cases(results: Results, ends: Sequence[Outcome], exams: Mapping[str, str]) -> Iterable[str]:
    left = (results.left_out or {"breasts": []})["breasts"]
    patients = len({breast.patient for breast in results.breasts} | {patient for _, _, patient, *_ in left})
    stayed = sum(status == OK for status in exams.values())
    yield (
        f"The study has {_some(len(exams), 'exam')} of {_some(patients, 'patient')} with"
        f" {_some(len(ends), 'breast')}; {_some(stayed, 'exam')} and"
        f" {_some(sum(end.status == OK for end in ends), 'breast')} stayed."
    )
    counts = Counter((end.breast.partition, end.breast.label) for end in ends if end.status == OK)
    whole = Counter({purpose: sum(counts[purpose, label] for label in LABELS) for purpose in PURPOSES})
    training = f"{counts['development', 'malignant']:,} with cancer and {counts['development', 'benign']:,} without"
    said = [f"{whole[purpose]:,} {words}" for purpose, words in PURPOSES.items() if whole[purpose]]
    yield f"These breasts are {_list([f'{training} for development', *said])}."
    if rules := [rule["name"] for rule in results.config["eligible"]]:
        yield f"Rules of eligibility were {_list(rules)}."


def _readers(config: Mapping[str, Any]) -> Iterable[str]:
    readers = config["readers"]
    if few(readers["test"]):
        yield from methods_against.outlined(readers)
        return
    anonymous = "; their names stand for slots, not for persons" if readers["anonymous"] else ""
    yield (
        f"Each tuning and each test case was outlined on one section by {len(readers['test'])} readers{anonymous}."
        " All readers of a case outlined the same section."
    )


def _conversion(writer: Writer, software: Sequence[Used]) -> Iterable[str]:
    yield (
        "Series were recognized and sorted into phases by their DICOM headers, and converted to NIfTI phase by phase"
        f" with {_program('dcm2niix', 'dcm2niix', software)}{writer.cite(METHODS['dcm2niix'])}."
    )


def _registration(config: Mapping[str, Any], writer: Writer, software: Sequence[Used]) -> Iterable[str]:
    register = config["register"]
    if register["method"] == "off":
        yield "Phases were not registered."
        return
    engine = register[register["engine"]]
    ants = register["engine"] == "ants"
    name = _program("ANTsPy", "antspyx", software) if ants else "greedy"
    cited = writer.cite(METHODS["ants"]) if ants else ""
    found = f"on a grid of {register['spacing_mm']:g} mm where the images are finer"
    if register["method"] == "affine":
        yield (
            f"Every phase was registered onto the first one after contrast by an affine transform ({name}{cited}),"
            f" {found}."
        )
    else:
        kind = "symmetric normalization" if ants else "greedy diffeomorphic registration"
        rounds = _list([str(number) for number in engine["iterations"]])
        yield (
            f"Every phase was registered onto the first one after contrast by {kind} ({name}{cited}) with"
            f" cross-correlation in windows of radius {engine['radius']} ({rounds} iterations from coarse to fine;"
            f" {_smoothing(engine, ants)}), {found}."
        )
    if register["window_mm"]:
        yield f"For this, intensities were normalized in a window of {register['window_mm']:g} mm."
    yield "Phases were resampled along the field by cubic splines."


def _smoothing(engine: Mapping[str, Any], ants: bool) -> str:
    if ants:
        return (
            f"each update smoothed with a variance of {engine['update_variance']:g} and the field with one of"
            f" {engine['total_variance']:g} squared voxels, steps of at most {engine['step']:g} voxels"
        )
    return f"each update smoothed with {engine['update_sigma']:g} and the field with {engine['total_sigma']:g} voxels"


def _mask(config: Mapping[str, Any]) -> Iterable[str]:
    mask = config["mask"]
    if mask["method"] == "classical":
        fat = {
            "auto": "whether fat is suppressed was found from the image",
            "dark": "fat was taken to be suppressed",
            "bright": "fat was taken not to be suppressed",
        }
        yield f"The breast was delineated without training, from the chest wall to the skin; {fat[mask['fat']]}."
    elif mask["weights"]:
        yield "The breast was delineated by a network whose weights were given."
    else:
        yield f"The breast was delineated by a network trained on given masks for {mask['steps']:,} steps."


def _harmonization(results: Results) -> Iterable[str]:
    harmonize, primary = results.config["harmonize"], results.config["arms"][results.primary]
    in_plane = harmonize["in_plane"]
    yield {
        "double": "Each breast was cut out, and in-plane pixels coarser than 0.6 mm were halved.",
        "off": "Each breast was cut out at the in-plane resolution of the exam.",
    }.get(in_plane, f"Each breast was cut out and resampled in plane to {in_plane} mm.")
    planes = {record.get("plane") for record in results.used("intake").values()}
    if planes - {"sagittal", None}:
        yield f"Exams that were not sagittal were cut into sagittal sections of about {harmonize['section_mm']:g} mm."
    if primary["network"] == "external":
        return
    uptake = {
        "difference": "uptake (DCE-in, first phase after contrast minus the one before)",
        "rate": "uptake (DCE-in, the rise to the first phase after contrast, per second)",
    }[harmonize["dce_in"]]
    names = {
        "t1c": "the first phase after contrast",
        "dce_in": uptake,
        "dce_out": "washout (DCE-out, the least-squares slope per second over the phases after contrast)",
        "t2": "T2",
    }
    channels = primary["channels"]
    yield f"The channels are {_list([names[channel] for channel in channels])}."
    if harmonize["times_unknown"] == "assume" and {"dce_in", "dce_out"} & set(channels):
        yield f"Where headers told no times, phases were taken to be {harmonize['assumed_interval_s']:g} s apart."
    yield f"Every channel of an exam was divided by {SCALES[primary['harmonization']]}."
    yield {
        "fold": "One divisor a channel was learned from each fold's training patients alone.",
        "published": "Channels were then divided by the constants of the authors' code.",
    }[harmonize["divisors"]]


def _comparison(results: Results, writer: Writer) -> Iterable[str]:
    compare = results.config["compare"]
    if results.few:
        yield from methods_against.comparison(results.config, EMPTY[compare["empty_reference"]])
        return
    cited = writer.cite(METHODS["staple"]) if compare["reference"] == "staple" else ""
    yield (
        "Each reader was compared with a reference made from the other readers, and the network with the same one:"
        f" a voxel was in it if {REFERENCES[compare['reference']]}{cited}. The score was Dice;"
        f" {EMPTY[compare['empty_reference']]}."
    )
    yield (
        "The primary test was one of equivalence: two one-sided tests of the mean difference, network minus readers,"
        f" over cases, with a margin of {compare['margin']:g} Dice and an error of {compare['alpha']:g} a side, by a"
        f" studentized bootstrap over patients ({compare['bootstrap']:,} draws); with fewer than"
        f" {compare['minimum_cases']} cases there was to be no verdict."
    )
    if not results.config["readers"]["anonymous"]:
        yield "Beside it stands the published bracket between the lowest and the highest reader (Wilcoxon signed rank)."


def _software(results: Results, software: Sequence[Used], writer: Writer) -> list[str]:
    wanted = {"Python": "python", "NumPy": "numpy", "SciPy": "scipy", "statsmodels": "statsmodels"}
    if results.config["arms"][results.primary]["network"] != "external":
        wanted["PyTorch"] = "torch"
    named = [_program(name, package, software) for name, package in wanted.items() if versions(software, package)]
    tools = f", with {_list(named)}" if named else ""
    return [f"All steps ran as the Snakemake{writer.cite(METHODS['snakemake'])} workflow radparity{tools}."]


def _program(name: str, package: str, software: Sequence[Used]) -> str:
    return f"{name} {found}" if (found := versions(software, package)) else name


def _some(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _list(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
