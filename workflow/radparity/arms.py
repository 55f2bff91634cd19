"""The arms that experiments add to those of the configuration: repeats, and parts of the training data."""

from __future__ import annotations

from typing import NamedTuple

from radparity.config import Arm, Config, Subset


class Point(NamedTuple):
    """A point of a learning curve: shares of the malignant and benign training breasts, and its trainings' names."""

    malignant: float
    benign: float
    arms: list[str]


def repeats(config: Config, arm: str) -> list[str]:
    """The names of an arm's trainings in the selection; the first is the arm itself. A baseline has one."""
    count = config.selection.repeats if config.selection and config.arms[arm].trained else 1
    return [arm, *(f"{arm}_r{number}" for number in range(2, count + 1))]


def selected(config: Config) -> dict[str, list[str]]:
    """Each arm of the selection with the names of its trainings; none where there is no selection."""
    return {arm: repeats(config, arm) for arm in config.selection.arms} if config.selection else {}


def part(arm: str, malignant: float, benign: float, repeat: int) -> str:
    """The name of one point of a learning curve: shares in thousandths, so that curves share their common points."""
    return f"{arm}_m{round(1000 * malignant):04d}_b{round(1000 * benign):04d}_r{repeat}"


def points(config: Config) -> dict[str, list[Point]]:
    """The points of each learning curve, the smallest part first; none where there is no learning curve."""
    curve = config.learning_curve
    if curve is None:
        return {}
    numbers = range(1, curve.repeats + 1)
    return {
        name: [Point(m, b, [part(curve.arm, m, b, number) for number in numbers]) for m, b in own]
        for name, own in curve.curves.items()
    }


def arms_of(config: Config) -> dict[str, Arm]:
    """Every arm that an experiment trains and the configuration does not list, by name.

    Raises ValueError where such a name is taken: two trainings would share their files.
    """
    found: dict[str, Arm] = {}

    def add(name: str, arm: Arm, what: str) -> None:
        if name in config.arms or found.get(name, arm) != arm:
            raise ValueError(f"arms: the name {name} is needed for {what}. Give the arm of yours another name")
        found[name] = arm

    for name, trainings in selected(config).items():
        for training in trainings[1:]:
            add(training, config.arms[name], f"a repeat of {name} in the selection")
    for own in points(config).values():
        for point in own:
            for number, training in enumerate(point.arms, 1):
                assert config.learning_curve is not None
                subset = Subset(malignant=point.malignant, benign=point.benign, repeat=number)
                arm = config.arms[config.learning_curve.arm].model_copy(update={"subset": subset})
                add(training, arm, "a point of the learning curve")
    return found


def advice(config: Config, experiment: str) -> str:
    """What to say to a person who asks for an experiment that the configuration has no block for."""
    names = [name for name, arm in config.arms.items() if not arm.location_given]
    lines = {
        "selection": ["selection:", f"  arms: [{', '.join(names)}]", "  repeats: 3"],
        "learning_curve": [
            "learning_curve:",
            f"  arm: {config.primary_arm}",
            "  curves:",
            "    paper: [[0.098, 0.004], [0.978, 0.04], [1.0, 1.0]]",
            "  repeats: 3",
        ],
    }[experiment]
    block = "\n".join(f"  {line}" for line in lines)
    return f"The configuration has no block `{experiment}`. Add one (docs/selection.md), for example:\n{block}"
