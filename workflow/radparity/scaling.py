"""Scaling: from a breast's harmonized channels to a network's input, by what a fold learned from its training patients.

Harmonize scales each exam by its own statistics. What only several exams can tell is learned here, once a fold, from
the records of its training breasts alone: one divisor a channel and, for `histogram`, landmarks for each scanner. It is
kept inside the weights, since a network is of no use without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radparity.tissue import tissue_mask

Prepare = Callable[[NDArray[Any]], NDArray[np.float32]]
"""What makes network input of one breast's harmonized channels (channel, ...)."""
PUBLISHED = {"t1c": 40.0, "dce_in": 0.3, "dce_out": 0.12, "t2": 30.0}
"""The authors' fixed divisors after pre_p95, DCE-in as a rate (spec section 7)."""
PERCENTILES = (5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99)
FEWEST_BREASTS = 3
"""Training breasts that a scanner needs for landmarks of its own: one or two tell of the women, not of the scanner."""


def as_is(channels: NDArray[Any]) -> NDArray[np.float32]:
    """Channels that are network input already."""
    return channels.astype(np.float32, copy=False)


def scanner_name(intake: Mapping[str, Any]) -> str:
    """One line for the scanner of an intake record: maker, model, field."""
    scanner = intake["scanner"]
    words = [str(scanner.get(key) or "not stated") for key in ("manufacturer", "model")]
    return " ".join([*words, f"{scanner['tesla']:g} T" if scanner.get("tesla") else "field not stated"])


def exam_landmarks(t1c: NDArray[np.float32]) -> list[float]:
    """The PERCENTILES of a breast's T1c in tissue; zeros where there is none."""
    tissue = t1c[tissue_mask(t1c)]
    return [float(v) for v in np.percentile(tissue, PERCENTILES)] if tissue.size else [0.0] * len(PERCENTILES)


@dataclass(frozen=True)
class Scaling:
    """What a fold learned, and how it is applied.

    channels: names in order; divisors: one each. landmarks: T1c percentiles by scanner, and `pooled`, those of all
    training breasts: the scale that each scanner's are mapped to; both empty but for `histogram`. breasts: whom it was
    learned from. harmonization and dce_in say which channels it fits.
    """

    harmonization: str
    dce_in: str
    channels: tuple[str, ...]
    divisors: tuple[float, ...]
    landmarks: dict[str, tuple[float, ...]] = field(default_factory=dict)
    pooled: tuple[float, ...] = ()
    breasts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse divisors that are not one positive number a channel."""
        divisors = np.asarray(self.divisors, dtype=float)
        if divisors.shape != (len(self.channels),) or not np.all(np.isfinite(divisors) & (divisors > 0)):
            raise ValueError(
                f"divisors {list(self.divisors)} must be {len(self.channels)} positive numbers, one per channel"
            )

    def knows(self, scanner: str) -> bool:
        """Whether nothing needs to be assumed of this scanner; an unknown one passes with the pooled landmarks."""
        return self.harmonization != "histogram" or scanner in self.landmarks

    def only(self, channels: Sequence[str]) -> Scaling:
        """The same for some of the channels, in that order.

        Raises ValueError for a channel that no training breast had.
        """
        missing = [channel for channel in channels if channel not in self.channels]
        if missing:
            raise ValueError(
                f"no training breast of this fold has the channel {missing[0]}, so nothing scales it. Leave it out of"
                " the arm's channels, or add exams that have it"
            )
        positions = [self.channels.index(channel) for channel in channels]
        return replace(self, channels=tuple(channels), divisors=tuple(self.divisors[p] for p in positions))

    def of(self, record: Mapping[str, Any]) -> Prepare:
        """What makes network input of the channels of the breast with this harmonize record, for `apply`.

        Raises ValueError where its channels were made another way than those this was learned from.
        """
        for key in ("harmonization", "dce_in"):
            if record[key] != getattr(self, key):
                raise ValueError(
                    f"breast {record['case']}: channels with {key} {record[key]}, but the network was trained on"
                    f" {getattr(self, key)}. Harmonize it the same way"
                )
        return partial(self.apply, scanner=record["scanner"])

    def apply(self, channels: NDArray[Any], scanner: str) -> NDArray[np.float32]:
        """Network input from harmonized channels (channel, ...): T1c by the scanner's curve, slopes by its last ratio,
        each channel by its divisor. Raises ValueError for another number of channels."""
        if len(channels) != len(self.channels):
            raise ValueError(f"{len(channels)} channels, but this scales {', '.join(self.channels)}")
        out = np.empty(channels.shape, np.float32)
        for position, (name, divisor) in enumerate(zip(self.channels, self.divisors, strict=True)):
            out[position] = self.matched(channels[position], name, scanner)
            out[position] /= np.float32(divisor)
        return out

    def matched(self, values: Any, name: str, scanner: str) -> Any:
        """One channel's values with the histogram of a scanner brought to the pooled one (spec section 7, option 1).

        The landmarks are those of T1c: they say nothing of T2.
        """
        own = self.landmarks.get(scanner)
        if own is None or name == "t2":
            return values
        last = self.pooled[-1] / own[-1]
        if name != "t1c":
            return values * np.float32(last)
        # Beyond the last landmark the straight line through the origin goes on; below zero there is nothing.
        return np.where(values > own[-1], values * last, np.interp(values, (0.0, *own), (0.0, *self.pooled)))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Scaling:
        """From what `to_json` gave and a file kept."""
        plain = {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()}
        return cls(**plain | {"landmarks": {name: tuple(own) for name, own in facts["landmarks"].items()}})


def learn(records: Iterable[Mapping[str, Any]], channels: Sequence[str], divisors: str = "fold") -> Scaling:
    """What a fold learns from the harmonize records of its training breasts, and of no others.

    channels: those to learn, as the records name theirs; from the breasts that have it each. One that no breast has is
    left out, and Scaling.only refuses it. divisors: `fold`: one a channel, the 95th percentile over breasts of each
    breast's own 95th percentile of |x| (reader_statistics, section 2); `published`: the authors' constants.
    Raises ValueError where there is no breast, a channel is empty in all of them, or they were harmonized differently.
    """
    records = sorted(records, key=lambda record: str(record["case"]))
    if not records:
        raise ValueError("no training breast is left in this fold: see the excluded cases in the report's flow chart")
    ways = {(record["harmonization"], record["dce_in"]) for record in records}
    if len(ways) > 1:
        raise ValueError(f"the records were harmonized in several ways: {sorted(ways)}")
    harmonization, dce_in = ways.pop()
    held: dict[str, list[tuple[float, str]]] = {}
    for record in records:
        for name, p95 in zip(record["channels"], record["p95"], strict=True):
            held.setdefault(name, []).append((p95, record["scanner"]))
    names = tuple(name for name in channels if name in held)
    plain = Scaling(harmonization, dce_in, names, (1.0,) * len(names), breasts=tuple(r["case"] for r in records))
    if harmonization == "histogram":
        plain = replace(plain, **_landmarks(records))
    if divisors == "published":
        return replace(plain, divisors=tuple(PUBLISHED[name] for name in names))
    # Matching grows with intensity, so the percentile of the matched channel is the matched percentile.
    found = [
        float(np.percentile([float(plain.matched(p95, name, scanner)) for p95, scanner in held[name]], 95))
        for name in names
    ]
    if min(found) <= 0:
        raise ValueError(f"the divisors are {found}: a channel is empty in every training breast")
    return replace(plain, divisors=tuple(found))


def _landmarks(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The landmarks of each scanner with enough breasts, and the pooled ones: medians over breasts."""
    groups: dict[str, list[Any]] = {}
    for record in records:
        groups.setdefault(record["scanner"], []).append(record["landmarks"])

    def middle(own: list[Any]) -> tuple[float, ...]:
        # Strictly growing, or a curve between two landmarks would be no function.
        values = np.maximum.accumulate(np.median(np.array(own, dtype=float), axis=0))
        return tuple(float(v) for v in values + 1e-6 * np.arange(1, values.size + 1))

    return {
        "landmarks": {name: middle(own) for name, own in sorted(groups.items()) if len(own) >= FEWEST_BREASTS},
        "pooled": middle([landmarks for own in groups.values() for landmarks in own]),
    }
