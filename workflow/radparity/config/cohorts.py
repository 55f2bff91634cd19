"""The keys `train_on` and `test_on`: what holds between them, whatever the sheets say."""

from __future__ import annotations


def check_cohorts(train_on: list[str] | None, test_on: list[str] | None) -> None:
    """Raises ValueError, with the line to write, where one of the keys stands alone, a cohort twice, or in both."""
    if (train_on is None) != (test_on is None):
        there, other = ("train_on", "test_on") if test_on is None else ("test_on", "train_on")
        raise ValueError(f"{there} stands alone. Write beside it: {other}: [COHORT], or leave both out")
    trained, tested = train_on or [], test_on or []
    for key, names in (("train_on", trained), ("test_on", tested)):
        if len(set(names)) < len(names):
            raise ValueError(f"{key}: a cohort stands twice. Write instead: {key}: [{', '.join(dict.fromkeys(names))}]")
    both = [name for name in trained if name in tested]
    rest = [name for name in tested if name not in both]
    if both:
        raise ValueError(
            f"train_on and test_on both name {both[0]}, which cannot train and be the test. Write instead:"
            f" test_on: [{', '.join(rest) or 'ANOTHER COHORT'}]"
        )
