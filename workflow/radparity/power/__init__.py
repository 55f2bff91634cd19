"""Power: how many cases a study needs.

`closed_form` is the paper's calculation and its equivalent for two one-sided tests, for normal differences. `pilot`
holds the paired differences of a pilot, `study` draws studies from it and lets the primary rule judge each, `verdict`
says it in words, `picture` draws it.
"""
