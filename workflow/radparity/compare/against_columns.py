"""What each column of the tables holds where one or two raters outlined each case: their sidecar, and their words."""

from __future__ import annotations

from radparity.compare import volume

ESTIMATE = "the study's estimate: no test and no claim"
DESCRIPTIVE = "descriptive: two raters cannot show how far raters are from one another"
LOCATION = "location given"
NO_INTERVAL = "no interval: fewer than two patients, or no spread between them"
NO_MEDIAN = "no interval of the median: too few patients"
ALL_ALIKE = "found in all cases or in none: Wilson's interval with every patient as one case"
NO_OUTLINE = "every outline is empty"
NOT_STATED = "not stated"

_CASE = "case id"
_PATIENT = "patient id, the cluster of the case"
_RATER = '"network", or of two raters the first'
_REFERENCE = '"reference": the one rater\'s outline, or intersection or union of the two; or a rater: that outline'
_N = "cases used"
_PATIENTS = "their patients"
_LEFT_OUT = "cases without a usable reference"
_LEVEL = "level of the intervals, 1 - alpha"
_MEAN = "studentized bootstrap over patients"
_MEDIAN = "percentile bootstrap over patients"

COLUMNS: dict[str, dict[str, str]] = {
    "main": {
        "rater": _RATER,
        "reference": _REFERENCE,
        "n": _N,
        "patients": _PATIENTS,
        "cases_left_out": _LEFT_OUT,
        "mean": "mean Dice over cases, 0 to 1",
        "mean_low": f"its lower bound, {_MEAN}",
        "mean_high": "its upper bound",
        "median": "median Dice over cases",
        "median_low": f"its lower bound, {_MEDIAN}",
        "median_high": "its upper bound",
        "q25": "lower quartile of Dice",
        "q75": "upper quartile of Dice",
        "percentile_5": "5th percentile of Dice over cases",
        "share_under_half": "share of cases with Dice under 0.5, 0 to 1",
        "missed": "cases with Dice 0",
        "level": _LEVEL,
        "note": "standing of the row, and what is missing in it",
    },
    "cases": {
        "case": _CASE,
        "patient": _PATIENT,
        "dice_network": "the network's Dice on the reference, 0 to 1; empty where it is not usable",
        "reference_voxels": "size of the reference, voxels",
        "references_used": "1 where the reference is usable; with 0 the case leaves the statistics",
    },
    "scores": {
        "case": _CASE,
        "patient": _PATIENT,
        "rater": _RATER,
        "reference": _REFERENCE,
        "dice": "Dice of the rater's mask on the reference, 0 to 1; empty where it is not usable",
        "reference_voxels": "size of the reference, voxels",
        "usable": "whether the pair enters the statistics",
    },
    "distances": {
        "case": _CASE,
        "patient": _PATIENT,
        "rater": _RATER,
        "reference": _REFERENCE,
        "hd95": "larger of the two directed 95th percentiles of the distances of the outlines, mm; inf: nothing marked",
        "assd": "mean of all directed distances pooled, mm; inf: nothing marked",
        "note": "why there is no distance: empty reference, or no voxel size; empty otherwise",
    },
    "distance_summary": {
        "measure": '"hd95" or "assd"',
        "rater": _RATER,
        "reference": _REFERENCE,
        "n": _N,
        "patients": _PATIENTS,
        "cases_left_out": "cases without a usable reference or without a voxel size",
        "median": "median distance, mm, missed cases among them",
        "median_low": f"its lower bound, {_MEDIAN}",
        "median_high": "its upper bound",
        "q25": "lower quartile, mm",
        "q75": "upper quartile, mm",
        "mean": "mean over the cases that were not missed, mm",
        "missed": "cases without a mask (infinite distance)",
        "level": _LEVEL,
    },
    "sizes": volume.COLUMNS | {"rater": '"network" or a rater'},
    "size_summary": volume.SUMMARY
    | {
        "rater": '"network", or of two raters the first',
        "against": "the rater whose own size it is compared with",
        "n": _N,
        "patients": _PATIENTS,
    },
    "detection": {
        "case": _CASE,
        "patient": _PATIENT,
        "rater": _RATER,
        "reference": _REFERENCE,
        "lesions": "connected components of the reference",
        "found": "lesions with which one component of the rater has an IoU of the configured overlap or more",
        "components": "connected components of the rater",
        "false_positives": "components of the rater whose IoU with every lesion is below the overlap",
        "touching": "those of the false positives that share a voxel with a lesion",
        "sections": "sections of the image: 1, or the first axis of a volume",
        "note": "why the pair is not counted; empty otherwise",
    },
    "detection_summary": {
        "rater": _RATER,
        "reference": _REFERENCE,
        "n": "cases with a lesion on this reference",
        "patients": _PATIENTS,
        "cases_left_out": "cases without a lesion on it",
        "cases_found": "cases in which a lesion was found",
        "rate": "cases_found/n, 0 to 1",
        "low": f"its lower bound, {_MEAN}",
        "high": "its upper bound",
        "level": _LEVEL,
        "lesions": "lesions of those cases",
        "found": "lesions that the rater found",
        "false_positives": "components of the rater that find no lesion",
        "false_positives_per_case": "false positives for each case",
        "note": "where the interval is another one, or missing",
    },
    "subgroups": {
        "subgroup": "a column of the breasts sheet, or size: diameter of the circle of the outlines' median size",
        "value": "the value that these cases share; empty where the sheet does not say",
        "n": _N,
        "patients": _PATIENTS,
        "cases_left_out": _LEFT_OUT,
        "median": "median of the network's Dice on the reference",
        "mean": "mean of the same",
        "low": f"lower bound of the mean, {_MEAN}",
        "high": "upper bound of the mean",
        "level": _LEVEL,
        "note": "why a cell is empty",
    },
    "outliers": {
        "case": "the case; the lowest Dice first",
        "patient": _PATIENT,
        "dice_network": "the network's Dice on the reference",
        "rank": "1: the lowest of all test cases (ties by name)",
        "network_mask": "empty; disjoint: without a voxel of any outline; overlapping",
        "network_size": "size of the network's mask, mm2 (of a volume: mm3)",
        "outlines_size": "median size of the raters' outlines, in the same unit",
        "diameter_mm": "diameter of the circle (sphere) with that median size, mm",
        "centroid_distance_mm": "distance of the mask's centroid from that of the union of the outlines, mm",
        "section_maximum": "largest probability on the section, 0 to 1; empty where the arm records none",
        "disagreement": "mean standard deviation over the folds' networks inside the mask; empty where there is none",
        "note": "why a cell is empty",
    },
}
