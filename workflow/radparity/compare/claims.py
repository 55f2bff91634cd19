"""What each test can and cannot claim, in the words that the report prints."""

from __future__ import annotations

MEAN_DIFFERENCE = "mean over cases of Dice (network minus reader, each averaged over the case's usable references)"
BRACKET_ESTIMAND = "sign of the paired difference to the lowest and to the highest reader (pseudo-medians)"
BRACKET = (
    "Can claim that, case by case, the network tends to score above the lowest and below the highest of these readers. "
    "Cannot claim equivalence: the wider the readers spread, the easier it passes; in simulation a network that failed "
    "grossly in a third of the cases passed in 93 % (n = 250), one that is itself one of the readers in 0.1 % at most."
)
BRACKET_REFUSED = "reader ids are slots that change persons between cases: no person is lowest or highest"
BRACKET_NOT_TESTABLE = "fewer than two readers have a usable reference"
EXPLORATORY = "exploratory"
LOCATION_GIVEN = "location given: everything is judged inside the box around the readers' outlines"
MAJORITY_OF_TWO = "; with two other readers the majority is their intersection"
AVERAGED_WILCOXON = (
    "exploratory; the paper's figure: on Dice averaged over references this Wilcoxon test does not hold its level "
    "(with a true reader in the network's place, LIDC, intersection, it called the network better in 15 % of draws "
    "at a nominal 2.5 %), so neither a small nor a large p decides; see the rows by reference and the margin test"
)


def margin(readers: int) -> str:
    """Claim of the primary test for a study of so many readers."""
    return (
        f"Can claim that Dice, averaged over cases, is within the margin of these {readers} readers', or beyond it. "
        "Cannot claim anything about other readers or about single cases (see the tails); "
        '"inconclusive" means that the interval is too wide, not that they differ.'
    )


def robust_t(readers: int) -> str:
    """Claim of the patient-robust t for a study of so many readers."""
    return (
        f"Checks the margin test, on the same mean and these {readers} readers, with t quantiles. Cannot stand alone: "
        "with few or skewed cases it declares equivalence too often (7 % instead of 5 % at n = 250, 20 % at n = 12)."
    )
