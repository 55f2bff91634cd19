"""Drawing: a figure with what it shows in words, and its way into files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from radparity.figures.style import DOTS_PER_INCH, SOFT, canvas, styled
from radparity.job import PREFIX
from radparity.ledger import dump

KINDS = ("svg", "pdf", "png", "json")
VIRTUAL = "virtual exams: not a clinical result"
NO_DATE = {"svg": {"Date": None}, "pdf": {"CreationDate": None, "ModDate": None}, "png": {"Software": None}}


@dataclass(frozen=True)
class Study:
    """What the figures must know beside their tables.

    `masks_of` is "network" or "baseline"; `virtual` says that the exams are phantoms, which is then written on every
    figure; `alpha` is the error a side; `draws` and `seed` are of the bootstrap; `tuned` says that the masks were cut
    at a threshold that this study tuned for its own references.
    """

    arm: str
    readers: Sequence[str]
    rule: str = "intersection"
    margin: float = 0.05
    alpha: float = 0.05
    draws: int = 10_000
    seed: int = 0
    masks_of: str = "network"
    virtual: bool = False
    tuned: bool = True

    @classmethod
    def of(cls, arm: str, params: Mapping[str, Any]) -> Study:
        """From a rule's params: the blocks `compare` and `readers`, `seed`, `masks_of`, `virtual`."""
        compare = params["compare"]
        return cls(
            arm=arm,
            readers=params["readers"]["test"],
            rule=compare["reference"],
            margin=compare["margin"],
            alpha=compare["alpha"],
            draws=compare["bootstrap"],
            seed=params["seed"],
            masks_of=params["masks_of"],
            virtual=params["virtual"],
        )


@dataclass(frozen=True)
class Drawing:
    """A figure in words: title, caption, numbers of cases, meaning of every mark, tables that it was drawn from."""

    name: str
    title: str
    caption: str
    said: str
    cases: Mapping[str, int]
    marks: Mapping[str, str]
    sources: Sequence[str]
    figure: Any = field(compare=False, repr=False)

    def words(self) -> dict[str, Any]:
        """All but the picture, as its JSON holds it."""
        return {
            "figure": self.name,
            "title": self.title,
            "caption": self.caption,
            "said": self.said,
            "cases": dict(self.cases),
            "marks": dict(self.marks),
            "sources": list(self.sources),
            "width_inches": float(self.figure.get_figwidth()),
        }


@styled
def write(drawing: Drawing, paths: Mapping[str, Path]) -> None:
    """Write the figure in each kind asked for (`svg`, `pdf`, `png`, `json`) and close it.

    The same drawing gives the same bytes: no date, and ids that depend on the content only.
    """
    import matplotlib.pyplot as plt

    for kind, path in paths.items():
        if kind == "json":
            path.write_text(dump(drawing.words()), encoding="utf-8")
        else:
            drawing.figure.savefig(path, format=kind, dpi=DOTS_PER_INCH, metadata=NO_DATE[kind])
    plt.close(drawing.figure)


def by_figure(paths: Iterable[Path]) -> dict[str, dict[str, Path]]:
    """Name of a figure to kind to path, of a job's output files under their temporary names."""
    found: dict[str, dict[str, Path]] = {}
    for path in paths:
        name, kind = path.name.removeprefix(PREFIX).rsplit(".", 1)
        found.setdefault(name, {})[kind] = path
    return found


def sign(figure: Any, study: Study) -> None:
    """Say on the figure itself that its exams are virtual, since figures leave the page that says so."""
    if study.virtual:
        figure.supxlabel(VIRTUAL, x=0.995, ha="right", fontsize=6.5, color=SOFT)


def captioned(caption: str, study: Study) -> str:
    """A caption that says whose masks they are and, of phantoms, that the exams are virtual."""
    return f"{caption} Arm {study.arm}." + (f" {VIRTUAL.capitalize()}." if study.virtual else "")


def blank(name: str, title: str, why: str, study: Study, sources: Sequence[str]) -> Drawing:
    """A figure that says why there is nothing to draw."""
    figure, axes = canvas(1.4)
    axes[0, 0].text(0.5, 0.5, why, ha="center", va="center", wrap=True)
    axes[0, 0].axis("off")
    sign(figure, study)
    said = f"Nothing is drawn: {why}"
    return Drawing(name, title, captioned(f"{title}: {why}.", study), said, {"drawn": 0}, {}, sources, figure)
