"""The arms that experiments add to those of the configuration: repeats, and parts of the training data."""

from __future__ import annotations

from radparity.config import Arm, Config, Subset


def repeats(config: Config, arm: str) -> list[str]:
    """The names of an arm's trainings in the selection; the first is the arm itself. A baseline has one."""
    count = config.selection.repeats if config.selection and config.arms[arm].trained else 1
    return [arm, *(f"{arm}_r{number}" for number in range(2, count + 1))]


def part(arm: str, malignant: float, benign: float, repeat: int) -> str:
    """The name of one point of a learning curve: shares in thousandths, so that curves share their common points."""
    return f"{arm}_m{round(1000 * malignant):04d}_b{round(1000 * benign):04d}_r{repeat}"


def arms_of(config: Config) -> dict[str, Arm]:
    """Every arm that an experiment trains and the configuration does not list, by name."""
    found: dict[str, Arm] = {}
    for name in config.selection.arms if config.selection else []:
        found |= {repeat: config.arms[name] for repeat in repeats(config, name)[1:]}
    if curve := config.learning_curve:
        for malignant, benign in (point for points in curve.curves.values() for point in points):
            for repeat in range(1, curve.repeats + 1):
                subset = Subset(malignant=malignant, benign=benign, repeat=repeat)
                arm = config.arms[curve.arm].model_copy(update={"subset": subset})
                found[part(curve.arm, malignant, benign, repeat)] = arm
    return found
