"""Methods of the primary arm: its network, how it was trained, and how its maps became masks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from radparity.citations import METHODS, Cited
from radparity.report import no_benign
from radparity.report.results import Results
from radparity.report.tables import number

Cite = Callable[[Cited], str]
KINDS = {
    "paper": "a three-dimensional convolutional network as published",
    "released": "a three-dimensional convolutional network as in the authors' public code",
    "deepmedic": "DeepMedic",
    "unet2d": "a two-dimensional U-Net that sees three neighbouring sections",
}


OTHERS = {"fuzzy_c_means": "fuzzy c-means", "nnunet": "nnU-Net", "external": "masks made elsewhere", **KINDS}


def beside(results: Results, cite: Cite) -> list[str]:
    """The arms that were compared beside the primary one."""
    found = []
    for name in (name for name in results.arms if name != results.primary):
        arm = results.config["arms"][name]
        cited = cite(METHODS[arm["network"]]) if arm["network"] in METHODS else ""
        where = " in a box around the readers' outlines" if arm["region"] == "readers_box" else ""
        found.append(f"{OTHERS[arm['network']]}{cited}{where} ({name})")
    return [f"Beside the primary arm the study explored {'; '.join(found)}."] if found else []


def sentences(results: Results, cite: Cite) -> list[str]:
    """The network of the primary arm and its training."""
    arm = results.config["arms"][results.primary]
    if arm["network"] == "external":
        return ["The network was trained elsewhere; its masks or probability maps were taken as they are."]
    trained = [*_training(results, arm), *_kept(results)]
    return [_network(results, arm, cite), *_folds(results.config["fold"]), *trained, *_prediction(results)]


def _records(results: Results) -> list[dict[str, Any]]:
    return [record for (arm, _), record in sorted(results.training.items()) if arm == results.primary]


def _network(results: Results, arm: dict[str, Any], cite: Cite) -> str:
    cited = cite(METHODS["deepmedic"]) if arm["network"] == "deepmedic" else ""
    said = f"The network is {KINDS[arm['network']]}{cited}"
    known = next((record for record in _records(results) if "architecture" in record), None)
    if known is None:
        return f"{said}."
    shape = known["architecture"]
    said += f", with a base width of {shape['width']} and {known['parameters']:,} trainable parameters"
    takes = [name for name, has in (("mask", shape["mask_prior"]), ("place", shape["coordinates"])) if has]
    words = {"mask": "the breast mask", "place": "the place in the breast"}
    return f"{said}; {' and '.join(words[one] for one in takes)} entered as further input." if takes else f"{said}."


def _folds(fold: dict[str, Any]) -> Iterable[str]:
    yield f"The development cases were divided by {fold['unit']} into {fold['folds']} folds, with a network for each."
    if fold["validation"]:
        yield f"Of the training {fold['unit']}s {100 * fold['validation']:g} % were kept for inner validation."


def _training(results: Results, arm: dict[str, Any]) -> Iterable[str]:
    train = results.config["train"]
    patch = arm["patch"] or (train["patch"] if arm["network"] in ("paper", "released") else None)
    size = f" of {' × '.join(map(str, patch))} voxels" if patch else ""
    falling = ", falling to zero along a cosine" if train["schedule"] == "cosine" else ""
    loss = "over the whole minibatch" if train["loss"] == "minibatch_dice" else "as a mean over its patches"
    precision = " in bfloat16" if train["precision"] == "bfloat16" else ""
    yield (
        f"Each was trained{precision} for {train['steps']:,} steps on minibatches of {train['minibatch']} patches"
        f"{size}, with soft Dice {loss}, by Adam with a rate of {train['learning_rate']:g}{falling}."
    )
    yield from no_benign.sentences(results)
    subset = arm["subset"]
    if subset["malignant"] < 1 or subset["benign"] < 1:
        yield (
            f"Only {100 * subset['malignant']:g} % of the training breasts with cancer and {100 * subset['benign']:g} %"
            " of the others were used."
        )


def _kept(results: Results) -> Iterable[str]:
    """Which weights were kept, as the trainings' records say."""
    by = "the tumour" if results.config["train"]["selected_by"] == "tumour" else "both classes"
    ways = [str(record["selected"]) for record in _records(results) if "selected" in record]
    best = sum(way != "last" for way in ways)
    if best == len(ways) and ways:
        yield f"The weights of the highest Dice of {by} on the inner validation cases were kept."
    elif ways and not best:
        yield "The last weights were kept: the inner validation cases with cancer were too few to choose by."
    elif ways:
        yield (
            f"In {best} of {len(ways)} trainings the weights of the highest Dice of {by} on the inner validation cases"
            " were kept, in the others, with too few such cases, the last."
        )


def _prediction(results: Results) -> Iterable[str]:
    predict = results.config["predict"]
    section = "the outlined section" if results.few else "the section that the readers had outlined"
    where = f"on {section}" if predict["extent"] == "section" else "in the whole volume"
    precision = " in bfloat16" if predict["precision"] == "bfloat16" else ""
    yield f"A test case's probability is the mean over the folds' networks, predicted{precision} {where}."


def threshold(results: Results) -> list[str]:
    """From the primary arm's map to its mask."""
    arm, segment = results.config["arms"][results.primary], results.config["segment"]
    component = segment["component"] if arm["component"] is None else arm["component"]
    kept = f"Components were kept that reach {component:g} of the section's maximum."
    if arm["absolute"] is not None:
        return [f"A voxel was marked where the map reaches {arm['absolute']:g}.", kept]
    found = results.fractions.get(results.primary)
    fixed = arm["fraction"] if arm["fraction"] is not None else segment["fraction"]
    if fixed != "tuned":
        return [f"A voxel was marked where the map reaches {fixed:g} of the section's maximum, fixed beforehand.", kept]
    rule = "A voxel was marked where the map reaches a fraction of the section's maximum"
    if found is None:
        return [f"{rule}, tuned on the tuning cases.", kept]
    cases = len(found["cases"])
    tuned = f"{number(found['fraction'], 2)}, tuned for Dice on {cases} tuning case{'' if cases == 1 else 's'}"
    return [f"{rule}: {tuned}.", kept]
