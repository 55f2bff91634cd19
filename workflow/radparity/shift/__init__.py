"""Shift: how the cohorts of an external test differ, and what the network loses from one to the other.

Everything here is descriptive: no claim of equivalence is made of a cohort, a site or a scanner.
"""
