"""The summary of one exam: one page that needs no other file and prints on one sheet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from radparity.report.figures import Figure
from radparity.report.tables import Table, number
from radparity.site.answer import FOUND

TEMPLATE = Path(__file__).parents[2] / "report" / "exam.html.j2"


def summary(results: Mapping[str, Any], whose: Mapping[str, str], drawn: Figure | None) -> str:
    """The page. results: as results.json has them; whose: what names the patient; drawn: the pictures."""
    from radparity.report.templates import templates

    return (
        templates(TEMPLATE.parent)
        .get_template(TEMPLATE.name)
        .render(
            whose=whose,
            results=results,
            sentences=[sentence(breast) for breast in results["breasts"]],
            numbers=_numbers(results),
            parts=[_made_of(part) for part in results["parts"]],
            flags=[*cautions(results), *_flags(results)],
            drawn=drawn,
        )
        + "\n"
    )


def sentence(breast: Mapping[str, Any]) -> str:
    """The answer for one breast in a sentence."""
    side = f"{breast['side'].capitalize()} breast"
    if breast["status"] != "ok":
        return f"{side}: not segmented. {breast['sentence']}"
    said = f"largest probability {breast['maximum']:.3f}, floor {breast['floor']:g}"
    if breast["answer"] != FOUND:
        return f"{side}: {breast['answer']} ({said})."
    return (
        f"{side}: lesion of {breast['volume_cc']:.2f} cc, longest diameter {breast['longest_diameter_mm']:.0f} mm"
        f" ({said})."
    )


def cautions(results: Mapping[str, Any]) -> list[str]:
    """How the exam differs from those of the study, once each."""
    found = [flag["sentence"] for part in results["parts"] for flag in part["unlike"]]
    return [f"{said[:1].upper()}{said[1:]}." for said in dict.fromkeys(found)]


def _numbers(results: Mapping[str, Any]) -> Table:
    done = [breast for breast in results["breasts"] if breast["status"] == "ok"]
    rows = [
        ["answer", *(breast["answer"] for breast in done)],
        ["volume, cc", *(number(breast.get("volume_cc"), 2) for breast in done)],
        ["longest diameter, mm", *(number(breast.get("longest_diameter_mm"), 1) for breast in done)],
        ["centre, mm to the right, front, top (RAS)", *(_centre(breast) for breast in done)],
        ["images of the exam with the lesion", *(_images(breast) for breast in done)],
        ["their series, and what numbers them", *(_numbered(breast) for breast in done)],
        ["largest probability", *(number(breast["maximum"], 4) for breast in done)],
        ["floor", *(f"{breast['floor']:g}" for breast in done)],
        ["disagreement of the networks in the lesion", *(number(breast.get("disagreement")) for breast in done)],
        ["breast, ml", *(f"{breast['breast_ml']:g}" for breast in done)],
    ]
    sides = [f"{breast['side']} breast" for breast in done]
    return Table("numbers", "Numbers", ["", *sides], rows)


def _centre(breast: Mapping[str, Any]) -> str:
    return ", ".join(number(v, 0) for v in breast.get("centre_mm", ()))


def _images(breast: Mapping[str, Any]) -> str:
    held = breast.get("images", [])
    if len(held) < 2:
        return "".join(map(str, held))
    return f"{len(held)} from {held[0]} to {held[-1]}, most on {breast['largest_image']}"


def _numbered(breast: Mapping[str, Any]) -> str:
    if "images" not in breast:
        return ""
    return ", ".join(str(said) for said in (breast["series"], breast["numbered_by"]) if said is not None)


def _made_of(part: Mapping[str, Any]) -> str:
    """How the images of one or both breasts were made, in a sentence."""
    times = ", ".join("unknown" if t is None else f"{t:g}" for t in part["times_s"])
    return (
        f"{' and '.join(part['sides']).capitalize()}: {part['scanner']}; {part['plane']}, {len(part['times_s'])} phases"
        f" at {times} s (times from {part['timed_by'] or 'nowhere'})."
    )


def _flags(results: Mapping[str, Any]) -> list[str]:
    """What was flagged, and of which breast where it is not true of both."""
    held = [(part["sides"], flag) for part in results["parts"] for flag in part["flags"]]
    held += [([breast["side"]], flag) for breast in results["breasts"] for flag in breast.get("flags", [])]
    return [f"{' and '.join(of)}, {flag['code'].replace('_', ' ')}: {flag['sentence']}" for of, flag in held]
