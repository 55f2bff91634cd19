"""Columns: what each column of the tables of the experiments holds, with its unit."""

from __future__ import annotations

_SUMMARY = {
    "repeats": "trainings, each from its own draws and initial weights; a baseline has one",
    "cases": "malignant development cases with a score in every repeat",
    "patients": "number of patients of those cases",
    "left_out": "malignant development cases without a score; scores.tsv of the arm says why",
    "median": "median over cases of Dice, each case's Dice being its mean over the repeats",
    "q25": "25th percentile of the same",
    "q75": "75th percentile of the same",
    "mean": "mean of the same",
    "low": "lower bound of the mean's interval, studentized bootstrap over patients, level 1 - alpha",
    "high": "upper bound of it",
    "spread_of_repeats": "standard deviation between the repeats' mean Dice; empty for one repeat",
    "misses": "cases with Dice 0, mean over the repeats",
}
_PAIRED = {
    "cases": "cases that both have",
    "patients": "number of patients of those cases",
    "only_first": "cases that only the first has; they are not compared",
    "only_second": "cases that only the second has; they are not compared",
    "mean_difference": "mean over cases of first minus second, Dice",
    "low": "lower bound of the mean difference, studentized bootstrap over patients, level 1 - alpha",
    "high": "upper bound of it",
    "median_of_differences": "median over cases of first minus second, Dice",
    "error_of_repeats": "standard error of the mean difference that comes from the repeats alone, Dice",
    "wilcoxon_p": "two-sided Wilcoxon signed rank p, cases independent (as the paper)",
    "wilcoxon_method": "how wilcoxon_p was made: exact, or normal with tie term and no continuity correction",
    "wilcoxon_p_by_patient": "two-sided signed rank p, patients as clusters (Rosner, Glynn, Lee 2006), normal",
    "holm_p": "wilcoxon_p adjusted by Holm over the family",
    "holm_p_by_patient": "wilcoxon_p_by_patient adjusted by Holm over the family",
    "rank_biserial": "matched rank-biserial (W+ - W-)/(W+ + W-), -1 to 1; positive: the first is higher",
}

COLUMNS: dict[str, dict[str, str]] = {
    "selection": {
        "rank": "by mean_shared, 1 is the highest",
        "arm": "arm",
        "network": "its network",
        "width": "base width; empty where it is the preset's own",
        "channels": "its input channels",
        "harmonization": "its harmonization",
        "parameters": "trainable parameters of one network; empty where there is none",
        **_SUMMARY,
        "mean_shared": "mean Dice over the cases that all arms have: what the rank is by",
        "shared_cases": "number of the cases that all arms have",
    },
    "selection_tests": {"arm": "the first", "reference": "the second: the arm that all others are set against"}
    | _PAIRED,
    "learning_curve": {
        "curve": "name of the curve",
        "point": "number of the point, from the smallest part",
        "malignant_share": "share of each fold's malignant training breasts",
        "benign_share": "share of each fold's benign training breasts",
        "malignant": "malignant training breasts, mean over folds and repeats",
        "benign": "benign training breasts, mean over folds and repeats",
        **_SUMMARY,
    },
    "learning_curve_tests": {
        "curve": "name of the curve",
        "point": "the first: number of the larger point",
        "before": "the second: number of the point before it",
    }
    | _PAIRED,
}
