"""Columns: what each column of the tables of the shift means; of `internal` the comparison's table of cases says it."""

from __future__ import annotations

TRAINED, TESTED, INTERNAL_TEST = "train_on", "external", "internal"
FEWEST_PATIENTS = 5
"""Patients below which a mean has no interval."""
TOO_FEW = f"fewer than {FEWEST_PATIENTS} patients: counted, no interval"

_SCORED = {
    "network_mean": "mean of the network's Dice, averaged over references",
    "network_median": "its median",
    "network_low": "lower bound of the interval of the mean (studentized bootstrap over patients)",
    "network_high": "upper bound",
    "reader_mean": "mean of the readers' Dice on the same cases; empty where no reader is scored",
    "difference_mean": "mean of network minus readers",
    "difference_low": "lower bound of its interval",
    "difference_high": "upper bound",
    "level": "level of the intervals",
    "note": "why a cell is empty",
}
COLUMNS: dict[str, dict[str, str]] = {
    "groups": {
        "by": "cohort, site or scanner",
        "value": "the value that these cases share",
        "test": "external (cohorts of test_on) or internal (test cases of the cohorts of train_on)",
        "n": "cases with a usable reference",
        "patients": "their patients",
        **_SCORED,
    },
    "drop": {
        "rater": "network, reader (mean over readers) or network minus reader",
        "n_internal": "cases of the internal test with a usable reference",
        "n_external": "cases of the external test with a usable reference",
        "patients_internal": "patients of the internal test",
        "patients_external": "patients of the external test",
        "mean_internal": "mean Dice of the internal test",
        "mean_external": "mean Dice of the external test",
        "change": "external minus internal; negative: Dice drops",
        "low": "lower bound of its interval (studentized bootstrap over the patients of both)",
        "high": "upper bound",
        "level": "level of the interval",
        "note": "why a cell is empty",
    },
    "facts": {
        "fact": "what is compared",
        "part": "acquisition, before or after harmonization; empty: in the image, the same before and after",
        "meaning": "in words",
        "unit": "of the medians; raw: the scanner's own; empty: a count, a ratio or scaled",
        "n_train": "cancers of the cohorts in train_on (development, tuning, internal test) that have it",
        "median_train": "their median",
        "q25_train": "lower quartile",
        "q75_train": "upper quartile",
        "n_test": "cancers of the external test that have it",
        "median_test": "their median",
        "q25_test": "lower quartile",
        "q75_test": "upper quartile",
        "standardized_difference": "mean of the test minus mean of the training cohorts, over the root of the mean of"
        " the two variances",
        "distance": "Kolmogorov-Smirnov distance of the two distributions, 0 to 1",
        "note": "why a cell is empty",
    },
    "separable": {
        "facts": "by what the cohorts are told apart",
        "used": "how many facts that is: those that vary, and most cases have",
        "n_train": "cancers of the cohorts in train_on",
        "n_test": "cancers of the external test",
        "patients_train": "patients of the cohorts in train_on",
        "patients_test": "patients of the external test",
        "auc": "how often a case of the external test is told from one of the training cohorts, by models that saw"
        " neither: 0.5 by chance, 1 always",
        "low": "lower bound of its interval (percentile bootstrap over patients, models fixed)",
        "high": "upper bound",
        "level": "level of the interval",
        "note": "why a cell is empty",
    },
}
TABLES = ("internal", *COLUMNS)
"""Every table of the shift."""
