"""What a configuration with one or two raters cannot ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radparity.raters import CONSENSUS, FEW_RULES, TAKEN

if TYPE_CHECKING:
    from radparity.config import Config


def check_few(config: Config) -> None:
    """Raises ValueError, with the line to write instead, where what is asked for needs three raters or more."""
    count, rule = len(config.readers.test), config.compare.reference
    taken = [name for name in config.readers.test if name in TAKEN]
    if taken:
        raise ValueError(
            f"readers: test: a rater may not be called {taken[0]!r}: the tables use that word. Rename it, in the"
            " readings sheet too"
        )
    if rule not in FEW_RULES:
        raise ValueError(
            f"compare: reference: {rule}: it is made from {CONSENSUS} raters or more, and readers: test names {count}."
            " Write instead: reference: intersection"
        )
    told = [name for name, arm in config.arms.items() if arm.location_given and name in _compared(config)]
    if told:
        raise ValueError(
            f"arms: {told[0]}: region: readers_box: it is compared with readers in one box, which needs {CONSENSUS} of"
            f" them, and readers: test names {count}. Leave the arm out"
        )
    if config.report.power:
        raise ValueError(
            f"report: power: true: the power is that of the test of equivalence, which needs {CONSENSUS} readers, and"
            f" readers: test names {count}. Write instead: power: false"
        )


def _compared(config: Config) -> list[str]:
    """Arms that meet the test cases, as `Study.compared` has them."""
    return config.compare.arms or [name for name, arm in config.arms.items() if not arm.trained]
