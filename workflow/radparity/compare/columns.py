"""What each column of the comparison's tables holds, with its unit: written into the tables' sidecars."""

from __future__ import annotations

TABLES = (
    "main equivalence tails cases scores sensitivity random_readers anova mixed normality correlation agreement"
    " references distances distance_summary sizes size_summary detection detection_summary subgroups outliers"
).split()
"""Every table of a comparison. Named here too, since a rules file must know them without pandas and scipy."""
FEW_TABLES = (
    "main cases scores distances distance_summary sizes size_summary detection detection_summary subgroups outliers"
).split()
"""Those of a study with one or two raters (`radparity.compare.against`)."""

_CASE = "case id"
_PATIENT = "patient id, the cluster of the case"
_N = "number of cases used"
_PATIENTS = "number of patients of those cases"

COLUMNS: dict[str, dict[str, str]] = {
    "scores": {
        "case": _CASE,
        "patient": _PATIENT,
        "reference": "reader whose reference this is: made from all other readers",
        "dice_network": "Dice of the network on the reference, 0 to 1; empty when the pair is unusable",
        "dice_reader": "Dice of the left-out reader on the reference, 0 to 1; empty when the pair is unusable",
        "reference_voxels": "size of the reference, voxels",
        "usable": "whether the pair (case, reference) enters the statistics",
        "emptied_by": 'for an empty reference the readers with an empty outline, or "no overlap"',
    },
    "cases": {
        "case": _CASE,
        "patient": _PATIENT,
        "dice_network": "network's Dice averaged over the case's usable references, 0 to 1; empty when there is none",
        "dice_reader": "readers' Dice, each on the own reference, averaged over the same references, 0 to 1",
        "difference": "dice_network minus dice_reader",
        "references_used": "number of usable references; with 0 the case leaves the statistics",
    },
    "main": {
        "reference": '"averaged" over references, or the reader whose reference (and whose own Dice) the row is about',
        "n": _N,
        "patients": _PATIENTS,
        "cases_left_out": "cases without a usable reference for this row",
        "network_median": "median Dice of the network",
        "network_iqr": "width of the interquartile range of the network's Dice",
        "reader_median": "median Dice of the reader (readers, where averaged)",
        "reader_iqr": "width of the interquartile range of the reader's Dice",
        "median_of_differences": "median over cases of network minus reader, Dice",
        "difference_of_medians": "network's median minus reader's median, Dice",
        "mean_difference": "mean over cases of network minus reader, Dice",
        "wilcoxon_p": "two-sided Wilcoxon signed rank p, cases independent (as the paper)",
        "wilcoxon_method": "how wilcoxon_p was made: exact, or normal with tie term and no continuity correction",
        "wilcoxon_p_by_patient": "two-sided signed rank p, patients as clusters (Rosner, Glynn, Lee 2006), normal",
        "holm_p": "wilcoxon_p adjusted by Holm over the references; empty where averaged",
        "holm_p_by_patient": "wilcoxon_p_by_patient adjusted by Holm over the references; empty where averaged",
        "a_reader_above_network": "Vargha-Delaney A: chance that reader exceeds network, ties half; 0.5 is parity",
        "a_low": "lower bound of A, percentile bootstrap over patients, level 1 - alpha",
        "a_high": "upper bound of A, percentile bootstrap over patients, level 1 - alpha",
        "rank_biserial": "matched rank-biserial (W+ - W-)/(W+ + W-), -1 to 1; positive: network higher",
        "unusable_pairs": "pairs (case, reference) left out because the reference is empty",
        "emptied_by": "which readers' empty outlines made references empty, with numbers of cases",
        "note": "standing of the row: exploratory, with its caveat",
    },
    "equivalence": {
        "test": "name of the test",
        "role": "primary (one test of one arm), exploratory (that test of any other arm), the paper's, or sensitivity",
        "estimand": "what is estimated",
        "n": _N,
        "patients": _PATIENTS,
        "margin": "equivalence margin fixed beforehand, Dice; empty where the test has none",
        "estimate": "estimate of the estimand, Dice, network minus readers; empty where the test has none",
        "low": "lower bound of the interval, Dice; -inf when resamples had no spread",
        "high": "upper bound of the interval, Dice; inf when resamples had no spread",
        "level": "level of the interval, 1 - 2 alpha",
        "p_by_patient": "larger of the two one-sided p, patients as clusters",
        "p_cases": "larger of the two one-sided p, cases independent (as the paper)",
        "verdict": "margin and t: from the interval over patients; bracket: from p_cases, as the paper",
        "non_inferior": "whether the interval lies above -margin: yes, not shown, or too few cases",
        "detail": "the two one-sided tests, patients as clusters (bracket: cases independent, with the two readers)",
        "claim": "what the test can and cannot claim",
    },
    "tails": {
        "rater": '"network", a reader, or "readers" (their average in each case)',
        "reference": '"averaged" over references, or the reader whose reference it is',
        "n": _N,
        "percentile_5": "5th percentile of Dice over cases",
        "percentile_95": "95th percentile of Dice over cases",
        "share_under_half": "share of cases with Dice under 0.5, 0 to 1",
    },
}

LOCATED: dict[str, str] = {
    "rater": '"baseline" (the arm), "network" (the primary arm), a reader, or "readers" (their average in each case)',
    "reference": '"averaged" over references, or the reader whose reference (and whose own Dice) the row is about',
    "n": _N,
    "patients": _PATIENTS,
    "median": "median Dice over cases, inside the box",
    "q25": "lower quartile of Dice over cases",
    "q75": "upper quartile of Dice over cases",
    "minus_readers": "mean over cases of this rater minus the reader (readers, where averaged), Dice",
    "minus_readers_low": "its lower bound: studentized bootstrap over patients",
    "minus_readers_high": "its upper bound",
    "minus_network": "mean over cases of this rater minus the network inside the box, Dice",
    "minus_network_low": "its lower bound: studentized bootstrap over patients",
    "minus_network_high": "its upper bound",
    "level": "level of both intervals, 1 - 2 alpha",
    "note": "that the location is given",
}
"""The table `located` of an arm that works in the readers' box."""
