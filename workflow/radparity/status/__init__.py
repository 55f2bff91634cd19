"""How far a study is, mid-run and after a crash: what is done, what waits, what failed and why, and how to try again.

Reads the records of the cases and the notes of the jobs (`radparity.failures`); needs no Snakemake.
"""
