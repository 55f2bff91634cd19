"""What a series' description says of its role, alone and beside the other descriptions of its exam."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

FEWEST_SECTIONS = 8
# Where no word boundary helps (Philips and Siemens glue protocol and sequence: "BreasTSET2FSSAG1B"), a weighting counts
# when a sequence or a plane stands before it, so that "breast2" or "post2" is no T2.
_WEIGHTED = r"(?:(?<![a-z])|(?<=tse|fse|sag|tra|cor)|(?<=ax))t{}(?![\d*])"
T1 = re.compile(r"(?:(?<![a-z])|(?<=tse|fse|sag|tra|cor|lsg|rsg)|(?<=ax|sg))t1(?!\d)")
GRADIENT_ECHO = re.compile(
    r"spgr|fgre|(?<![a-z])gre(?![a-z])|gradient echo|fl\W?3d|fl\W?2d|flash|vibe|vibrant|thrive|lava|views|tfl"
    r"|(?<![a-z])t?ffe"
)
VOLUME = re.compile(r"(?<!\d)3d")
SECTIONS_2D = re.compile(r"(?<!\d)2d")
SPIN_ECHO = re.compile(r"(?<![a-z])(?:spin echo|t?f?se)(?![a-z])|tse|fse")
BEFORE = re.compile(r"(?<![a-z])pre(?![a-z])")
AFTER = re.compile(r"(?<![a-z])(?:post?|gad|gd|c\+)(?![a-z])|\+\s?c(?![a-z])|contrast|delay")
FAT_SUPPRESSED = re.compile(
    r"fs(?![a-z])|fat\W?s(?:at|up)|spair|spir|(?<![a-z])we(?![a-z])|water|ideal|dixon|vibrant|thrive|fs3d|ir.?spgr|ir.?3dfgre"
)
NOT_FAT_SUPPRESSED = re.compile(
    r"(?<![a-z])(?:no|non|without|w/?o)\W?(?:fs|fat\W?s(?:at|up)\w*)(?![a-z])|(?<![a-z])nfs(?![a-z])"
)
NOT_DYNAMIC = ("segmentation", "derived", "localizer", "calibration", "diffusion", "t2", "other")

# The first that matches decides: (role, pattern, what the words mean).
WORDS: list[tuple[str, re.Pattern[str], str]] = [
    (role, re.compile(pattern), meaning)
    for role, pattern, meaning in (
        ("other", r"needle|biops|guidance|(?<![a-z])(?:bx|clip|wire)(?![a-z])", "an intervention"),
        ("segmentation", r"segmentation", "a segmentation"),
        ("derived", r"(?<![a-z])pe\d(?!\d)|percent enh|(?<![a-z])pei(?![a-z])", "percent enhancement"),
        ("derived", r"(?<![a-z])ser(?![a-z]|\W*\d)", "signal enhancement ratio"),
        ("derived", r"(?<!no )(?<!non )(?<![a-z])(?:subs?|subt|subtr\w*)(?![a-z])", "subtraction"),
        ("derived", r"ce\s?\d?\s?su\d?(?![a-z])", "contrast-enhanced subtraction"),
        ("derived", r"\(\d+/\d+/\d+\)\s*[-+]\s*\(\d|pass .*(?<![\d-])\d{1,2}-\d{1,2}(?![\d-])", "arithmetic on series"),
        ("derived", r"^bind\(", "images of other series bound together"),
        ("derived", r"(?<![a-z])mips?(?![a-z])|(?<![a-z])pjn(?![a-z])|projection", "projection"),
        ("derived", r"(?<![a-z])(?:mpr(?:(?:series|ax|cor|sag)\w*)?|vrt|ssd)(?![a-z])|reformat|curved", "reformat"),
        ("derived", r"(?<![a-z])e?adc(?![a-z])", "apparent diffusion coefficient"),
        ("derived", r"wash\W?(?:in|out)|(?<![a-z])(?:ttp|i?auc\d*)(?![a-z])|time to peak", "map"),
        ("derived", r"slope|ktrans|parametric|kinetic", "map"),
        ("derived", r"colou?r|^cad~|dynacad|cadstream|(?<![a-z])cad(?![a-z])", "made by reading software"),
        ("derived", r"moco|motion\W?corr|registered", "motion-corrected copy"),
        ("derived", r"screen|secondary capt|posdisp|summary|key\W?image|report|^average$", "screenshot or summary"),
        ("derived", r"dwi mask", "a mask drawn on diffusion images"),
        ("localizer", r"(?<![a-z])(?:locs?|locali[sz]\w*|locator|scouts?|survey)(?![a-z])", "localizer"),
        ("localizer", r"(?<!\d)3\W?p(?:l|lanes?)?(?![a-z])|tri\W?plane|for position", "localizer"),
        ("diffusion", r"dwi|(?<![a-z])dw|(?<![a-z])dti|(?<![a-z])diff|tensor|ivim|trace(?![a-z])", "diffusion"),
        ("other", r"bold|mrsi|spectr|(?<![a-z])(?:svs|csi|asl|mre)(?![a-z])|elasto|greast|perfusion", "not morphology"),
        ("other", r"fiesta|true?\W?fi|ssfp|(?<![a-z])(?:ciss|btfe|bffe)(?![a-z])", "balanced gradient echo"),
        ("other", r"t[12]\W?map|mapping|\d\W?flip|flip\W?\d", "relaxation mapping"),
        ("other", r"(?<![a-z])(?:epi|pd|flair)(?![a-z])|t2\s?\*|silicone", "neither T1 nor T2"),
        ("other", r"(?:^|: )(?:fat|in\W?phase|out\W?phase)\s?:", "Dixon, not water"),
        ("other", r"(?<![a-z])(?:opp|outphase|inphase)$", "Dixon, not water"),
        ("calibration", r"calib|(?<![a-z])cal(?![a-z])|ref\w*\W?scan|sense\W?ref", "calibration"),
        ("calibration", r"coil\W?sens|prescan|shim", "calibration"),
        ("calibration", r"b[01]\W?map|field\W?map|test(?![a-z])", "a map of the field, or a test"),
        ("ultrafast", r"disco|twist|tricks|ultra\W?fast|(?<![a-z])grasp(?![a-z])|4d\W?trak", "ultrafast"),
        ("ultrafast", r"time\W?resolved", "ultrafast"),
        ("dynamic", r"dyn(?!ac)|(?<![a-z])dce(?![a-z])|multi\W?phase", "dynamic"),
        ("dynamic", r"(?:^|: )ph\d+/|phase\s?=?\s?\d|(?<![a-z])tt=\d", "a numbered or timed phase"),
        ("dynamic", r"(?:\d(?:st|nd|rd|th)|first|second|third)\W*pas|(?<![a-z])pass\W*\d", "a pass after contrast"),
        ("dynamic", r"(?<![a-z])pre(?: ?x ?\d)?\W{0,3}(?:and\W)?post(?![a-wyz]|x(?!\d))", "before and after contrast"),
        ("dynamic", r"(?<![a-z])post\W*(?:contrast)?\W*#?\d(?!\s?d)|\d\W?post(?![a-z])", "a numbered phase"),
        ("dynamic", r"(?<=t1)\W?ce\d|immed", "a phase after contrast"),
        ("dynamic", r"\d+x/\d+\W?sec", "a number of phases"),
    )
]  # fmt: skip
T2 = re.compile(_WEIGHTED.format("2") + r"|stir|tirm|haste|ssfse|(?<![a-z])(?:space|cube|vista)(?![a-z])")
PHASE_WORDS = re.compile(
    r"(?:^|: )ph\d+/|\(?(?<![a-z])(?:pre|post?|contrast|delay(?:ed)?|immed|pass|\d(?:st|nd|rd|th))(?![a-z])\)?"
    r"|\+\s?c(?![a-z])|tt=[\d.]+s|\W#?\d$"
)
# A cropped copy of the phases that UCSF analysed; it lies beside the acquisition that it was taken from.
COPY = re.compile(r"volser: .*original dce")
MAP_OF = re.compile(r"(?:\s*:\s*(?:pe\d|ser)|[\s_]+sub)$")


class Described(NamedTuple):
    """What an index knows of a series without its tags."""

    description: str
    modality: str = "MR"
    images: int | None = None


def plain(description: str) -> str:
    """The description in lower case with underscores as spaces: what every pattern here is read against."""
    return re.sub(r"[\s_]+", " ", description.lower()).strip()


def fat_suppressed(description: str) -> bool | None:
    """Whether the words say that fat is suppressed; None where they are silent."""
    text = plain(description)
    if NOT_FAT_SUPPRESSED.search(text):
        return False
    return True if FAT_SUPPRESSED.search(text) else None


def role_of_description(description: str, modality: str = "MR", images: int | None = None) -> tuple[str, str]:
    """The role that the description alone says, and the reason in words; `unsure` where it does not say.

    images: how many the series holds, where known. Roles: dynamic, ultrafast, t1, t2, diffusion, localizer, derived,
    segmentation, calibration, other, unsure. A T1-weighted gradient-echo volume without a word of phases is `unsure`:
    its tags, or the other series of the exam, have to tell.
    """
    text = plain(description)
    if modality == "SEG":
        return "segmentation", "Modality is SEG"
    if modality != "MR":
        return "other", f"Modality is {modality or 'missing'}, not MR"
    for role, pattern, meaning in WORDS:
        if found := pattern.search(text):
            if role in ("dynamic", "ultrafast") and (T2.search(text) and not T1.search(text)):
                break
            if role in ("dynamic", "ultrafast") and images is not None and images < FEWEST_SECTIONS:
                return "other", f"{images} images: fewer than {FEWEST_SECTIONS} sections"
            return role, f"description says '{found.group().strip()}': {meaning}"
    t1 = T1.search(text)
    if not t1 and (found := T2.search(text) or SPIN_ECHO.search(text)):
        if "spin echo" not in found.group():
            return "t2", f"description says '{found.group()}'" + ("" if T2.search(text) else " without T1")
        return "unsure", "spin echo of unknown weighting"
    like = t1 or GRADIENT_ECHO.search(text) or VOLUME.search(text)
    if like and images is not None and images < FEWEST_SECTIONS:
        return "other", f"{images} images: fewer than {FEWEST_SECTIONS} sections"
    if SECTIONS_2D.search(text) and (like or AFTER.search(text)):
        return "t1", "description says '2D': sections, not a volume"
    if like and (found := NOT_FAT_SUPPRESSED.search(text)):
        return "t1", f"description says '{found.group()}' and no word of phases"
    if t1 and SPIN_ECHO.search(text):
        return "t1", "T1-weighted spin echo"
    contrast = BEFORE.search(text) or AFTER.search(text)
    if t1 and not contrast and not GRADIENT_ECHO.search(text) and not VOLUME.search(text):
        return "t1", "description says T1 and no word of phases or contrast"
    if like:
        return "unsure", "T1-weighted or a volume, but not said whether it belongs to a dynamic acquisition"
    return "unsure", "description says nothing that is known" if text else "no description"


def stem(description: str) -> str:
    """What is left of a description without its words of phases: alike for all series of one acquisition."""
    return re.sub(r"[^a-z0-9]+", " ", PHASE_WORDS.sub(" ", plain(description))).strip()


def roles_beside(series: Sequence[Described]) -> list[tuple[str, str]]:
    """Roles and reasons of all series of one exam, from descriptions and numbers of images alone, in their order.

    What `role_of_description` leaves open is settled by the neighbours: a map named after a series makes it dynamic;
    so does the same name and number of images three times, or once before and once after contrast; what says "pre"
    belongs to phases of as many images; beside series that say they are dynamic, other T1-weighted ones are not. A copy
    of the phases says nothing of the series that it was taken from.
    """
    alone = [role_of_description(*one) for one in series]
    mapped = {MAP_OF.sub("", plain(one.description)) for one in series if MAP_OF.search(plain(one.description))}
    dynamic = [one for one, (role, _) in zip(series, alone, strict=True) if role == "dynamic"]
    saying = [one for one in dynamic if not COPY.search(plain(one.description))]
    said = {stem(one.description) for one in saying}
    sizes = {one.images for one in saying}
    begun = any(BEFORE.search(plain(one.description)) for one in saying)
    families: dict[tuple[str, int | None], list[str]] = defaultdict(list)
    for one, (role, _) in zip(series, alone, strict=True):
        if role in ("t1", "unsure") and _like(one.description):
            families[stem(one.description), one.images].append(plain(one.description))
    found = []
    for one, (role, reason) in zip(series, alone, strict=True):
        text, name = plain(one.description), stem(one.description)
        members = families.get((name, one.images), [])
        settled = NOT_FAT_SUPPRESSED.search(text) or SECTIONS_2D.search(text)
        if role in ("t1", "unsure") and text in mapped:
            role, reason = "dynamic", "an enhancement map or subtraction of the exam is named after it"
        elif role == "unsure" and name in said:
            role, reason = "dynamic", "named like a series that says it is dynamic"
        elif said and role == "unsure" and BEFORE.search(text) and one.images in sizes and not begun:
            role, reason = "dynamic", f"before contrast, {one.images} images like the phases after it"
        elif said and role == "unsure" and _like(text) and (one.images not in sizes or begun):
            role, reason = "t1", "another series of the exam says it is dynamic, this one does not"
        elif role in ("t1", "unsure") and not said and not settled and members:
            after = [bool(AFTER.search(member)) for member in members]
            if len(members) >= 3:
                role, reason = "dynamic", f"{len(members)} series of this name with {one.images} images each"
            elif len(members) == 2 and any(after) and not all(after):
                role, reason = "dynamic", f"once before and once after contrast, {one.images} images each"
        found.append((role, reason))
    return found


def _like(description: str) -> bool:
    text = plain(description)
    return bool(T1.search(text) or GRADIENT_ECHO.search(text) or VOLUME.search(text))
